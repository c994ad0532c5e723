"""Small pictures of curves as geometry: text of positions in a viewBox, so that a page needs no script and no style.

x grows to the right and y upwards in the figures; positions have one decimal, the same in every locale.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from experiments.reports import figures

WIDTH, HEIGHT = 640, 260
_LEFT, _RIGHT, _TOP, _BOTTOM = 72, 16, 26, 40
_TICKS: Final = 5
_LEAST_BAND: Final = 3.0
"""Units of the viewBox: a single amount that is not allowed would otherwise not be seen."""

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Shape:
    """A line through points, or the area between them. kind: what the style sheet knows it by."""

    points: str
    kind: str


@dataclass(frozen=True, slots=True)
class Tick:
    """A mark on an axis: where, and what it says."""

    at: str
    label: str


@dataclass(frozen=True, slots=True)
class Dot:
    """A point of a curve that is pointed out."""

    x: str
    y: str
    kind: str


@dataclass(frozen=True, slots=True)
class Band:
    """A stretch of the horizontal axis that is not to be had; label: its number in the legend. middle: of the label."""

    x: str
    width: str
    middle: str
    label: str


@dataclass(frozen=True, slots=True)
class Level:
    """A straight line across the picture with its words. kind: what the style sheet knows it by."""

    x1: str
    y1: str
    x2: str
    y2: str
    label: str
    kind: str


@dataclass(frozen=True, slots=True)
class Picture:
    """What the template draws. told: the picture in words. caption: what its axes are."""

    told: str
    caption: str
    xs: tuple[Tick, ...]
    ys: tuple[Tick, ...]
    areas: tuple[Shape, ...] = ()
    lines: tuple[Shape, ...] = ()
    dots: tuple[Dot, ...] = ()
    bands: tuple[Band, ...] = ()
    levels: tuple[Level, ...] = ()
    left: int = _LEFT
    right: int = WIDTH - _RIGHT
    top: int = _TOP
    bottom: int = HEIGHT - _BOTTOM
    width: int = WIDTH
    height: int = HEIGHT
    depth: int = HEIGHT - _TOP - _BOTTOM


@dataclass(frozen=True, slots=True)
class Plot:
    """The two scales of a picture; what is drawn lies between `least` and `most` of both."""

    least: Point
    most: Point
    steps: Point = field(default=(1.0, 1.0))

    def x(self, value: float) -> float:
        """Return the horizontal position of a figure."""
        return _LEFT + (WIDTH - _LEFT - _RIGHT) * (value - self.least[0]) / (self.most[0] - self.least[0])

    def y(self, value: float) -> float:
        """Return the vertical position of a figure."""
        return HEIGHT - _BOTTOM - (HEIGHT - _TOP - _BOTTOM) * (value - self.least[1]) / (self.most[1] - self.least[1])

    def shape(self, points: Sequence[Point], kind: str) -> Shape:
        """Return a line or an area."""
        return Shape(" ".join(f"{self.x(x):.1f},{self.y(y):.1f}" for x, y in points), kind)

    def dot(self, point: Point, kind: str) -> Dot:
        """Return a point."""
        return Dot(f"{self.x(point[0]):.1f}", f"{self.y(point[1]):.1f}", kind)

    def band(self, start: float, end: float, label: str) -> Band:
        """Return a stretch of the horizontal axis, as far as the picture goes."""
        begins, ends = (self.x(min(max(value, self.least[0]), self.most[0])) for value in (start, end))
        width = max(_LEAST_BAND, ends - begins)
        begins = min(begins, WIDTH - _RIGHT - width)
        return Band(f"{begins:.1f}", f"{width:.1f}", f"{begins + width / 2.0:.1f}", label)

    def across(self, value: float, label: str, kind: str) -> Level:
        """Return a horizontal line at a figure of the vertical axis."""
        y = f"{self.y(value):.1f}"
        return Level(str(_LEFT), y, str(WIDTH - _RIGHT), y, label, kind)

    def upright(self, value: float, label: str, kind: str) -> Level:
        """Return a vertical line at a figure of the horizontal axis."""
        x = f"{self.x(value):.1f}"
        return Level(x, str(_TOP), x, str(HEIGHT - _BOTTOM), label, kind)

    def x_ticks(self, label: Callable[[float], str] | None = None) -> tuple[Tick, ...]:
        """Return the marks below the picture."""
        return self._ticks(0, self.x, label)

    def y_ticks(self, label: Callable[[float], str] | None = None) -> tuple[Tick, ...]:
        """Return the marks beside the picture."""
        return self._ticks(1, self.y, label)

    def _ticks(self, axis: int, at: Callable[[float], float], label: Callable[[float], str] | None) -> tuple[Tick, ...]:
        step = self.steps[axis]
        first = math.ceil(self.least[axis] / step - 1e-9)
        count = math.floor(self.most[axis] / step + 1e-9) - first + 1
        said = label or (lambda value: rounded(value, step))
        return tuple(Tick(f"{at((first + place) * step):.1f}", said((first + place) * step)) for place in range(count))


def plot_of(xs: Sequence[float], ys: Sequence[float], *, from_zero: bool = False) -> Plot:
    """Return the scales that hold all figures, the vertical one ending at round figures; xs and ys are not empty.

    from_zero: the vertical axis begins at 0 or below it.
    """
    low, high = min(ys), max(ys)
    low = min(low, 0.0) if from_zero else low
    low, high = _apart(low, high)
    step = figures.nice((high - low) / _TICKS)
    left, right = _apart(min(xs), max(xs))
    return Plot(
        least=(left, step * math.floor(low / step + 1e-9)),
        most=(right, step * math.ceil(high / step - 1e-9)),
        steps=(figures.nice((right - left) / _TICKS), step),
    )


def _apart(low: float, high: float) -> Point:
    """Return the ends of a scale: with room on both sides where there is one figure alone."""
    return (low, high) if high - low > 1e-9 * max(1.0, abs(high)) else (low - 0.5, high + 0.5)


def rounded(value: float, step: float) -> str:
    """Return a figure with the decimals that its neighbours at such a step need."""
    decimals = max(0, -math.floor(math.log10(step) + 1e-9))
    text = f"{value + 0.0:,.{decimals}f}"
    return figures.MINUS + text[1:] if text.startswith("-") and text.strip("-0.,") else text.lstrip("-")
