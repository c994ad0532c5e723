"""What an estimator answers with: intervals that may have no end, and figures that may not exist."""

from dataclasses import dataclass
from enum import StrEnum


class UndefinedReason(StrEnum):
    """Why a figure does not exist."""

    NO_DATA = "NO_DATA"
    TOO_FEW_UNITS = "TOO_FEW_UNITS"
    NO_VARIANCE = "NO_VARIANCE"
    ZERO_CONTROL = "ZERO_CONTROL"
    NEGATIVE_CONTROL = "NEGATIVE_CONTROL"
    ZERO_DENOMINATOR = "ZERO_DENOMINATOR"
    CONTROL_TOO_NOISY = "CONTROL_TOO_NOISY"
    DENOMINATOR_TOO_NOISY = "DENOMINATOR_TOO_NOISY"
    TOO_FEW_CONVERSIONS = "TOO_FEW_CONVERSIONS"
    NO_ALPHA_LEFT = "NO_ALPHA_LEFT"
    NO_COMMON_STRATUM = "NO_COMMON_STRATUM"
    OVERFLOW = "OVERFLOW"


class IntervalStatus(StrEnum):
    """Whether an interval has ends."""

    BOUNDED = "BOUNDED"
    UNBOUNDED = "UNBOUNDED"
    UNDEFINED = "UNDEFINED"


class Alternative(StrEnum):
    """On which side a test looks for an effect of the treatment."""

    TWO_SIDED = "TWO_SIDED"
    GREATER = "GREATER"
    LESS = "LESS"


@dataclass(frozen=True, slots=True)
class Interval:
    """An interval with its status; an end that does not exist is None, with the reason."""

    status: IntervalStatus
    lower: float | None = None
    upper: float | None = None
    reason: UndefinedReason | None = None

    def contains(self, value: float) -> bool:
        """Return whether the value is compatible with the interval; an undefined interval excludes nothing."""
        above = self.lower is None or value >= self.lower
        return above and (self.upper is None or value <= self.upper)


def intersection(first: Interval, second: Interval) -> Interval:
    """Return what both intervals contain, or the first where they share nothing or the second is undefined.

    Intervals that hold together at every look (repeated intervals, confidence sequences) may be intersected.
    """
    if second.status is IntervalStatus.UNDEFINED:
        return first
    if first.status is IntervalStatus.UNDEFINED:
        return second
    lower = max((end for end in (first.lower, second.lower) if end is not None), default=None)
    upper = min((end for end in (first.upper, second.upper) if end is not None), default=None)
    if lower is not None and upper is not None and lower > upper:
        return first
    status = IntervalStatus.UNBOUNDED if lower is None or upper is None else IntervalStatus.BOUNDED
    return Interval(status, lower, upper, None if status is IntervalStatus.BOUNDED else first.reason or second.reason)


@dataclass(frozen=True, slots=True)
class Undefined:
    """A figure that does not exist, with the reason."""

    reason: UndefinedReason


def bounded(lower: float, upper: float) -> Interval:
    """Return the interval between two finite ends."""
    return Interval(IntervalStatus.BOUNDED, lower, upper)


def unbounded(reason: UndefinedReason, *, lower: float | None = None, upper: float | None = None) -> Interval:
    """Return an interval of which one end or both do not exist."""
    return Interval(IntervalStatus.UNBOUNDED, lower, upper, reason)


def undefined(reason: UndefinedReason) -> Interval:
    """Return the interval of a figure that does not exist."""
    return Interval(IntervalStatus.UNDEFINED, None, None, reason)


def ends(interval: Interval) -> tuple[float, float]:
    """Return both ends of a bounded interval. Raises ValueError for any other."""
    if interval.lower is None or interval.upper is None:
        raise ValueError(f"the interval is {interval.status}")
    return interval.lower, interval.upper
