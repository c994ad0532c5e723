"""Many families of segments at once: Cochran's test and shrunken effects, in arrays. Formulas as in `segments`."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import chdtrc

from experiments.statistics.batches import Codes
from experiments.statistics.moments import Vector

_LARGEST = 1e150


@dataclass(frozen=True, slots=True, eq=False)
class Heterogeneities:
    """Cochran's tests of families, each of shape (F,), and shrunken effects of their segments, each of shape (L,).

    NaN where a family has fewer than two segments, or figures that leave the floats; df is then 0.
    """

    q: Vector
    df: NDArray[np.int64]
    p_value: Vector
    shrunk: Vector
    shrunk_se: Vector


def heterogeneities(effects: Vector, variances: Vector, sizes: Codes) -> Heterogeneities:
    """Return the tests and the shrunken effects of families that follow one another in the arrays.

    sizes: segments of each family, which may be 0. Variances must be above 0.
    """
    tests, shown = np.full((2, sizes.size), np.nan), np.full((2, effects.size), np.nan)
    df = np.zeros(sizes.size, dtype=np.int64)
    several = sizes >= 2
    inside = np.repeat(several, sizes)
    if several.any():
        with np.errstate(all="ignore"):
            q, degrees, *shrunk = _tested(effects[inside], variances[inside], sizes[several])
        tests[0, several], tests[1, several] = q, chdtrc(degrees, q)
        df[several] = np.where(np.isfinite(q), degrees, 0)
        shown[:, inside] = shrunk
    return Heterogeneities(tests[0], df, tests[1], shown[0], shown[1])


def _tested(effects: Vector, variances: Vector, sizes: Codes) -> tuple[Vector, Codes, Vector, Vector]:
    """Return Q, its degrees of freedom, and the shrunken effects with their errors, of families of two or more."""
    starts = np.concatenate(([0], np.cumsum(sizes)[:-1]))
    unit = np.sqrt(np.minimum.reduceat(variances, starts))
    spread = np.repeat(unit, sizes)
    d, v = effects / spread, variances / spread / spread
    fits = np.logical_and.reduceat((np.abs(d) < _LARGEST) & (v < _LARGEST), starts)
    w = 1.0 / v
    weight = np.add.reduceat(w, starts)
    fixed = np.add.reduceat(w * d, starts) / weight
    off = d - np.repeat(fixed, sizes)
    q, df = np.add.reduceat(w * off * off, starts), sizes - 1
    room = weight - np.add.reduceat(w * w, starts) / weight
    tau2 = np.maximum(0.0, (q - df) / room)
    wider = 1.0 / (v + np.repeat(tau2, sizes))
    total = np.add.reduceat(wider, starts)
    mean, mean_se = np.add.reduceat(wider * d, starts) / total, 1.0 / np.sqrt(total)
    tau2, mean, mean_se = (np.repeat(figure, sizes) for figure in (tau2, mean, mean_se))
    kept = tau2 / (tau2 + v)
    shrunk = mean + kept * (d - mean)
    error = np.hypot(np.sqrt(kept * v), (1.0 - kept) * mean_se)
    good = np.repeat(fits, sizes)
    return (
        np.where(fits, q, np.nan),
        df,
        np.where(good, shrunk * spread, np.nan),
        np.where(good, error * spread, np.nan),
    )
