"""What a unit's arm in the period before still does in the period at hand."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from experiments.statistics.clusters import FEW_CLUSTERS
from experiments.statistics.distributions import tail_p
from experiments.statistics.moments import Vector
from experiments.statistics.results import Undefined, UndefinedReason
from experiments.statistics.rows import Mask, RowsInvalid, codes_of, finite_column, treated_column


@dataclass(frozen=True, slots=True)
class CarryOver:
    """By how much cells after a treated period differ from those after one in control, its error and its degrees."""

    estimate: float
    se: float
    df: float

    @property
    def p_value(self) -> float:
        """The two-sided p-value of nothing carrying over."""
        return tail_p(self.estimate / self.se, self.df)


def carry_over(
    units: NDArray[np.intp], periods: NDArray[np.intp], treated: Mask, y: Vector, clusters: NDArray[np.intp]
) -> CarryOver | Undefined:
    """Return what carries over from one period to the next: y ~ treated before, within each period and arm.

    Cells are in columns of one length, each (unit, period) once; periods are whole numbers. Of a balanced schedule only
    the first periods of blocks say anything: in the others the arm says which one came before. The level of each unit,
    the mean of its means in both arms, is taken off first. Errors are over clusters: sum of u_g^2 / (1 - h_g), where
    h_g is the cluster's share of the spread, with Satterthwaite's degrees of freedom (Bell & McCaffrey 2002), times n /
    (n - groups) for the means of periods and arms. TOO_FEW_UNITS below 10 clusters. Raises RowsInvalid for cells that
    cannot be.
    """
    y = finite_column("y", y)
    treated = treated_column("treated", treated, y.size)
    units, _ = codes_of("units", units, y.size)
    clusters, _ = codes_of("clusters", clusters, y.size)
    before = _before(units, periods)
    strata = 2 * codes_of("periods", periods, y.size)[0] + treated
    known = np.flatnonzero(before >= 0)
    kept = known[_has_both(strata[known], treated[before[known]])]
    if np.unique(clusters[kept]).size < FEW_CLUSTERS:
        return Undefined(UndefinedReason.TOO_FEW_UNITS)
    groups = strata[kept]
    x = treated[before[kept]].astype(float)
    with np.errstate(over="ignore", invalid="ignore"):  # what does not fit a float is an overflow
        left = (y - _levels(units, treated, y))[kept]
        return _slope(x - _means(groups, x), left - _means(groups, left), clusters[kept], np.unique(groups).size)


def _slope(x: Vector, y: Vector, clusters: NDArray[np.intp], groups: int) -> CarryOver | Undefined:
    """Return the slope of y on x, both without the means of their groups, with its error over clusters."""
    spread = float(x @ x)
    slope = float(x @ y) / spread
    _, codes = np.unique(clusters, return_inverse=True)
    moved, share = np.bincount(codes, weights=x * (y - slope * x)), np.bincount(codes, weights=x * x) / spread
    if x.size <= groups or not np.all(share < 1.0):
        return Undefined(UndefinedReason.TOO_FEW_UNITS)
    variance = float((moved * moved / (1.0 - share)).sum()) / spread**2 * x.size / (x.size - groups)
    if not (np.isfinite(slope) and np.isfinite(variance)):
        return Undefined(UndefinedReason.OVERFLOW)
    if not variance > 0.0:
        return Undefined(UndefinedReason.NO_VARIANCE)
    between = share * share / (1.0 - share)
    square = float((share * share).sum() + between.sum() ** 2 - (between * between).sum())
    return CarryOver(slope, variance**0.5, float(share.sum()) ** 2 / square)


def _levels(units: NDArray[np.intp], treated: Mask, y: Vector) -> Vector:
    """Return for each row the level of its unit: so much in the middle between its arms, whatever the effect."""
    number = int(units.max(initial=-1)) + 1
    sides = [(units[side], y[side]) for side in (treated, ~treated)]
    sizes = [np.bincount(rows, minlength=number) for rows, _ in sides]
    sums = [np.bincount(rows, weights=values, minlength=number) for rows, values in sides]
    means = [total / np.maximum(size, 1) for total, size in zip(sums, sizes, strict=True)]
    arms = np.maximum((sizes[0] > 0).astype(int) + (sizes[1] > 0), 1)
    levels: Vector = ((means[0] + means[1]) / arms)[units]
    return levels


def _before(units: NDArray[np.intp], periods: NDArray[np.intp]) -> NDArray[np.intp]:
    """Return for each cell the row of its unit's cell in the period before, -1 where there is none."""
    if periods.shape != units.shape or not np.issubdtype(periods.dtype, np.integer):
        raise RowsInvalid(f"periods: must be {units.size} whole numbers, not {periods.dtype} of shape {periods.shape}")
    order = np.lexsort((periods, units))
    own, step = np.diff(units[order]) == 0, np.diff(periods[order])
    if np.any(own & (step == 0)):
        raise RowsInvalid("periods: a unit has more than one cell in a period")
    follows = own & (step == 1)
    found = np.full(units.size, -1, dtype=np.intp)
    found[order[1:][follows]] = order[:-1][follows]
    return found


def _means(groups: NDArray[np.intp], values: Vector) -> Vector:
    """Return for each row the mean of its group."""
    _, codes = np.unique(groups, return_inverse=True)
    means: Vector = np.bincount(codes, weights=values) / np.maximum(np.bincount(codes), 1)
    return means[codes]


def _has_both(groups: NDArray[np.intp], flags: Mask) -> Mask:
    """Return which rows are in a group that has flagged rows and others."""
    _, codes = np.unique(groups, return_inverse=True)
    flagged, sizes = np.bincount(codes, weights=flags), np.bincount(codes)
    return ((flagged > 0) & (flagged < sizes))[codes]
