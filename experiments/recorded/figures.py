"""From the figures of one row (units, successes, sums, means, variances) to exact power sums."""

import re
from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from math import ceil, floor
from typing import Final

from experiments.recorded.amounts import NUMBER, unit_of, whole
from experiments.recorded.manifest_parts import OutcomeKind
from experiments.recorded.reasons import RowFault
from experiments.statistics.moments import MomentsInvalid, PowerSums
from foundation.money import MICROS

_NUMBER = re.compile(NUMBER)
_NAMES: Final = ("y",)
_LARGEST_EXPONENT: Final = 60


class FigureInvalid(Exception):
    """A figure cannot be used; `name` says which one."""

    def __init__(self, fault: RowFault, name: str) -> None:
        super().__init__(f"{name}: {fault}")
        self.fault = fault
        self.name = name


def sums_of(kind: OutcomeKind, figures: Mapping[str, str], *, money_unit: float) -> PowerSums:
    """Return the power sums that a row's figures stand for, in the integer scale of the outcome.

    figures: texts by name: units with successes or mean (binary), sum and sum_of_squares, or mean and variance
    (sample variance). Rounding to whole integer units happens once; a binary mean gives the nearest whole number of
    successes. Raises FigureInvalid.
    """
    n = count_of("units", figures["units"])
    if kind is OutcomeKind.BINARY:
        if "successes" in figures:
            successes = count_of("successes", figures["successes"])
        else:
            successes = _nearest(_number("mean", figures["mean"]) * n)
        if not 0 <= successes <= n:
            raise FigureInvalid(RowFault.INCONSISTENT_FIGURES, "successes" if "successes" in figures else "mean")
        return PowerSums(n, _NAMES, (successes,), (successes,), (successes,))
    scale = Fraction(unit_of(money_unit)) * MICROS if kind is OutcomeKind.MONEY else Fraction(1)
    if "sum" in figures:
        total = _number("sum", figures["sum"]) * scale
        squares, culprit = _number("sum_of_squares", figures["sum_of_squares"]) * scale**2, "sum_of_squares"
    else:
        variance, culprit = _number("variance", figures["variance"]), "variance"
        if variance < 0:
            raise FigureInvalid(RowFault.INCONSISTENT_FIGURES, culprit)
        total = _number("mean", figures["mean"]) * n * scale
        squares = variance * max(n - 1, 0) * scale**2 + (total**2 / n if n else 0)
    rounded = _nearest(total)
    least = ceil(Fraction(rounded**2, n)) if n else 0
    if squares < least - 2 * abs(total) - 1:
        raise FigureInvalid(RowFault.INCONSISTENT_FIGURES, culprit)
    try:
        return PowerSums(n, _NAMES, (rounded,), (max(_nearest(squares), least),))
    except MomentsInvalid:
        raise FigureInvalid(RowFault.INCONSISTENT_FIGURES, culprit) from None


def count_of(name: str, text: str) -> int:
    """Return a number of units. Raises FigureInvalid."""
    if not _NUMBER.fullmatch(text.strip()):
        raise FigureInvalid(RowFault.NOT_A_NUMBER, name)
    value = whole(text.strip())
    if value is None:
        raise FigureInvalid(RowFault.NOT_WHOLE, name)
    if value < 0:
        raise FigureInvalid(RowFault.NEGATIVE_COUNT, name)
    return value


def _number(name: str, text: str) -> Fraction:
    stripped = text.strip()
    if not _NUMBER.fullmatch(stripped):
        raise FigureInvalid(RowFault.NOT_A_NUMBER, name)
    value = Decimal(stripped)
    if abs(value.adjusted()) > _LARGEST_EXPONENT and value:
        raise FigureInvalid(RowFault.MONEY_OVERFLOW, name)
    return Fraction(value)


def _nearest(value: Fraction) -> int:
    return floor(value + Fraction(1, 2))
