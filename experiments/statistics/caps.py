"""Caps on unit totals: one value for all arms, from the time before the start or from all arms pooled."""

import math

import numpy as np
from numpy.typing import ArrayLike

from experiments.statistics.moments import Vector
from experiments.statistics.results import Undefined, UndefinedReason
from experiments.statistics.rows import RowsInvalid, finite_column

DEFAULT_QUANTILE = 0.999


def pooled_cap(*arms: ArrayLike, quantile: float) -> float | Undefined:
    """Return a quantile (linear interpolation) of the unit totals of all arms together, in the metric's unit.

    Never of one arm: a cap per arm takes away part of the effect. Raises RowsInvalid for values that are not finite
    or a quantile outside [0, 1].
    """
    pooled = _pooled(arms)
    if not 0.0 <= quantile <= 1.0:
        raise RowsInvalid(f"quantile: must be between 0 and 1, not {quantile}", hint="Give a share such as 0.999.")
    return float(np.quantile(pooled, quantile)) if pooled.size else Undefined(UndefinedReason.NO_DATA)


def pooled_nonzero_cap(*arms: ArrayLike, quantile: float = DEFAULT_QUANTILE) -> float | Undefined:
    """Return the quantile of those unit totals of all arms together that are not 0. Raises as `pooled_cap`."""
    pooled = _pooled(arms)
    return pooled_cap(pooled[pooled != 0.0], quantile=quantile)


def capped(totals: ArrayLike, *, lower: float | None = None, upper: float | None = None) -> Vector:
    """Return the unit totals with values below `lower` or above `upper` replaced by those limits.

    Raises RowsInvalid for values that are not finite or limits in the wrong order.
    """
    column = finite_column("totals", totals)
    for name, limit in (("lower", lower), ("upper", upper)):
        if limit is not None and not math.isfinite(limit):
            raise RowsInvalid(f"{name}: must be finite, not {limit}", hint="Leave out a limit that there is none for.")
    if lower is not None and upper is not None and lower > upper:
        raise RowsInvalid(f"lower: {lower} is above {upper}", hint="Give a lower limit below the upper one.")
    return column if lower is None and upper is None else np.clip(column, lower, upper)


def _pooled(arms: tuple[ArrayLike, ...]) -> Vector:
    return np.concatenate([np.zeros(0), *(finite_column("totals", arm) for arm in arms)])
