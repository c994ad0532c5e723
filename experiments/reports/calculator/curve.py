"""The curve `what you can find, week by week`: coordinates of one small picture, whose numbers the table repeats."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from experiments.reports import figures

WIDTH, HEIGHT = 640, 240
_LEFT, _RIGHT, _TOP, _BOTTOM = 64, 16, 14, 34
_LINES = 4


@dataclass(frozen=True, slots=True)
class Tick:
    """A mark on an axis: where, and what it says."""

    at: str
    label: str


@dataclass(frozen=True, slots=True)
class Dot:
    """A week on the curve; `planned` is the one that the answer needs."""

    x: str
    y: str
    planned: bool


@dataclass(frozen=True, slots=True)
class Curve:
    """What the template draws: a line through dots, over a grid."""

    line: str
    dots: tuple[Dot, ...]
    weeks: tuple[Tick, ...]
    lifts: tuple[Tick, ...]
    left: int = _LEFT
    right: int = WIDTH - _RIGHT
    bottom: int = HEIGHT - _BOTTOM
    width: int = WIDTH
    height: int = HEIGHT


def curve_of(points: Sequence[tuple[int, float]], planned: int | None) -> Curve | None:
    """Return the curve through (week, lift), or None where there are fewer than two points."""
    if len(points) < 2:
        return None
    step = figures.nice(max(lift for _, lift in points) / _LINES)
    top = step * math.ceil(max(lift for _, lift in points) / step - 1e-9)
    first, last = points[0][0], points[-1][0]

    def x(week: int) -> str:
        return f"{_LEFT + (WIDTH - _LEFT - _RIGHT) * (week - first) / (last - first):.1f}"

    def y(lift: float) -> str:
        return f"{HEIGHT - _BOTTOM - (HEIGHT - _TOP - _BOTTOM) * lift / top:.1f}"

    return Curve(
        line=" ".join(f"{x(week)},{y(lift)}" for week, lift in points),
        dots=tuple(Dot(x(week), y(lift), week == planned) for week, lift in points),
        weeks=tuple(Tick(x(week), figures.count(week)) for week, _ in points),
        lifts=tuple(Tick(y(k * step), short_percent(k * step)) for k in range(round(top / step) + 1)),
    )


def short_percent(share: float) -> str:
    """Return a share as a percentage with three significant digits, without the zeros that say nothing."""
    percentage = share * 100.0
    text = f"{percentage:,.{figures.decimals_for(percentage)}f}"
    return (text.rstrip("0").rstrip(".") if "." in text else text) + "%"
