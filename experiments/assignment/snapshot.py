"""The compiled form of a bundle's content: immutable, and laid out in the order in which the engine asks."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import msgspec

from experiments.assignment.periods import Periods
from experiments.assignment.targeting import Predicate
from experiments.vocabulary import ArmState, FlagKind, Reason

Slots = tuple[int | None, int | None, int | None]


@dataclass(frozen=True, slots=True, eq=False)
class Answer:
    """All of an assignment that does not depend on the unit; compiled once, shared by every unit that gets it.

    `variant` and `parameters` are those of the control wherever `enrolled` is false, except under an OVERRIDE, a
    PREVIEW and during a BURN_IN.
    `probability` is the share with which the variant is drawn in this epoch, 0 where `enrolled` is false. An
    experiment that the bundle does not know has no id, unit kind or variant.
    """

    experiment_id: int | None
    experiment_key: str
    unit_kind: str | None
    variant: str | None
    enrolled: bool
    reason: Reason
    epoch: int
    probability: float
    parameters: Mapping[str, object]
    budget: int | None = None
    """Millionths of the currency that the variant has of the experiment's budget, where it has one."""


class Assignment(msgspec.Struct, frozen=True, gc=False):
    """What one unit gets from one experiment: an answer and the slots it was drawn with, None where none was drawn.

    The coverage slot is drawn only where coverage is partial, since it decides nothing otherwise. `period` is the
    number of the period where units are randomised by period.
    """

    answer: Answer
    layer_slot: int | None = None
    coverage_slot: int | None = None
    variant_slot: int | None = None
    period: int | None = None

    @property
    def experiment_id(self) -> int | None:
        return self.answer.experiment_id

    @property
    def experiment_key(self) -> str:
        return self.answer.experiment_key

    @property
    def unit_kind(self) -> str | None:
        return self.answer.unit_kind

    @property
    def variant(self) -> str | None:
        return self.answer.variant

    @property
    def enrolled(self) -> bool:
        return self.answer.enrolled

    @property
    def reason(self) -> Reason:
        return self.answer.reason

    @property
    def epoch(self) -> int:
        return self.answer.epoch

    @property
    def probability(self) -> float:
        return self.answer.probability

    @property
    def parameters(self) -> Mapping[str, object]:
        return self.answer.parameters

    @property
    def slots(self) -> Slots:
        return self.layer_slot, self.coverage_slot, self.variant_slot


@dataclass(frozen=True, slots=True, eq=False)
class Variant:
    """One arm, with the answers that give it: by the draw, by what the unit met before, by an override, by a link, and
    by the draw while a period settles."""

    key: str
    is_control: bool
    state: ArmState
    weight: int
    parameters: Mapping[str, object]
    drawn: Answer
    kept: Answer
    overridden: Answer
    previewed: Answer
    settling: Answer


@dataclass(frozen=True, slots=True, eq=False)
class Experiment:
    """One experiment. The answer to a variant slot is draws[bisect_right(boundaries, slot)].

    One that is not running covers every slot and draws NOT_RUNNING from each.
    """

    # What every draw reads comes first, so that it lies together in memory.
    admits: Predicate | None
    coverage: int
    variant_prefix: bytes
    boundaries: tuple[int, ...]
    draws: tuple[Answer, ...]
    coverage_prefix: bytes
    id: int
    key: str
    unit_kind: str
    is_running: bool
    is_personalised: bool
    epoch: int
    epoch_opened_at: datetime
    layer: int | None
    layer_ranges: tuple[tuple[int, int], ...]
    holdout: int | None
    required: tuple[str, tuple[str, ...]] | None
    variants: Mapping[str, Variant]
    overrides: Mapping[str, Variant]
    refused: Mapping[Reason, Answer]
    """The answer for each reason that leaves the unit with the control."""
    is_sticky: bool
    """Whether the allocation has changed so that the hash no longer tells what a unit met before."""
    periods: Periods | None
    """The calendar where units are randomised by period."""
    settling: tuple[Answer, ...]
    """The answer to each variant slot during the burn-in of a period."""


@dataclass(frozen=True, slots=True, eq=False)
class Holdout:
    """Units whose holdout slot lies below `share` stay out of its experiments."""

    id: int
    key: str
    unit_kind: str
    share: int
    prefix: bytes


@dataclass(frozen=True, slots=True, eq=False)
class LayerIndex:
    """Who owns which slot of a layer, for one unit kind: owners[bisect_right(boundaries, slot)]."""

    prefix: bytes
    boundaries: tuple[int, ...]
    owners: tuple[Experiment | None, ...]


@dataclass(frozen=True, slots=True, eq=False)
class UnitPlan:
    """The experiments that randomise one kind of unit, laid out for the engine.

    `unlayered` need asking each time; `by_attribute` are those without a layer that insist on certain texts of
    an attribute: attribute -> text -> experiments. `overrides` maps plain unit ids to their ready answers.
    """

    unit_kind: str
    layers: tuple[LayerIndex, ...]
    unlayered: tuple[Experiment, ...]
    by_attribute: tuple[tuple[str, Mapping[str, tuple[Experiment, ...]]], ...]
    overrides: Mapping[str, tuple[Assignment, ...]]
    unit_missing: tuple[Assignment, ...]
    unit_invalid: tuple[Assignment, ...]
    has_periods: bool
    """Whether some of them draw by the clock."""


@dataclass(frozen=True, slots=True, eq=False)
class Flag:
    """A parameter that is asked for by name. `default` and `values` (by experiment and variant) are ready JSON.

    `setters` are the experiments that can give it another value, in the order of the bundle; `indexes` say who owns
    which slot of the flag's layer, for each unit kind that experiments of the layer randomise.
    """

    key: str
    kind: FlagKind
    default: str
    indexes: tuple[tuple[UnitPlan, LayerIndex], ...]
    setters: tuple[Experiment, ...]
    setter_keys: tuple[str, ...]
    values: Mapping[tuple[str, str], str]


@dataclass(frozen=True, slots=True, eq=False)
class Snapshot:
    """Everything that assignment needs of one project, at one bundle version."""

    project_id: int
    project_key: str
    version: int
    experiments: Mapping[str, Experiment]
    holdouts: Mapping[int, Holdout]
    layer_prefixes: Mapping[int, bytes]
    plans: tuple[UnitPlan, ...]
    latest_opening: datetime
    """From this moment on no experiment can answer NOT_STARTED."""
    swift_from: datetime
    """From this moment on the draw alone decides; never where an experiment is sticky."""
    sticky: Mapping[str, tuple[Experiment, ...]]
    """The running experiments that are sticky, by unit kind."""
    flags: Mapping[str, Flag]
