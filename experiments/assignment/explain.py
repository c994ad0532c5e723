"""Why a unit gets what it gets: the steps of the engine one by one, each with what it compared, in words.

Slow and thorough where the engine is fast: for people, never on the path of a request for an assignment. The answer
itself is the engine's; the steps are derived beside it, and the last one must come to the same reason.
"""

from bisect import bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from experiments.assignment.bucketing import SLOTS, draw_slot, encode_unit
from experiments.assignment.engine import assign
from experiments.assignment.explain_audience import Condition, conditions_of
from experiments.assignment.links import through_links
from experiments.assignment.periods import Periods
from experiments.assignment.snapshot import Answer, Assignment, Experiment, Snapshot
from experiments.assignment.unit_ids import with_store_item
from experiments.vocabulary import ArmState, Reason, UnitKind


class StepCode(StrEnum):
    """The steps, in the order in which they are taken."""

    KNOWN = "KNOWN"
    RUNNING = "RUNNING"
    UNIT = "UNIT"
    OVERRIDE = "OVERRIDE"
    STARTED = "STARTED"
    PERSONALISATION = "PERSONALISATION"
    HOLDOUT = "HOLDOUT"
    LAYER = "LAYER"
    AUDIENCE = "AUDIENCE"
    LINK = "LINK"
    STICKY = "STICKY"
    COVERAGE = "COVERAGE"
    BLACKOUT = "BLACKOUT"
    VARIANT = "VARIANT"


@dataclass(frozen=True, slots=True)
class Step:
    """One step. `reason` is set by the step that decides; `facts` are what it compared."""

    code: StepCode
    text: str
    reason: Reason | None = None
    facts: Mapping[str, object] = field(default_factory=dict)
    conditions: tuple[Condition, ...] = ()


@dataclass(frozen=True, slots=True)
class Explanation:
    """The steps up to the one that decides, and the engine's answer."""

    steps: tuple[Step, ...]
    assignment: Assignment


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """What is to be explained: who asks, when, and what is known beforehand.

    `audience` is the experiment's expression as it stands in the bundle. `sticky` and `linked` map experiments to the
    variant that the unit, or a visitor of the customer alone, met: None where it cannot be told.
    """

    units: Mapping[str, Any]
    attributes: Mapping[str, Any]
    at: datetime
    bundle: Snapshot
    key: str
    audience: object = None
    sticky: Mapping[int, str | None] | None = None
    linked: Mapping[int, str] | None = None
    personalised: bool = True


def explain(case: Case) -> Explanation:
    """Return the steps for one experiment, and what `assign` and `through_links` give. Never raises for bad units."""
    (given,) = assign(
        case.units, case.attributes, case.at, case.sticky, case.bundle, keys=[case.key], personalised=case.personalised
    )
    (answer,) = through_links(
        (given,), case.units, case.attributes, case.at, case.linked, case.bundle, personalised=case.personalised
    )
    steps: list[Step] = []
    for step in _steps(case):
        steps.append(step)
        if step.reason is not None:
            break
    return Explanation(tuple(steps), answer)


def _steps(case: Case) -> Iterator[Step]:
    experiment = case.bundle.experiments.get(case.key)
    if experiment is None:
        text = "The live bundle has no such experiment: it is a draft, has ended, or belongs to another project."
        yield Step(StepCode.KNOWN, text, Reason.UNKNOWN_EXPERIMENT)
        return
    yield Step(StepCode.KNOWN, f"The experiment is in bundle {case.bundle.version}.")
    if not experiment.is_running:
        yield Step(StepCode.RUNNING, "It is paused, so everybody gets the control.", Reason.NOT_RUNNING)
        return
    yield Step(StepCode.RUNNING, "It is running.")
    units = with_store_item(case.units)
    unit_id = units.get(experiment.unit_kind)
    unit = encode_unit(unit_id)
    if unit is None:
        yield from _without_unit(case, experiment, unit_id)
        return
    yield Step(StepCode.UNIT, f"It randomises by {experiment.unit_kind}, and the request names a valid one.")
    overridden = experiment.overrides.get(str(unit_id))
    if overridden is not None:
        text = f"The unit is on the list of test units and is shown {overridden.key}; it never counts."
        yield Step(StepCode.OVERRIDE, text, Reason.OVERRIDE, {"variant": overridden.key})
        return
    yield Step(StepCode.OVERRIDE, "The unit is not on the list of test units.")
    yield _started(case, experiment)
    yield _personalisation(case, experiment)
    yield from _holdout(case, experiment)
    yield from _layer(case, experiment, unit)
    yield _audience(case, experiment)
    yield from _drawn(case, experiment, unit)


def _without_unit(case: Case, experiment: Experiment, unit_id: object) -> Iterator[Step]:
    """Yield the steps of a request whose unit is missing or invalid; a customer may stand for a visitor."""
    kind = experiment.unit_kind
    if unit_id is not None and unit_id != "":
        text = f"The id of the {kind} is no text of 1 to 10 240 bytes without NUL."
        yield Step(StepCode.UNIT, text, Reason.UNIT_INVALID)
        return
    if kind != UnitKind.VISITOR or encode_unit(case.units.get(UnitKind.CUSTOMER)) is None:
        yield Step(StepCode.UNIT, f"It randomises by {kind}, and the request names none.", Reason.UNIT_MISSING)
        return
    yield Step(StepCode.UNIT, "It randomises by visitor, and the request names a customer alone.")
    yield _started(case, experiment)
    yield _personalisation(case, experiment)
    yield _audience(case, experiment)
    if case.linked is None:
        text = "What the visitors of this customer met cannot be looked up now."
        yield Step(StepCode.LINK, text, Reason.STICKY_UNAVAILABLE)
        return
    met = case.linked.get(experiment.id, "")
    yield _kept(StepCode.LINK, experiment, met) or Step(
        StepCode.LINK, "No visitor of this customer is known to have met the experiment.", Reason.ALIAS_UNKNOWN
    )


def _started(case: Case, experiment: Experiment) -> Step:
    opened = experiment.epoch_opened_at
    if experiment.periods is not None:
        opened = max(opened, experiment.periods.anchor)
    facts = {"at": case.at.isoformat(), "from": opened.isoformat(), "epoch": experiment.epoch}
    if case.at < opened:
        return Step(StepCode.STARTED, "It has not started by the clock of the project.", Reason.NOT_STARTED, facts)
    return Step(StepCode.STARTED, f"Epoch {experiment.epoch} is open.", None, facts)


def _personalisation(case: Case, experiment: Experiment) -> Step:
    if experiment.is_personalised and not case.personalised:
        text = "It uses personal data, and the shopper switched personalisation off."
        return Step(StepCode.PERSONALISATION, text, Reason.PERSONALISATION_OFF)
    return Step(StepCode.PERSONALISATION, "Nothing about personalisation keeps the unit out.")


def _holdout(case: Case, experiment: Experiment) -> Iterator[Step]:
    if experiment.holdout is None:
        yield Step(StepCode.HOLDOUT, "It respects no holdout.")
        return
    holdout = case.bundle.holdouts[experiment.holdout]
    unit_id = case.units.get(holdout.unit_kind)
    unit = encode_unit(unit_id)
    if unit is None:
        reason = Reason.UNIT_INVALID if unit_id else Reason.UNIT_MISSING
        yield Step(StepCode.HOLDOUT, f"Its holdout needs a {holdout.unit_kind}.", reason)
        return
    slot = draw_slot(holdout.prefix, unit)
    facts = {"holdout": holdout.key, "slot": slot, "share": holdout.share}
    text = f"The unit drew slot {slot} of holdout {holdout.key}, which keeps out the slots below {holdout.share}."
    yield Step(StepCode.HOLDOUT, text, Reason.HOLDOUT if slot < holdout.share else None, facts)


def _layer(case: Case, experiment: Experiment, unit: bytes) -> Iterator[Step]:
    if experiment.layer is None:
        yield Step(StepCode.LAYER, "It is in no layer.")
        return
    slot = draw_slot(case.bundle.layer_prefixes[experiment.layer], unit)
    owner = _owner(case.bundle, experiment.layer, slot)
    facts = {"slot": slot, "owner": owner, "ranges": experiment.layer_ranges}
    if any(start <= slot < end for start, end in experiment.layer_ranges):
        yield Step(StepCode.LAYER, f"The unit drew slot {slot} of the layer, which it owns.", None, facts)
        return
    text = f"The unit drew slot {slot} of the layer, which belongs to {owner or 'nobody'}."
    yield Step(StepCode.LAYER, text, Reason.LAYER_TAKEN, facts)


def _owner(bundle: Snapshot, layer: int, slot: int) -> str | None:
    for experiment in bundle.experiments.values():
        if experiment.layer == layer and any(start <= slot < end for start, end in experiment.layer_ranges):
            return experiment.key
    return None


def _audience(case: Case, experiment: Experiment) -> Step:
    if experiment.admits is None:
        return Step(StepCode.AUDIENCE, "It is open to everybody.")
    conditions = tuple(conditions_of(case.audience, case.attributes))
    if experiment.admits(case.attributes):
        return Step(StepCode.AUDIENCE, "The attributes match the audience.", conditions=conditions)
    return Step(StepCode.AUDIENCE, "The attributes do not match the audience.", Reason.AUDIENCE, {}, conditions)


def _drawn(case: Case, experiment: Experiment, unit: bytes) -> Iterator[Step]:
    met = None if case.sticky is None else case.sticky.get(experiment.id, "")
    if experiment.is_sticky and met is None:
        text = "Its allocation was changed, and what the unit met before cannot be looked up now."
        yield Step(StepCode.STICKY, text, Reason.STICKY_UNAVAILABLE)
        return
    kept = None if experiment.periods is not None else _kept(StepCode.STICKY, experiment, met or "")
    yield kept or Step(StepCode.STICKY, "The unit has met no variant that would have to be kept.")
    yield _coverage(experiment, unit)
    if experiment.periods is not None:
        yield _blackout(experiment.periods, case.at)
    yield _variant(case, experiment, unit)


def _kept(code: StepCode, experiment: Experiment, met: str) -> Step | None:
    variant = experiment.variants.get(met)
    if variant is None:
        return None
    if variant.state is ArmState.EMPTY:
        text = f"{met} was met before, and has been emptied since."
        return Step(code, text, Reason.ARM_CLOSED, {"variant": met})
    return Step(code, f"{met} was met before and is kept.", Reason.STICKY, {"variant": met})


def _coverage(experiment: Experiment, unit: bytes) -> Step:
    if experiment.coverage == SLOTS:
        return Step(StepCode.COVERAGE, "It covers every unit.")
    slot = draw_slot(experiment.coverage_prefix, unit)
    facts = {"slot": slot, "coverage": experiment.coverage}
    text = f"The unit drew slot {slot} for coverage, and those below {experiment.coverage} take part."
    return Step(StepCode.COVERAGE, text, Reason.COVERAGE if slot >= experiment.coverage else None, facts)


def _blackout(periods: Periods, at: datetime) -> Step:
    index = periods.index(at)
    facts = {"period": index}
    if periods.is_kept_out(index):
        text = f"Period {index} touches days that the shop keeps out, so everybody gets the control."
        return Step(StepCode.BLACKOUT, text, Reason.BLACKOUT, facts)
    return Step(StepCode.BLACKOUT, f"Period {index} touches no day that the shop keeps out.", None, facts)


def _variant(case: Case, experiment: Experiment, unit: bytes) -> Step:
    periods = experiment.periods
    answers: tuple[Answer, ...] = experiment.draws
    facts: dict[str, object] = {}
    if periods is None:
        slot = draw_slot(experiment.variant_prefix, unit)
    else:
        index = periods.index(case.at)
        slot = periods.slot(unit, index)
        answers = answers if case.at >= periods.counts_from(index) else experiment.settling
        facts = {"period": index, "counts_from": periods.counts_from(index).isoformat()}
    place = bisect_right(experiment.boundaries, slot)
    answer = answers[place]
    ends = (0, *experiment.boundaries, SLOTS)
    facts |= {"slot": slot, "range": (ends[place], ends[place + 1]), "variant": answer.variant}
    text = f"The unit drew slot {slot} for the variant, within {ends[place]} to {ends[place + 1]}: {answer.variant}."
    if answer.reason is Reason.ARM_CLOSED:
        text = f"The unit drew slot {slot}, whose variant takes no new units."
    return Step(StepCode.VARIANT, text, answer.reason, facts)
