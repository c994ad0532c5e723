"""Clustered rows (shops, households, days): the difference of row means with errors over clusters.

Everything follows from each cluster's rows and sums in each arm, so that a query can deliver it.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from experiments.statistics.means import satterthwaite
from experiments.statistics.moments import Matrix, Vector
from experiments.statistics.pair import ArmEstimate, Pair
from experiments.statistics.results import Undefined, UndefinedReason
from experiments.statistics.rows import RowsInvalid, codes_of, finite_column, treated_column

FEW_CLUSTERS = 10


@dataclass(frozen=True, slots=True, eq=False)
class ClusterTotals:
    """Rows and sums of each cluster in each arm: shape (clusters, 2), control first.

    sums: of y - centre, so that a mean far from 0 costs no digits. A cluster may have rows in both arms.
    Raises RowsInvalid for totals that no rows have.
    """

    rows: Matrix
    sums: Matrix
    centre: float = 0.0

    def __post_init__(self) -> None:
        if self.rows.shape != self.sums.shape or self.rows.ndim != 2 or self.rows.shape[1] != 2:
            raise RowsInvalid(f"totals: must have two columns each, not {self.rows.shape} and {self.sums.shape}")
        if not (np.all(np.isfinite(self.sums)) and np.all(self.rows >= 0.0)):
            raise RowsInvalid("totals: sums must be finite and rows 0 or more")

    @classmethod
    def from_rows(cls, clusters: ArrayLike, treatment: ArrayLike, y: ArrayLike) -> "ClusterTotals":
        """Return the totals of unit rows. treatment: 0 or 1. Raises RowsInvalid for rows that cannot be."""
        column = finite_column("y", y)
        treated = treated_column("treatment", treatment, column.size)
        codes, groups = codes_of("clusters", clusters, column.size)
        cell = 2 * codes + treated
        rows = np.bincount(cell, minlength=2 * groups).astype(float)
        with np.errstate(over="ignore", invalid="ignore"):  # sums that are not finite are refused
            centre = float(column.mean()) if column.size else 0.0
            sums = np.bincount(cell, weights=column - centre, minlength=2 * groups).astype(float)
        return cls(rows.reshape(groups, 2), sums.reshape(groups, 2), centre)

    @property
    def clusters(self) -> int:
        """Clusters with rows in either arm."""
        return int(np.count_nonzero(self.rows.sum(axis=1)))

    @property
    def arm_clusters(self) -> tuple[int, int]:
        """Clusters with rows in control and in the treatment."""
        return int(np.count_nonzero(self.rows[:, 0])), int(np.count_nonzero(self.rows[:, 1]))


def needs_randomisation_test(totals: ClusterTotals) -> bool:
    """Return whether errors over clusters cannot be trusted: fewer than 10 clusters, or clustered on one side only."""
    largest = totals.rows.max(axis=0, initial=0.0)
    return totals.clusters < FEW_CLUSTERS or (largest.min() <= 1.0 < largest.max())


def cr2(totals: ClusterTotals) -> Pair | Undefined:
    """Return the pair with the bias-reduced error and Satterthwaite's degrees of freedom (Bell & McCaffrey 2002).

    V = sum_g u_g^2, u_g of A_g e_g with A_g = (I - H_gg)^(-1/2): in two arms a factor 1 / sqrt(1 - n_ga / N_a) on
    the cluster's residual sum; df = tr(O)^2 / tr(O^2) for independent rows of one variance. With one row in each
    cluster it is Welch's error. Needs two clusters in each arm; trust it from 10 clusters on.
    """
    problem = _problem(totals)
    if problem is not None:
        return problem
    weights = 1.0 / np.sqrt(1.0 - totals.rows / totals.rows.sum(axis=0))
    return _pair(totals, weights, _bell_mccaffrey(totals, weights))


def cr1(totals: ClusterTotals) -> Pair | Undefined:
    """Return the pair with the common small-sample factor G / (G - 1) (N - 1) / (N - 2) and G - 1 degrees of freedom.

    Liang & Zeger 1986. Too small below 40 clusters: for comparison with other programs.
    """
    problem = _problem(totals)
    if problem is not None:
        return problem
    groups, rows = totals.clusters, float(totals.rows.sum())
    factor = groups / (groups - 1.0) * (rows - 1.0) / (rows - 2.0)
    return _pair(totals, np.full((1, 2), np.sqrt(factor)), groups - 1.0)


def cr0(totals: ClusterTotals) -> Pair | Undefined:
    """Return the pair with the plain sandwich error sum_g u_g^2 (Liang & Zeger 1986), for comparison."""
    problem = _problem(totals)
    return _pair(totals, np.ones((1, 2)), np.inf) if problem is None else problem


def delta(totals: ClusterTotals) -> Pair | Undefined:
    """Return the pair with the delta method on cluster totals: a factor K / (K - 1) in each arm, K its clusters.

    Equal to the ratio metric sum / rows over clusters (Deng, Knoblich & Lu 2018), with Welch's degrees of freedom.
    """
    problem = _problem(totals)
    if problem is not None:
        return problem
    counts = np.array([totals.arm_clusters], dtype=float)
    pair = _pair(totals, np.sqrt(counts / (counts - 1.0)), np.inf)
    arms = (pair.control, pair.treatment)
    df = satterthwaite(tuple((arm.variance, arm.n - 1) for arm in arms))
    return Pair(pair.control, pair.treatment, pair.covariance, df)


def _problem(totals: ClusterTotals) -> Undefined | None:
    fewest = min(totals.arm_clusters)
    if fewest == 0:
        return Undefined(UndefinedReason.NO_DATA)
    return Undefined(UndefinedReason.TOO_FEW_UNITS) if fewest < 2 else None


def _pair(totals: ClusterTotals, weights: Matrix, df: float) -> Pair:
    """Return the pair whose variances are sums over clusters of squared residual sums times `weights`."""
    size = totals.rows.sum(axis=0)
    means = totals.sums.sum(axis=0) / size
    residual = weights * (totals.sums - means * totals.rows) / size
    with np.errstate(over="ignore", invalid="ignore"):  # `means.checked` names what does not fit a float
        variances: Matrix = residual.T @ residual
    control, treatment = totals.arm_clusters
    return Pair(
        ArmEstimate(control, totals.centre + float(means[0]), float(variances[0, 0])),
        ArmEstimate(treatment, totals.centre + float(means[1]), float(variances[1, 1])),
        float(variances[0, 1]),
        df,
    )


def _bell_mccaffrey(totals: ClusterTotals, weights: Matrix) -> float:
    """Return tr(O)^2 / tr(O^2), O_gh = p_g'p_h = 1{g = h} d_g - sum_a v_ga v_ha / N_a, from the totals."""
    size = totals.rows.sum(axis=0)
    v = totals.rows * weights / size
    d: Vector = (totals.rows * (weights / size) ** 2).sum(axis=1)
    trace = float((d - (v * v / size).sum(axis=1)).sum())
    cross = (v.T @ v) ** 2 / np.outer(size, size)
    square = float((d * d).sum() - 2.0 * (d[:, None] * v * v / size).sum() + cross.sum())
    return trace * trace / square
