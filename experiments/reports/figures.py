"""Numbers as people read them: as many digits as they deserve, with their unit, in the language of the request."""

from enum import StrEnum
from math import floor, log10

from django.utils.translation import gettext as _

from experiments.analysis.metrics import MetricSpec, What
from experiments.vocabulary import MetricKind

MINUS = "\u2212"
_MOST_DECIMALS = 6
_HAIR = 1.0 + 1e-9
"""Lets 9.999999999999998, which is written 10.0, count as ten."""
_COUNTED = frozenset({What.ANY, What.COUNT})


class Shape(StrEnum):
    """What kind of number a metric is."""

    SHARE = "SHARE"
    MONEY = "MONEY"
    NUMBER = "NUMBER"


def shape_of(spec: MetricSpec) -> Shape:
    """Return how the metric's values are written: as a share of units or occasions, as money, or as a plain number."""
    if spec.kind is MetricKind.CONVERSION:
        return Shape.SHARE
    if spec.numerator.what is What.SUM_VALUE:
        over = spec.denominator
        return Shape.NUMBER if over is not None and over.what is What.SUM_VALUE else Shape.MONEY
    if spec.denominator is not None and {spec.numerator.what, spec.denominator.what} <= _COUNTED:
        return Shape.SHARE
    return Shape.NUMBER


def decimals_for(*values: float | None, significant: int = 3) -> int:
    """Return how many decimals show the largest of the values with that many significant digits."""
    largest = max((abs(value) for value in values if value), default=0.0)
    if largest == 0.0:
        return 0
    magnitude = floor(log10(largest * _HAIR))
    return min(_MOST_DECIMALS, max(0, significant - 1 - magnitude))


def nice(step: float) -> float:
    """Return the next larger number of 1, 2 or 5 times a power of ten, the step of an axis. step: above 0."""
    magnitude = 10.0 ** floor(log10(step))
    return next(factor * magnitude for factor in (1.0, 2.0, 5.0, 10.0) if factor * magnitude >= step * (1.0 - 1e-9))


def count(value: int) -> str:
    """Return a whole number with thousands separated."""
    return _plain(value, 0)


def share(value: float) -> str:
    """Return a proportion (0 to 1) as a percentage with two decimals, more below one per cent."""
    percentage = value * 100.0
    return _plain(percentage, min(4, max(2, decimals_for(percentage)))) + "%"


def percent(value: float) -> str:
    """Return a share that somebody chose (.05) as it was chosen: 5%."""
    return f"{round(value * 100.0, 4):g}%"


def chance(value: float) -> str:
    """Return a probability (0 to 1) that nobody needs more exactly than to a per cent."""
    return _("below 1%%") % {} if value < 0.01 else f"{value * 100.0:.0f}%"


def lift(value: float, decimals: int) -> str:
    """Return a relative change (.05 is five per cent) as a signed percentage."""
    return _signed(value * 100.0, decimals) + "%"


def level(value: float, shape: Shape, currency: str) -> str:
    """Return a metric's value in an arm."""
    if shape is Shape.SHARE:
        return share(value)
    if shape is Shape.MONEY:
        return f"{_plain(value, max(2, decimals_for(value, significant=4)))} {currency}"
    return _plain(value, decimals_for(value))


def total(value: float, shape: Shape, currency: str) -> str:
    """Return a raw total: whole where it is a count, with two decimals where it is money."""
    if shape is Shape.MONEY:
        return f"{_plain(value, 2)} {currency}"
    return _plain(value, 0 if value == int(value) else 2)


def difference(value: float, shape: Shape, currency: str, decimals: int) -> str:
    """Return an absolute change with its sign and unit; shares change by percentage points."""
    if shape is Shape.SHARE:
        return _("%(points)s pp") % {"points": _signed(value * 100.0, decimals)}
    text = _signed(value, decimals)
    return f"{text} {currency}" if shape is Shape.MONEY else text


def probability(value: float) -> str:
    """Return a p-value: three decimals, two significant digits below .01, and never 0."""
    if value < 0.0001:
        return "< 0.0001"
    if value < 0.01:
        return f"{value:.4f}"
    return f"{value:.3f}"


def _plain(value: float, decimals: int) -> str:
    text = f"{value:,.{decimals}f}"
    return MINUS + text[1:] if text.startswith("-") else text


def _signed(value: float, decimals: int) -> str:
    text = f"{value:+,.{decimals}f}"
    if not text.strip("+-0.,"):
        return text[1:]
    return MINUS + text[1:] if text.startswith("-") else text
