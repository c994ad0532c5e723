"""Cells of unit x period as totals of clusters: what the difference over cells and its error are computed from."""

import numpy as np

from experiments.statistics.clusters import FEW_CLUSTERS, ClusterTotals
from experiments.statistics.moments import Matrix, Vector
from experiments.statistics.results import Undefined, UndefinedReason
from experiments.statistics.rows import RowsInvalid, finite_column

Arms = tuple[Vector, Vector]
"""A figure of each cluster in control and in the treatment, in the same order of clusters."""


def cell_totals(cells: Arms, above: Arms, below: Arms | None = None) -> ClusterTotals | Undefined:
    """Return cells and sums of the clusters that have cells in either arm, or what keeps them from being compared.

    above: sums of the metric; of a ratio those of its numerator, with the denominator's `below`. Ratios are linearised
    over cells: L = R + (N - R D) / mean D. TOO_FEW_UNITS below 10 clusters, OVERFLOW where sums leave the floats.
    Raises RowsInvalid for cells that are not counts, or figures that are not one for each cluster.
    """
    _check_columns(cells, above, () if below is None else below)
    with np.errstate(over="ignore", invalid="ignore"):  # what does not fit a float is an overflow
        return _totals(cells, above, below)


def _check_columns(cells: Arms, above: Arms, below: Arms | tuple[()]) -> None:
    for column in cells:
        if np.any(finite_column("cells", column) < 0.0):
            raise RowsInvalid("cells: must be 0 or more")
    shape = cells[0].shape
    for name, columns in (("cells", cells), ("above", above), ("below", below)):
        for column in columns:
            if column.shape != shape:
                raise RowsInvalid(f"{name}: has shape {column.shape} instead of {shape}")


def _totals(cells: Arms, above: Arms, below: Arms | None) -> ClusterTotals | Undefined:
    rows: Matrix = np.column_stack(cells).astype(float)
    met = rows.sum(axis=1) > 0.0
    if not np.all(rows.sum(axis=0) > 0.0):
        return Undefined(UndefinedReason.NO_DATA)
    if int(np.count_nonzero(met)) < FEW_CLUSTERS:
        return Undefined(UndefinedReason.TOO_FEW_UNITS)
    if not all(np.isfinite(column.sum()) for column in (*rows.T, *above, *(below or ()))):
        return Undefined(UndefinedReason.OVERFLOW)
    columns = above if below is None else tuple(map(_linearised, rows.T, above, below))
    defined = [column for column in columns if column is not None]
    if len(defined) < len(columns):
        return Undefined(UndefinedReason.ZERO_DENOMINATOR)
    sums: Matrix = np.column_stack(defined)
    centre = float(sums.sum() / rows.sum())
    centred = sums - centre * rows
    if not np.all(np.isfinite(centred)):
        return Undefined(UndefinedReason.OVERFLOW)
    return ClusterTotals(rows[met], centred[met], centre)


def _linearised(cells: Vector, above: Vector, below: Vector) -> Vector | None:
    """Return the sum of each cluster's linearised cells of a ratio in one arm, None where nothing is below."""
    total = float(below.sum())
    if not total > 0.0:
        return None
    ratio = float(above.sum()) / total
    linear: Vector = cells * ratio + (above - ratio * below) * (float(cells.sum()) / total)
    return linear
