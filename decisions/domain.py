"""The declaration that a decision domain exports: one frozen record says everything that is particular to it.

A domain is a folder `decisions/domains/<key>/` whose module `domain` has a `DOMAIN`. Training is named by a dotted
string, so that importing a domain never imports what trains its models.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from decisions.learning import LearnerKind
from decisions.moment import Bools, Catalogue, Column, Eligible, Moment
from decisions.policy import Indices, Scores
from decisions.vocabulary import DecisionReason
from experiments.vocabulary import Payable, UnitKind

ITEMS = "items"
"""The collection of the shop's own items."""


class Mode(StrEnum):
    """When a domain decides."""

    ONLINE = "online"
    """At each request of a storefront."""
    BATCH = "batch"
    """For all its subjects together, again and again; what was decided is delivered, and acknowledged when applied."""


class PolicyKind(StrEnum):
    """How a variant, or the traffic outside experiments, is decided for."""

    BASELINE = "baseline"
    """The model-free policy of the domain; it serves whenever anything fails."""
    FIXED = "fixed"
    """The same actions for everybody."""
    MODEL_RANKED = "model_ranked"
    """Candidates by the scores of a pinned model version."""
    RECIPE = "recipe"
    """Candidates by the scores of the newest version that a training schedule made: the recipe is the arm."""
    LEARNED = "learned"
    """A learning policy: its probabilities follow from rewards, batch by batch."""


class Interaction(StrEnum):
    """What somebody did with an item; the events that say so, in the order of growing intent."""

    VIEW = "Product Viewed"
    CART = "Product Added"
    ORDER = "Order Completed"


INTERACTIONS = tuple(Interaction)
"""By the number that `InteractionLog.kinds` uses."""


class LogKind(StrEnum):
    """What the models of a domain learn from."""

    INTERACTIONS = "interactions"
    """What units did with items: InteractionLog."""
    DECISIONS = "decisions"
    """What was shown and what came of it: DecisionLog."""
    SALES = "sales"
    """What was sold day by day: SalesLog."""


@dataclass(frozen=True, slots=True, eq=False)
class InteractionLog:
    """What units did with items in a stretch of time: columns of equal length, in the order of (at, unit, item).

    units: codes from 0, int32. items: places in `item_ids`, int32. kinds: places in INTERACTIONS, int8. at: seconds
    since 1970, float64. `item_ids`, `categories` ("" where unknown), `prices` (currency units, 0 where unknown),
    `ratings` (0 where unknown) and `titles` ("" where unknown; empty where nobody asked for them) run parallel. The
    window is [start, end) in project time. weights: how much each row counts, of mean 1; None where all count alike.
    """

    units: npt.NDArray[np.int32]
    items: npt.NDArray[np.int32]
    kinds: npt.NDArray[np.int8]
    at: npt.NDArray[np.float64]
    item_ids: tuple[str, ...]
    categories: tuple[str, ...]
    prices: npt.NDArray[np.float32]
    ratings: npt.NDArray[np.float32]
    start: datetime
    end: datetime
    titles: tuple[str, ...] = ()
    weights: npt.NDArray[np.float64] | None = None

    @property
    def unit_count(self) -> int:
        """How many units there are."""
        return int(self.units.max()) + 1 if len(self.units) else 0


@dataclass(frozen=True, slots=True, eq=False)
class DecisionLog:
    """What was shown under which circumstances, and what came of it: one row for each action of an exposed decision.

    Rows are in the order of (at, decision, position). decisions, units: codes from 0, int32. items: places in
    `item_ids`, int32. positions: from 0, int16. propensities: with which each was chosen, float64. at: seconds since
    1970, float64. variants: places in `variant_keys`, int16; these are `<experiment>/<variant>`, and "" stands for
    traffic outside experiments. versions: ids of model versions, int64, 0 for none. rewards: by the name of each
    reward of the domain, whether it came in time, bool. values: what was ordered of the action in time, currency units,
    float64. context: texts by the name of each attribute that was kept, "" where unknown. fields: columns of the
    actions, parallel to `item_ids`. Only decisions whose rewards are complete are in it: made in [start, end), project
    time. weights: how much each row counts, of mean 1; None where all count alike.
    """

    decisions: npt.NDArray[np.int32]
    units: npt.NDArray[np.int32]
    items: npt.NDArray[np.int32]
    positions: npt.NDArray[np.int16]
    propensities: npt.NDArray[np.float64]
    at: npt.NDArray[np.float64]
    variants: npt.NDArray[np.int16]
    versions: npt.NDArray[np.int64]
    rewards: Mapping[str, npt.NDArray[np.bool_]]
    values: npt.NDArray[np.float64]
    context: Mapping[str, tuple[str, ...]]
    item_ids: tuple[str, ...]
    fields: Mapping[str, Column]
    variant_keys: tuple[str, ...]
    start: datetime
    end: datetime
    weights: npt.NDArray[np.float64] | None = None


@dataclass(frozen=True, slots=True, eq=False)
class SalesLog:
    """What was sold, day by day: one row for each series and day from the day of its first sale on, zeros included.

    A series is an item, or an item in a store. Rows are in the order of (at, series). series: places in `series_ids`,
    int32. at: begin of the day in the project's zone, seconds since 1970, float64. units: pieces sold, float64. price:
    what a piece was offered for on that day (currency units, before discounts of single orders), else the mean paid;
    NaN where nobody knows. paid: mean paid for a piece, NaN on days without a sale. orders: lines of orders, float64.
    largest: pieces of the largest line. in_stock: share of the day during which it could be bought, 1 where nobody
    counted. `items`, `stores` ("" where series are items), `clusters`, `categories` ("" unknown) and `costs` (currency
    units, NaN unknown) run parallel to `series_ids`. Days are those of [start, end), project time. weights: as of the
    other logs.
    """

    series: npt.NDArray[np.int32]
    at: npt.NDArray[np.float64]
    units: npt.NDArray[np.float64]
    price: npt.NDArray[np.float64]
    paid: npt.NDArray[np.float64]
    orders: npt.NDArray[np.float64]
    largest: npt.NDArray[np.float64]
    in_stock: npt.NDArray[np.float64]
    series_ids: tuple[str, ...]
    items: tuple[str, ...]
    stores: tuple[str, ...]
    clusters: tuple[str, ...]
    categories: tuple[str, ...]
    costs: npt.NDArray[np.float64]
    start: datetime
    end: datetime
    weights: npt.NDArray[np.float64] | None = None


@dataclass(frozen=True, slots=True)
class Reward:
    """What counts as a reward of an action: the event that says so, its worth, and how long after it still counts.

    prop: the property that names the action, `product_id` in the lines of an order; "" where the event names none.
    worth: relative to the best one, so that a sum of rewards compares slates. within: project time since the exposure.
    """

    name: str
    event: str
    prop: str
    worth: float
    within: timedelta


class FieldKind(StrEnum):
    """What a field of an action holds."""

    TEXT = "text"
    NUMBER = "number"
    MONEY = "money"
    """Currency units; never negative."""


@dataclass(frozen=True, slots=True)
class Field:
    """A field of the actions of a collection, as the shop sends it. required: an action without it is refused."""

    kind: FieldKind
    about: str
    required: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What can be set at a decision point of a domain: a number within bounds, or one of several words.

    default: what applies where nothing is said. choices: for words alone.
    """

    about: str
    default: float | str
    least: float | None = None
    most: float | None = None
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricTemplate:
    """A metric that a domain brings along, in the words of `experiments.actions.design.MetricDraft`.

    kind: of experiments.vocabulary.MetricKind. role and margin: what it is for an experiment of the domain, by default.
    """

    key: str
    name: str
    about: str
    kind: str
    role: str
    events: tuple[str, ...]
    what: str
    direction: str = "INCREASE"
    margin: float | None = None
    denominator_events: tuple[str, ...] = ()
    denominator_what: str = ""


def nothing_more(_moment: Moment, _catalogue: Catalogue, _candidates: Indices, scores: Scores) -> Scores:
    """Return the scores: what a model predicts is what the domain ranks by."""
    return scores


def nothing_asked(_moment: Moment, _places: Mapping[str, int]) -> Indices:
    """Return nothing to ask a model about: domains with a menu ask by `asked`."""
    return np.zeros(0, np.int64)


@dataclass(frozen=True, slots=True, kw_only=True)
class Hooks:
    """What a domain does while it serves: pure functions on arrays, called for every decision.

    eligible: what may be chosen at all. subject: what a model is asked about, as int64 numbers that the domain's
    features make of unit and moment; `places` says where the model has an item; an empty one has nothing to ask. worth:
    from a model's scores (one for each candidate) to what the policy ranks by. most_candidates: how many of so many
    candidates a model of the predictor kind is asked to score. item_numbers: for models that score actions they were
    not trained on: int64, actions x numbers, each row from its action's own fields alone. action_features: float64,
    candidates x len(feature_names), what contextual learning policies read; scores are a model's, or None; a candidate
    that the model does not know has its least score. groups: int64, one number for each action of the catalogue; a
    slate has at most one action of a group, and -1 is no group; asked once for each catalogue. shown_within: over which
    stretch of project time `Moment.shown` counts; None where the domain does not ask. constraint_names: in the order in
    which `eligible` applies them. baseline: what the model-free policy ranks candidates by, where that is not the
    catalogue's baseline column as it is.

    Domains that decide something for each of many subjects (a price for an item, an order for an item in a store)
    have `menu`: what there is to choose for the subject in this place of the catalogue of subjects, as a catalogue of
    its own whose `about` has what is known of the subject; the last argument are the texts of a fixed policy, which the
    menu has to offer where it can. Every other hook is then given the menu. bounds: for each action of the menu 0 where
    it may be chosen, else 1 + the place in `constraint_names` of the first constraint that forbids it, int64. asked:
    what a model is asked about, in place of `subject`; its scores stand for the actions of the menu. fixed: the places
    in the menu that the texts of a fixed policy mean. fixed_fault: why a text is none that a fixed policy can have, ""
    where it is one. barrier: why the baseline has to decide for this subject whatever the policy, None where nothing is
    in the way.
    """

    eligible: Callable[[Moment, Catalogue], Eligible]
    subject: Callable[[Moment, Mapping[str, int]], Indices] = nothing_asked
    worth: Callable[[Moment, Catalogue, Indices, Scores], Scores] = nothing_more
    most_candidates: Callable[[str, int], int] = lambda _kind, size: size
    item_numbers: Callable[[Catalogue], npt.NDArray[np.int64]] | None = None
    action_features: Callable[[Moment, Catalogue, Indices, Scores | None], npt.NDArray[np.float64]] | None = None
    feature_names: tuple[str, ...] = ()
    groups: Callable[[Catalogue], Indices] | None = None
    shown_within: timedelta | None = None
    constraint_names: tuple[str, ...] = ()
    baseline: Callable[[Moment, Catalogue, Indices], Scores] | None = None
    menu: Callable[[Moment, Catalogue, int, tuple[str, ...]], Catalogue] | None = None
    bounds: Callable[[Moment, Catalogue], Indices] | None = None
    asked: Callable[[Moment, Catalogue, Mapping[str, int]], Indices] | None = None
    fixed: Callable[[Moment, Catalogue, tuple[str, ...]], Indices] | None = None
    fixed_fault: Callable[[str], str] | None = None
    barrier: Callable[[Moment, Catalogue], DecisionReason | None] | None = None


def by_bounds(hooks_bounds: Callable[[Moment, Catalogue], Indices], names: tuple[str, ...]) -> Callable[..., Eligible]:
    """Return the hook `eligible` that follows from a hook `bounds` and the names of its constraints."""

    def eligible(moment: Moment, catalogue: Catalogue) -> Eligible:
        bound = hooks_bounds(moment, catalogue)
        counts = np.bincount(bound, minlength=len(names) + 1)
        allowed: Bools = bound == 0
        return Eligible(
            np.flatnonzero(allowed).astype(np.int64), {name: int(n) for name, n in zip(names, counts[1:], strict=True)}
        )

    return eligible


@dataclass(frozen=True, slots=True, kw_only=True)
class Domain:
    """One kind of decision.

    key: the folder's name. personal: whether its models read what a person did, so that `personalised=false` gets
    the baseline. unit_kinds: what may be randomised in it, the default first. policies: what its variants may use.
    recipes: what can be trained, by name, with a sentence for people. training: the dotted name of the module whose
    `RECIPES` holds them. slate_size, deadline_ms: what a new decision point begins with. hooks: what it does while it
    serves. log: what its models learn from. rewards: in the order of growing intent. collection and fields: which
    actions it chooses among, `PUT /v1/<collection>`. context: what a storefront may say of the moment, by name, with a
    sentence for people. metrics: what an experiment of the domain is judged by, by default. mode: when it decides.
    subject_kind: in domains with a menu, the kind of unit that each decision is about. actions_are: what the id of an
    action of a menu is, money in currency units or a number of pieces. settings: what can be set at its decision
    points. payable: what its decisions change of the amount that a person pays; it then has no personal unit kinds.
    learners: how its learning policies may learn.
    """

    key: str
    name: str
    summary: str
    personal: bool
    unit_kinds: tuple[UnitKind, ...]
    policies: tuple[PolicyKind, ...]
    recipes: Mapping[str, str]
    training: str
    slate_size: int
    deadline_ms: int
    largest_slate: int
    hooks: Hooks
    log: LogKind = LogKind.INTERACTIONS
    rewards: tuple[Reward, ...] = ()
    collection: str = ITEMS
    fields: Mapping[str, Field] = field(default_factory=dict)
    context: Mapping[str, str] = field(default_factory=dict)
    metrics: tuple[MetricTemplate, ...] = ()
    mode: Mode = Mode.ONLINE
    subject_kind: UnitKind | None = None
    actions_are: FieldKind = FieldKind.TEXT
    settings: Mapping[str, Setting] = field(default_factory=dict)
    payable: Payable = Payable.NOTHING
    learners: tuple[LearnerKind, ...] = (LearnerKind.BETA, LearnerKind.LINEAR, LearnerKind.LOGISTIC)
