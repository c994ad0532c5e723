"""Cells of unit x period as totals of clusters: what the difference over cells and its error are computed from."""

import numpy as np

from experiments.statistics.clusters import FEW_CLUSTERS, ClusterTotals
from experiments.statistics.moments import Matrix, Vector
from experiments.statistics.results import Undefined, UndefinedReason

Arms = tuple[Vector, Vector]
"""A figure of each cluster in control and in the treatment, in the same order of clusters."""


def cell_totals(cells: Arms, above: Arms, below: Arms | None = None) -> ClusterTotals | Undefined:
    """Return cells and sums of the clusters that have cells in either arm, or what keeps them from being compared.

    above: sums of the metric; of a ratio those of its numerator, with the denominator's `below`. Ratios are linearised
    over cells: L = R + (N - R D) / mean D. TOO_FEW_UNITS below 10 clusters.
    """
    rows: Matrix = np.column_stack(cells).astype(float)
    met = rows.sum(axis=1) > 0.0
    if not np.all(rows.sum(axis=0) > 0.0):
        return Undefined(UndefinedReason.NO_DATA)
    if int(np.count_nonzero(met)) < FEW_CLUSTERS:
        return Undefined(UndefinedReason.TOO_FEW_UNITS)
    columns = above if below is None else tuple(map(_linearised, rows.T, above, below))
    defined = [column for column in columns if column is not None]
    if len(defined) < len(columns):
        return Undefined(UndefinedReason.ZERO_DENOMINATOR)
    sums: Matrix = np.column_stack(defined)
    if not np.all(np.isfinite(sums)):
        return Undefined(UndefinedReason.OVERFLOW)
    centre = float(sums.sum() / rows.sum())
    return ClusterTotals(rows[met], (sums - centre * rows)[met], centre)


def _linearised(cells: Vector, above: Vector, below: Vector) -> Vector | None:
    """Return the sum of each cluster's linearised cells of a ratio in one arm, None where nothing is below."""
    total = float(below.sum())
    if not total > 0.0:
        return None
    ratio = float(above.sum()) / total
    linear: Vector = cells * ratio + (above - ratio * below) * (float(cells.sum()) / total)
    return linear
