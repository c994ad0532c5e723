"""The effect where units were randomised by period: a difference over cells, with errors over what they belong to.

Cells of one unit resemble each other, so they are no sample of their own: the error is over clusters (CR2, Bell &
McCaffrey 2002), in which a unit has cells in both arms. A balanced schedule makes it small, whatever the units' levels.
"""

from collections.abc import Sequence

import numpy as np

from experiments.analysis.effects import PairEffect
from experiments.analysis.estimate import Estimated
from experiments.analysis.inputs import ClusterSums
from experiments.analysis.metrics import MetricSpec
from experiments.analysis.scorecard import Estimator
from experiments.statistics.clusters import FEW_CLUSTERS, ClusterTotals, cr2
from experiments.statistics.means import checked
from experiments.statistics.moments import Matrix, Vector
from experiments.statistics.results import Undefined, UndefinedReason


def cell_effect(
    spec: MetricSpec, control: ClusterSums | None, treatment: ClusterSums | None, *, numerator: str = "y"
) -> Estimated | Undefined:
    """Return the effect of treatment against control over cells, or why it does not exist.

    Both arms list the same clusters in the same order. Ratios are linearised over cells: L = R + (N - R D) / mean D.
    TOO_FEW_UNITS below 10 clusters.
    """
    if control is None or treatment is None:
        return Undefined(UndefinedReason.NO_DATA)
    totals = _totals(spec, (control, treatment), numerator)
    found = totals if isinstance(totals, Undefined) else checked(cr2(totals))
    if isinstance(found, Undefined):
        return found
    is_ratio = spec.denominator is not None
    return Estimated(PairEffect(found, Estimator.CLUSTERED_RATIO if is_ratio else Estimator.CLUSTERED))


def _totals(spec: MetricSpec, arms: tuple[ClusterSums, ClusterSums], numerator: str) -> ClusterTotals | Undefined:
    """Return rows and sums of the clusters that have cells in either arm, or what keeps them from being compared."""
    rows = np.array([arm.cells for arm in arms], dtype=float).T.reshape(-1, 2)
    met = rows.sum(axis=1) > 0.0
    if not np.all(rows.sum(axis=0) > 0.0):
        return Undefined(UndefinedReason.NO_DATA)
    if int(np.count_nonzero(met)) < FEW_CLUSTERS:
        return Undefined(UndefinedReason.TOO_FEW_UNITS)
    columns = [_sums(spec, arm, size, numerator) for arm, size in zip(arms, rows.T, strict=True)]
    defined = [column for column in columns if not isinstance(column, Undefined)]
    if len(defined) < len(columns):
        return Undefined(UndefinedReason.ZERO_DENOMINATOR)
    sums: Matrix = np.column_stack(defined)
    if not np.all(np.isfinite(sums)):
        return Undefined(UndefinedReason.OVERFLOW)
    centre = float(sums.sum() / rows.sum())
    return ClusterTotals(rows[met], (sums - centre * rows)[met], centre)


def _sums(spec: MetricSpec, arm: ClusterSums, cells: Vector, numerator: str) -> Vector | Undefined:
    """Return the sum of each cluster's cells in own units; of a ratio, of its linearised cells."""
    above = _own(arm.sums[numerator], spec.numerator.divisor)
    if spec.denominator is None:
        return above
    below = _own(arm.sums["d"], spec.denominator.divisor)
    total = float(below.sum())
    if not total > 0.0:
        return Undefined(UndefinedReason.ZERO_DENOMINATOR)
    ratio = float(above.sum()) / total
    linear: Vector = cells * ratio + (above - ratio * below) * (float(cells.sum()) / total)
    return linear


def _own(exact: Sequence[int], divisor: int) -> Vector:
    return np.array([value / divisor for value in exact], dtype=float)
