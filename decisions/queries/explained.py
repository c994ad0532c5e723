"""What an explanation of a decision says: for each action what spoke for it, and what kept others out. Pure records."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from decisions.serving.contributions import Contribution


class Method(StrEnum):
    """How contributions were computed; it says what their numbers mean."""

    LEAVE_ONE_OUT = "leave_one_out"
    """How much lower the model's score would be without the fact."""
    LOG_ODDS = "log_odds"
    """What the fact adds to the log-odds of a click."""
    RATES = "rates"
    """What a learning policy expected of the action, and how probable that made it."""
    WEIGHTS = "weights"
    """Feature x mean weight of a learning policy."""
    POPULARITY = "popularity"
    """How much the action had been dealt with."""
    VALUE = "value"
    """What the domain's own baseline expected of showing the action, without a model."""
    FIXED = "fixed"
    """The variant has these actions for everybody."""
    MENU = "menu"
    """What the model expected of each choice that there was for the subject."""
    MENU_BASELINE = "menu_baseline"
    """The choice that the shop itself would make, as far as the limits allow."""
    MENU_LEARNED = "menu_learned"
    """A draw of what a learning policy knew of the demand for the item."""
    MENU_FIXED = "menu_fixed"
    """The choice that the variant's own text means for the subject."""


class Missing(StrEnum):
    """Why there is no explanation, where no error says so."""

    ROW_TOO_OLD = "ROW_TOO_OLD"
    """It was logged before what models read was kept with it."""
    NOTHING_SHOWN = "NOTHING_SHOWN"
    POLICY_UNKNOWN = "POLICY_UNKNOWN"
    VERSION_GONE = "VERSION_GONE"
    STATE_UNKNOWN = "STATE_UNKNOWN"
    """The learning policy or the state that it was drawn with is not there."""
    ACTIONS_UNKNOWN = "ACTIONS_UNKNOWN"
    """The catalogue has none of the actions any more."""


class Standing(StrEnum):
    """What became of an item that somebody asks about."""

    SHOWN = "SHOWN"
    NOT_IN_CATALOGUE = "NOT_IN_CATALOGUE"
    REMOVED = "REMOVED"
    NOT_SCORED = "NOT_SCORED"
    """The model does not know it, or was not asked about it."""
    RANKED = "RANKED"
    ELIGIBLE = "ELIGIBLE"
    """Nothing that is known kept it out; its place cannot be told."""


@dataclass(frozen=True, slots=True)
class ExplainedAction:
    """Why an action is where it is. place: from 1. contributions: the strongest first.

    score: what was logged, None where the baseline filled the slate up. computed: the model's own score, asked again.
    floor: the part of its probability that is spread evenly over all actions, None where it cannot be told.
    """

    item: str
    place: int
    probability: float
    score: float | None
    computed: float | None = None
    floor: float | None = None
    contributions: tuple[Contribution, ...] = ()


@dataclass(frozen=True, slots=True)
class AskedItem:
    """What became of an item. constraint: what took it, by the catalogue as it is now. rank: from 1, of `ranked`.

    may: constraints that took some action and of which the log does not say which.
    """

    item: str
    standing: Standing
    place: int | None = None
    constraint: str | None = None
    rank: int | None = None
    ranked: int | None = None
    probability: float | None = None
    may: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Choice:
    """An action of a menu. amount: currency units of a price, pieces of an order. bound: what forbids it, else "".

    expected: pieces a day at a price. worth: what a price brings in a day, or minus what an order costs, in currency
    units. Both are a model's, None without one; `expected` is None for orders too.
    """

    text: str
    amount: float
    bound: str = ""
    expected: float | None = None
    worth: float | None = None


@dataclass(frozen=True, slots=True)
class DemandCurve:
    """Demand over the price: prices (currency units, rising), pieces a day, and what these bring in a day.

    error: standard error of the elasticity. doubts: names of what speaks against it.
    """

    prices: tuple[float, ...]
    pieces: tuple[float, ...]
    worths: tuple[float, ...]
    elasticity: float
    error: float
    doubts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Fan:
    """Total demand until each of some days, rising from 0: pieces by probability, in the order of `probabilities`.

    protection: days that an order has to last. position: pieces on hand and on order. covered: with which probability
    position and order last so long, None where nothing was ordered for that is known.
    """

    days: tuple[float, ...]
    probabilities: tuple[float, ...]
    pieces: tuple[tuple[float, ...], ...]
    protection: float
    position: float
    covered: float | None


@dataclass(frozen=True, slots=True)
class ExplainedMenu:
    """What there was to choose from for a subject, and what was known of it (numbers by name, currency units).

    chosen: None where it is not on the menu now. present: the price that held until then, or no order at all. lower,
    higher: the constraint that kept the decision from a lower or higher amount that the model thinks better, else "".
    """

    subject: str
    facts: Mapping[str, float]
    settings: Mapping[str, float | str]
    choices: tuple[Choice, ...]
    chosen: Choice | None
    present: Choice | None
    lower: str = ""
    higher: str = ""
    demand: DemandCurve | None = None
    fan: Fan | None = None


@dataclass(frozen=True, slots=True)
class Explanation:
    """An explanation, or why there is none: `missing` is a code, `detail` what an error said.

    removed: (constraint, how many actions it took), the one that took most first; None where it was not kept.
    differs: scores computed now are not those that were logged, as the catalogue has changed or not all that was known
    is kept. left_out: how many items of the history were read by the model and are not in the log. menu: what there was
    to choose from, where that was made for the subject of the decision; `actions` is then empty.
    """

    method: Method | None
    missing: str = ""
    detail: str = ""
    actions: tuple[ExplainedAction, ...] = ()
    removed: tuple[tuple[str, int], ...] | None = None
    differs: bool = False
    left_out: int = 0
    asked: AskedItem | None = None
    menu: ExplainedMenu | None = None
