"""Moments of many small groups of units at once, and why some of their figures do not exist.

What `Moments` is for one group, a `MomentBatch` is for thousands: the same numbers, digit for digit, in arrays.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from experiments.statistics.moments import Moments, MomentsInvalid, PowerSums, Vector
from experiments.statistics.results import Interval, IntervalStatus, UndefinedReason

Codes = NDArray[np.int64]
Mask = NDArray[np.bool_]

REASONS = tuple(UndefinedReason)
DEFINED = -1
_CODES = {reason: code for code, reason in enumerate(REASONS)}
_EXACT = 2.0**53
_ROOM = 2.0**62


def defined(size: int) -> Codes:
    """Return the codes of groups that all have their figures."""
    return np.full(size, DEFINED, dtype=np.int64)


def marked(codes: Codes, where: Mask, reason: UndefinedReason) -> Codes:
    """Return the codes with a reason where the mask says so and no earlier reason stands."""
    return np.where((codes == DEFINED) & where, _CODES[reason], codes)


def added(parts: Iterable[Vector]) -> Vector:
    """Return the parts added one after the other, as one would add numbers."""
    return reduce(np.add, parts)


def earlier(first: Codes, second: Codes) -> Codes:
    """Return the first codes, and the second where the first have no reason."""
    return np.where(first == DEFINED, second, first)


def number(value: float) -> float | None:
    """Return the value, None where it is NaN because there is none."""
    return None if math.isnan(value) else value


@dataclass(frozen=True, slots=True, eq=False)
class MomentBatch:
    """Moments of groups with the same variables.

    n: shape (L,), whole numbers. mean: (L, k). scatter: (L, k, k), centred sums of products. nonzero: (L, k), units
    in which a variable is not 0; NaN where that was not counted. overflow: groups whose moments leave the floats.
    """

    names: tuple[str, ...]
    n: Vector
    mean: Vector
    scatter: Vector
    nonzero: Vector
    overflow: Mask

    @classmethod
    def from_power_sums(
        cls, groups: Sequence[PowerSums], names: Sequence[str], divisors: Mapping[str, int] | None = None
    ) -> Self:
        """Return the moments of some variables of exact sums, as `Moments.from_power_sums` rounds them.

        divisors: integer units in one own unit, by name. Groups must have the same variables in the same order.
        """
        size, k = len(groups), len(names)
        n = np.array([group.n for group in groups], dtype=float)
        mean, scatter = np.zeros((size, k)), np.zeros((size, k, k))
        overflow = np.zeros(size, dtype=bool)
        nonzero = np.full((size, k), np.nan)
        if groups:
            known = groups[0].names
            if any(group.names != known for group in groups):
                raise MomentsInvalid("names: all groups need the same variables")
            index = [known.index(name) for name in names]
            units = [(divisors or {}).get(name, 1) for name in names]
            counted = np.array([bool(group.nonzero) for group in groups])
            for place, i in enumerate(index):
                nonzero[counted, place] = [group.nonzero[i] for group in groups if group.nonzero]
            overflow = _fill(groups, index, units, mean, scatter)
        return cls(tuple(names), n, mean, scatter, nonzero, overflow)

    @classmethod
    def of(cls, groups: Sequence[Moments]) -> Self:
        """Return the batch of moments that exist already. Needs one or more, with the same variables."""
        n = np.array([group.n for group in groups], dtype=float)
        counted = [group.nonzero or (np.nan,) * len(group.names) for group in groups]
        return cls(
            groups[0].names,
            n,
            np.array([group.mean for group in groups]),
            np.array([group.scatter for group in groups]),
            np.array(counted, dtype=float),
            np.zeros(len(groups), dtype=bool),
        )

    @property
    def size(self) -> int:
        """How many groups there are."""
        return int(self.n.size)

    def take(self, rows: Codes | Mask) -> Self:
        """Return the chosen groups, in the order given."""
        return type(self)(
            self.names,
            self.n[rows],
            self.mean[rows],
            self.scatter[rows],
            self.nonzero[rows],
            self.overflow[rows],
        )

    def mean_of(self, name: str) -> Vector:
        """Return the means of one variable."""
        found: Vector = self.mean[:, self.names.index(name)]
        return found

    def spread_of(self, name: str) -> Vector:
        """Return the centred sums of squares of one variable."""
        index = self.names.index(name)
        found: Vector = self.scatter[:, index, index]
        return found

    def count_nonzero(self, name: str) -> Vector:
        """Return the units in which a variable is not 0; NaN where that was not counted."""
        found: Vector = self.nonzero[:, self.names.index(name)]
        return found

    def select(self, names: Sequence[str]) -> Self:
        """Return some of the variables, in the order given."""
        if tuple(names) == self.names:
            return self
        index = [self.names.index(name) for name in names]
        scatter = self.scatter[:, index][:, :, index]
        return type(self)(tuple(names), self.n, self.mean[:, index], scatter, self.nonzero[:, index], self.overflow)

    def merge(self, other: Self) -> Self:
        """Return the moments of both sets of units together, group by group (Chan, Golub & LeVeque 1983)."""
        n = self.n + other.n
        with np.errstate(divide="ignore", invalid="ignore"):
            share, weight = other.n / n, self.n * other.n / n
        delta = other.mean - self.mean
        both = (self.n > 0.0) & (other.n > 0.0)
        alone = np.where(self.n > 0.0, 0.0, 1.0)
        share, weight = np.where(both, share, alone), np.where(both, weight, 0.0)
        outer = delta[:, :, None] * delta[:, None, :]
        return type(self)(
            self.names,
            n,
            self.mean + delta * share[:, None],
            self.scatter + other.scatter + outer * weight[:, None, None],
            _counts(self, other),
            self.overflow | other.overflow,
        )

    def transform(self, names: Sequence[str], matrix: Vector, shift: Vector | None = None) -> Self:
        """Return the moments of `matrix @ variables + shift`; matrix (L, r, k), shift (L, r). Counts are lost."""
        mean = np.matmul(matrix, self.mean[:, :, None])[:, :, 0]
        scatter = np.matmul(np.matmul(matrix, self.scatter), np.swapaxes(matrix, 1, 2))
        index = np.arange(len(names))
        scatter[:, index, index] = np.maximum(scatter[:, index, index], 0.0)
        counts = np.repeat(self.n[:, None], len(names), axis=1)
        return type(self)(tuple(names), self.n, mean if shift is None else mean + shift, scatter, counts, self.overflow)

    def group(self, row: int) -> Moments:
        """Return the moments of one group, without its third moment."""
        counts = () if np.isnan(self.nonzero[row]).any() else tuple(int(count) for count in self.nonzero[row])
        return Moments(int(self.n[row]), self.names, self.mean[row], self.scatter[row], None, counts)


def _counts(left: MomentBatch, right: MomentBatch) -> Vector:
    """Return the counts of both sets of units; those of one set where the other has no units."""
    alone = np.where((left.n == 0.0)[:, None], right.nonzero, left.nonzero)
    both = ((left.n > 0.0) & (right.n > 0.0))[:, None]
    return np.where(both, left.nonzero + right.nonzero, alone)


@dataclass(frozen=True, slots=True, eq=False)
class IntervalBatch:
    """Intervals of many groups; an end that does not exist is NaN. `undefined` marks those that do not exist at all."""

    lower: Vector
    upper: Vector
    reason: Codes
    undefined: Mask

    def intervals(self) -> list[Interval]:
        """Return the intervals, group by group."""
        found = []
        ends = zip(self.lower.tolist(), self.upper.tolist(), self.reason.tolist(), self.undefined.tolist(), strict=True)
        for lower, upper, code, undefined in ends:
            if code == DEFINED:
                found.append(Interval(IntervalStatus.BOUNDED, lower, upper))
            else:
                status = IntervalStatus.UNDEFINED if undefined else IntervalStatus.UNBOUNDED
                found.append(Interval(status, number(lower), number(upper), REASONS[code]))
        return found


def _fill(
    groups: Sequence[PowerSums], index: Sequence[int], units: Sequence[int], mean: Vector, scatter: Vector
) -> Mask:
    """Write means and centred products, one rounding each, and return the groups in which they leave the floats."""
    size = len(groups[0].names)
    n = _column([group.n for group in groups])
    sums = [_column([group.sums[i] for group in groups]) for i in index]
    overflow = np.zeros(len(groups), dtype=bool)
    filled = n > 0
    for a, i in enumerate(index):
        mean[:, a] = _quotient(sums[a], _times(n, units[a]), overflow, filled)
        for b, j in enumerate(index[a:], start=a):
            low, high = min(i, j), max(i, j)
            place = low * size - low * (low - 1) // 2 + (high - low)
            products = _column([group.products[place] for group in groups])
            centred = _difference(_times(n, products), _times(sums[a], sums[b]))
            below = _times(n, units[a] * units[b])
            scatter[:, a, b] = scatter[:, b, a] = _quotient(centred, below, overflow, filled)
    return overflow


def _column(values: list[int]) -> NDArray[Any]:
    """Return whole numbers as machine integers where all fit, else as Python's own."""
    try:
        return np.array(values, dtype=np.int64)
    except OverflowError:
        return np.array(values, dtype=object)


def _largest(column: NDArray[Any]) -> float:
    if column.dtype == object:
        return np.inf
    return max(abs(float(column.max())), abs(float(column.min())))


def _times(column: NDArray[Any], other: NDArray[Any] | int) -> NDArray[Any]:
    """Return exact products."""
    size = float(abs(other)) if isinstance(other, int) else _largest(other)
    if _largest(column) * size < _ROOM:
        return column * other
    return column.astype(object) * (other if isinstance(other, int) else other.astype(object))


def _difference(left: NDArray[Any], right: NDArray[Any]) -> NDArray[Any]:
    """Return exact differences of products, which leave room for one more bit while they are machine integers."""
    alike = left.dtype == right.dtype
    found: NDArray[Any] = left - right if alike else left.astype(object) - right.astype(object)
    return found


def _quotient(top: NDArray[Any], bottom: NDArray[Any], overflow: Mask, filled: Mask) -> Vector:
    """Return top / bottom, rounded once, 0 in groups without units; marks those that leave the floats."""
    if _largest(top) <= _EXACT and _largest(bottom) <= _EXACT:
        divided: Vector = np.divide(top, bottom, out=np.zeros(top.size), where=filled)
        return divided
    found = np.zeros(top.size)
    for row, (above, below) in enumerate(zip(top.tolist(), bottom.tolist(), strict=True)):
        if below:
            try:
                found[row] = above / below
            except OverflowError:
                overflow[row] = True
    return found
