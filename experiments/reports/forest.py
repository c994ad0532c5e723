"""Forest bars as geometry: an interval, its point and a margin on a common axis, in the units of a viewBox.

x = (value - lower) / (upper - lower) * WIDTH. What lies outside the axis is cut at its end and marked with an arrow.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from math import ceil, floor, log10
from statistics import median

from experiments.analysis.scorecard import Interval, IntervalStatus

WIDTH = 200.0
HEIGHT = 24.0
_NICE = (1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0)
_CROWDING = 4.0
"""An interval more than this many times as long as the median one is cut rather than shrinking all others."""


@dataclass(frozen=True, slots=True)
class Axis:
    """A scale that is symmetric about zero, from -reach to +reach."""

    reach: float

    def x(self, value: float) -> float:
        """Return the position of a value, whether or not it lies on the axis."""
        return (value + self.reach) / (2.0 * self.reach) * WIDTH

    def holds(self, value: float) -> bool:
        """Return whether the value lies on the axis."""
        return -self.reach <= value <= self.reach

    def ticks(self) -> tuple[float, ...]:
        """Return five values, evenly spaced, with zero in the middle."""
        return (-self.reach, -self.reach / 2.0, 0.0, self.reach / 2.0, self.reach)


@dataclass(frozen=True, slots=True)
class Bar:
    """One interval on an axis; positions as text with two decimals, so that a page is the same in every locale."""

    reach: str
    lower: str
    upper: str
    point: str | None
    margin: str | None
    cut_lower: bool
    cut_upper: bool


def axis_for(reaches: Iterable[float]) -> Axis:
    """Return an axis that holds intervals reaching this far from zero, except those far longer than the others."""
    lengths = sorted(reach for reach in reaches if reach > 0.0)
    if not lengths:
        return Axis(1.0)
    return Axis(_rounded_up(min(lengths[-1], _CROWDING * median(lengths)) * 1.05))


def reach_of(interval: Interval, *others: float | None) -> float:
    """Return how far from zero a bounded interval and the other values reach; 0.0 where there is nothing to draw."""
    ends = [interval.lower, interval.upper] if interval.status is IntervalStatus.BOUNDED else []
    return max((abs(value) for value in (*ends, *others) if value is not None), default=0.0)


def bar_of(axis: Axis, interval: Interval, point: float | None, margin: float | None = None) -> Bar | None:
    """Return the bar of an interval, with the point estimate and the non-inferiority margin where they are on the axis.

    None where there is no interval to draw: it is unbounded or undefined, which the page says in words.
    """
    if interval.status is not IntervalStatus.BOUNDED or interval.lower is None or interval.upper is None:
        return None
    return Bar(
        reach=repr(axis.reach),
        lower=_text(_clamped(axis.x(interval.lower))),
        upper=_text(_clamped(axis.x(interval.upper))),
        point=_text(axis.x(point)) if point is not None and axis.holds(point) else None,
        margin=_text(axis.x(margin)) if margin is not None and axis.holds(margin) else None,
        cut_lower=interval.lower < -axis.reach,
        cut_upper=interval.upper > axis.reach,
    )


def _rounded_up(value: float) -> float:
    scale = 10.0 ** floor(log10(value))
    fraction = value / scale
    for step in _NICE:
        if fraction <= step * (1.0 + 1e-9):
            return float(f"{step * scale:.6g}")
    return ceil(fraction) * scale


def _clamped(position: float) -> float:
    return min(WIDTH, max(0.0, position))


def _text(position: float) -> str:
    return f"{position:.2f}"
