"""From simulated units to the exact sums that an analysis is given."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from experiments.statistics.moments import PowerSums

Whole = NDArray[np.int64]
_WRAP = 2**64


def rates(n: int, successes: int) -> PowerSums:
    """Return the sums of n values of which so many are 1 and the others 0."""
    return PowerSums(n, ("y",), (successes,), (successes,), (successes,), successes)


class SparseSums:
    """Exact running sums of one variable that is 0 for most units: only the others are drawn.

    Values are given one after the other for replicates and, within them, looks; `counts` (replicates, looks) says how
    many belong to each. `scale`: integer units in one simulated unit.
    """

    def __init__(self, values: Whole, counts: Whole, *, capped: Whole | None = None, scale: int = 1) -> None:
        ends = np.cumsum(counts.ravel()).reshape(counts.shape)
        self._starts = ends[:, 0] - counts[:, 0]
        self._ends = ends
        self._scale = scale
        self._has_cap = capped is not None
        y = values if capped is None else capped
        self._running = [_running(column) for column in (y, y * y, y * y * y)]
        if capped is not None:
            self._running += [_running(column) for column in (values, y * values, values * values)]

    def at(self, replicate: int, look: int, n: int) -> PowerSums:
        """Return the sums over the first n units, up to a look."""
        start, stop = int(self._starts[replicate]), int(self._ends[replicate, look])
        # running sums may wrap around; what lies between two of them is below 2^64 and comes out exactly
        first, second, third, *more = ((int(running[stop]) - int(running[start])) % _WRAP for running in self._running)
        buyers, s = stop - start, self._scale
        if not self._has_cap:
            return PowerSums(n, ("y",), (first * s,), (second * s * s,), (buyers,), third * s**3)
        total, cross, square = more
        return PowerSums(
            n,
            ("y", "y_uncapped"),
            (first * s, total * s),
            (second * s * s, cross * s * s, square * s * s),
            (buyers, buyers),
            third * s**3,
        )


def _running(column: Whole) -> Whole:
    return np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(column, dtype=np.int64)])


class DenseSums:
    """Exact running sums of several variables of every unit: columns of shape (replicates, looks, units per look)."""

    def __init__(self, columns: Mapping[str, Whole], *, scales: Mapping[str, int] | None = None) -> None:
        self._names = tuple(columns)
        self._scales = [(scales or {}).get(name, 1) for name in self._names]
        named = list(columns.values())
        self._units = named[0].shape[2]
        self._sums = [_by_look(column) for column in named]
        self._products = [_by_look(named[i] * named[j]) for i in range(len(named)) for j in range(i, len(named))]
        self._nonzero = [_by_look((column != 0).astype(np.int64)) for column in named]
        self._cubes = _by_look(named[0] ** 3)

    def at(self, replicate: int, look: int) -> PowerSums:
        """Return the sums of all units up to a look."""
        where = (replicate, look)
        size = len(self._names)
        pairs = [self._scales[i] * self._scales[j] for i in range(size) for j in range(i, size)]
        return PowerSums(
            self._units * (look + 1),
            self._names,
            _scaled(self._sums, where, self._scales),
            _scaled(self._products, where, pairs),
            tuple(int(column[where]) for column in self._nonzero),
            int(self._cubes[where]) * self._scales[0] ** 3,
        )


def _by_look(column: Whole) -> Whole:
    found: Whole = column.sum(axis=2, dtype=np.int64).cumsum(axis=1)
    return found


def _scaled(columns: Sequence[Whole], where: tuple[int, int], scales: Sequence[int]) -> tuple[int, ...]:
    return tuple(int(column[where]) * scale for column, scale in zip(columns, scales, strict=True))
