"""Moments of small sets of unit values, for the tests of estimators."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from experiments.statistics.moments import Moments, PowerSums


def exact_sums(names: Sequence[str], *columns: Sequence[int]) -> PowerSums:
    """Return the exact sums of integer unit values, one list per variable."""
    rows = [[int(value) for value in column] for column in columns]
    return PowerSums(
        n=len(rows[0]),
        names=tuple(names),
        sums=tuple(sum(row) for row in rows),
        products=tuple(
            sum(a * b for a, b in zip(rows[i], rows[j], strict=True))
            for i in range(len(rows))
            for j in range(i, len(rows))
        ),
        nonzero=tuple(sum(1 for value in row if value) for row in rows),
        cubes=sum(value**3 for value in rows[0]),
    )


def sample(*columns: ArrayLike, names: Sequence[str] = ("y",)) -> Moments:
    """Return the moments of real unit values, one array per variable."""
    rows = np.array([np.asarray(column, dtype=float) for column in columns])
    centred = rows - rows.mean(axis=1, keepdims=True)
    return Moments(
        rows.shape[1],
        tuple(names),
        rows.mean(axis=1),
        centred @ centred.T,
        float((centred[0] ** 3).sum()),
        tuple(int(np.count_nonzero(row)) for row in rows),
    )
