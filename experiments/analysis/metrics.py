"""What a metric measures, as data: which events count, how they become a unit's value, and in which window."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, ClassVar, Self

from experiments.analysis.codec import RecordInvalid, from_dict, to_dict
from experiments.vocabulary import Direction, MetricKind, Source
from foundation.errors import DomainError

SCHEMA = 1
MICROS = 1_000_000
STOCK_VALUED = "Stock Valued"
"""The event that says that the books of a period are closed, and what the stock was worth more at its end."""
PURCHASE_BOOKED = "Purchase Booked"
HOLDING_BOOKED = "Holding Booked"
STOCK_OUT_BOOKED = "Stock Out Booked"
STOCK_BOOKS = frozenset({STOCK_VALUED, PURCHASE_BOOKED, HOLDING_BOOKED, STOCK_OUT_BOOKED})
"""What is booked when a period is over. A metric of any of it needs the valuation, which is booked in any case: a cell
without one has revenue, and none of what that cost."""


class MetricInvalid(DomainError):
    """A metric definition that cannot be computed or does not mean anything."""

    code: ClassVar[str] = "METRIC_INVALID"
    hint = "Correct the field that the message names."


class What(StrEnum):
    """How a unit's matching events become one number."""

    ANY = "ANY"
    COUNT = "COUNT"
    SUM_VALUE = "SUM_VALUE"
    SUM_QUANTITY = "SUM_QUANTITY"


@dataclass(frozen=True, slots=True)
class Aggregation:
    """The events that count and what is taken of them, per unit."""

    events: tuple[str, ...]
    what: What

    def __post_init__(self) -> None:
        if not self.events or not all(self.events):
            raise ValueError("events: name at least one event")
        if len(set(self.events)) != len(self.events):
            raise ValueError("events: each event is named once")

    @property
    def divisor(self) -> int:
        """Integer units in one own unit: money is kept in micro units, counts as they are."""
        return MICROS if self.what is What.SUM_VALUE else 1


_WHAT_OF_KIND = {
    MetricKind.CONVERSION: frozenset({What.ANY}),
    MetricKind.COUNT: frozenset({What.COUNT, What.SUM_QUANTITY}),
    MetricKind.SUM: frozenset({What.SUM_VALUE, What.SUM_QUANTITY}),
    MetricKind.RATIO: frozenset(What),
}


@dataclass(frozen=True, slots=True)
class MetricSpec:
    """One version of a metric.

    cap_micros: cap of a unit's numerator, fixed before the start; micro units for money, plain units x 1e6 otherwise.
    window_hours: closed window from the unit's first exposure, a multiple of 24.
    maturity_hours: how long after the window refunds and cancellations of its orders still count, a multiple of 24;
    only then is the unit complete. 0: only those that come inside the window.
    covariate_days: length of the pre-exposure window of the same metric used for CUPED; 0 is none. For units
    recorded elsewhere any positive number says that a pre-exposure column came with them.
    """

    key: str
    version: int
    kind: MetricKind
    numerator: Aggregation
    denominator: Aggregation | None = None
    direction: Direction = Direction.INCREASE
    cap_micros: int | None = None
    window_hours: int = 168
    covariate_days: int = 0
    maturity_hours: int = 0

    def __post_init__(self) -> None:
        if not self.key:
            raise ValueError("key: must not be empty")
        if self.version < 1:
            raise ValueError(f"version: must be 1 or more, not {self.version}")
        if self.numerator.what not in _WHAT_OF_KIND[self.kind]:
            raise ValueError(f"numerator: a {self.kind} metric cannot take {self.numerator.what}")
        if (self.denominator is None) is (self.kind is MetricKind.RATIO):
            raise ValueError("denominator: a RATIO needs one and no other kind has one")
        if self.cap_micros is not None and self.cap_micros <= 0:
            raise ValueError(f"cap_micros: must be above 0, not {self.cap_micros}")
        if self.cap_micros is not None and self.numerator.what is What.ANY:
            raise ValueError("cap_micros: a value of 0 or 1 has no cap")
        if self.window_hours <= 0 or self.window_hours % 24:
            raise ValueError(f"window_hours: must be a positive multiple of 24, not {self.window_hours}")
        if self.maturity_hours < 0 or self.maturity_hours % 24:
            raise ValueError(f"maturity_hours: must be 0 or a positive multiple of 24, not {self.maturity_hours}")
        if self.covariate_days < 0:
            raise ValueError(f"covariate_days: must be 0 or more, not {self.covariate_days}")

    @property
    def settled_hours(self) -> int:
        """Hours from a unit's first exposure until its figure can no longer change: window and maturity."""
        return self.window_hours + self.maturity_hours

    @property
    def cap_units(self) -> int | None:
        """The cap in the integer scale of the numerator, or None."""
        if self.cap_micros is None:
            return None
        return self.cap_micros if self.numerator.what is What.SUM_VALUE else self.cap_micros // MICROS

    def to_dict(self) -> dict[str, Any]:
        """Return the definition as plain values with its schema number."""
        return {"schema": SCHEMA, **to_dict(self)}

    @classmethod
    def from_dict(cls, data: object) -> Self:
        """Return the definition that the dictionary holds.

        Raises MetricInvalid with the reason and the place on one line.
        """
        if isinstance(data, dict):
            unknown = sorted(str(name) for name in set(data) - {"schema", *cls.__dataclass_fields__})
            if unknown:
                raise MetricInvalid(f"{unknown[0]}: is not a field of a metric")
        try:
            return from_dict(cls, data, readable_schemas=(SCHEMA,))
        except RecordInvalid as error:
            raise MetricInvalid(error.message) from error


def needs_books(spec: MetricSpec) -> bool:
    """Return whether the metric means something only where the books of a period were closed."""
    parts = (spec.numerator, *([] if spec.denominator is None else [spec.denominator]))
    return any(not STOCK_BOOKS.isdisjoint(part.events) for part in parts)


@dataclass(frozen=True, slots=True)
class Variable:
    """One per-unit variable of a metric's moments: its name and the integer units in one own unit."""

    name: str
    divisor: int = 1

    @property
    def scale(self) -> float:
        """Own units in one integer unit (1e-6 for money)."""
        return 1.0 / self.divisor


def variables(spec: MetricSpec, *, source: Source = Source.OWN) -> tuple[Variable, ...]:
    """Return the per-unit variables whose power sums an analysis of the metric needs, in order.

    y: numerator, capped. d: denominator. y_uncapped: numerator before the cap. x: pre-exposure numerator, capped
    like y. x_d: pre-exposure denominator. m: 1 where a unit's pre-exposure data are missing (x and x_d are then 0);
    only for units recorded elsewhere, because for our own units no events before means 0.
    """
    found = [Variable("y", spec.numerator.divisor)]
    if spec.denominator is not None:
        found.append(Variable("d", spec.denominator.divisor))
    if spec.cap_micros is not None:
        found.append(Variable("y_uncapped", spec.numerator.divisor))
    if spec.covariate_days > 0:
        found.append(Variable("x", spec.numerator.divisor))
        if spec.denominator is not None:
            found.append(Variable("x_d", spec.denominator.divisor))
        if source is not Source.OWN:
            found.append(Variable("m"))
    return tuple(found)


def divisors(spec: MetricSpec, *, source: Source = Source.OWN) -> dict[str, int]:
    """Return the divisor of every variable of the metric, by name."""
    return {variable.name: variable.divisor for variable in variables(spec, source=source)}
