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
from experiments.statistics.cell_totals import cell_totals
from experiments.statistics.clusters import ClusterTotals, cr2
from experiments.statistics.means import checked
from experiments.statistics.moments import Vector
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
    """Return the totals of the clusters in own units, or what keeps the arms from being compared."""
    cells = [np.array(arm.cells, dtype=float) for arm in arms]
    above = [_own(arm.sums[numerator], spec.numerator.divisor) for arm in arms]
    if spec.denominator is None:
        return cell_totals((cells[0], cells[1]), (above[0], above[1]))
    below = [_own(arm.sums["d"], spec.denominator.divisor) for arm in arms]
    return cell_totals((cells[0], cells[1]), (above[0], above[1]), (below[0], below[1]))


def _own(exact: Sequence[int], divisor: int) -> Vector:
    return np.array([value / divisor for value in exact], dtype=float)
