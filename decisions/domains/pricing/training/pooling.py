"""Partial pooling: how far slopes of many items differ for good, within clusters and between them. Pure NumPy."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

LARGEST_VARIANCE: Final = 100.0
GUESSED_WORTH: Final = 2.0
"""How many well-known slopes the guess of their spread counts for."""
LEAST_WEIGHT: Final = 1e-6
_BISECTIONS: Final = 60

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Hyperprior:
    """What is known before there are data: the mean over all items, normal, and a guess of how far items differ."""

    mean: float
    sd: float
    spread: float


@dataclass(frozen=True, slots=True, eq=False)
class Standing:
    """Where the slopes stand: modes and variances of each item's posterior under the means and the spread that held."""

    modes: Floats
    variances: Floats
    means: Floats
    within: float


@dataclass(frozen=True, slots=True, eq=False)
class Pooled:
    """What slopes say together. means, errors: of each item, what its cluster lets expect of it, and the standard
    error of that. within, between: variances of items around their cluster's mean, of clusters around the overall one.
    overall, overall_error: the mean of all and its standard error.
    """

    means: Floats
    errors: Floats
    within: float
    between: float
    overall: float
    overall_error: float


def pool(standing: Standing, cluster: Integers, hyperprior: Hyperprior) -> Pooled:
    """Return better means and spreads: a step of the algorithm of Schall (1991) for generalised linear mixed models.

    slope_i ~ N(mean of its cluster, within), means of clusters ~ N(overall, between). With s = variance / within the
    share that the prior has in a mode, a cluster's mean is sum(mode - s mean) / sum(1 - s), and within is
    sum((mode - mean)^2) / (sum(1 - s) - what the means took), drawn to the guess. cluster: of each item, -1 for none;
    those without one are a cluster together.
    """
    own = np.where(cluster < 0, int(cluster.max(initial=-1)) + 1, cluster)
    clusters = int(own.max(initial=-1)) + 1
    prior_share = np.minimum(standing.variances / standing.within, 1.0)
    told = np.bincount(own, 1.0 - prior_share, minlength=clusters)
    sums = np.bincount(own, standing.modes - prior_share * standing.means, minlength=clusters)
    weights = told / standing.within
    seen = weights > LEAST_WEIGHT
    between, overall, variance = _over_clusters(sums[seen] / told[seen], 1.0 / weights[seen], clusters, hyperprior)
    means, spread = _drawn(weights, sums / standing.within, between, overall, variance)
    taken = np.bincount(own, (1.0 - prior_share) ** 2, minlength=clusters)[seen] / told[seen]
    freedom = max(0.0, float(told.sum() - taken.sum()))
    squares = float(((standing.modes - means[own]) ** 2).sum())
    within = (squares + GUESSED_WORTH * hyperprior.spread**2) / (freedom + GUESSED_WORTH)
    return Pooled(
        means=means[own],
        errors=np.sqrt(spread[own]),
        within=min(within, LARGEST_VARIANCE),
        between=between,
        overall=overall,
        overall_error=float(np.sqrt(variance)),
    )


def paule_mandel(values: Floats, variances: Floats) -> float:
    """Return the variance v with sum((value - mean)^2 / (variance + v)) = values - 1, or 0 (Paule and Mandel 1982)."""
    if len(values) < 2:
        return 0.0

    def excess(spread: float) -> float:
        weights = 1.0 / (variances + spread)
        mean = float((weights * values).sum() / weights.sum())
        return float((weights * (values - mean) ** 2).sum()) - (len(values) - 1)

    return _root(excess)


def _over_clusters(
    centres: Floats, variances: Floats, clusters: int, hyperprior: Hyperprior
) -> tuple[float, float, float]:
    """Return the variance between clusters, drawn to the guess, and the overall mean with its variance."""
    between = 0.0
    if clusters > 1:
        freedom = max(0, len(centres) - 1)
        between = (freedom * paule_mandel(centres, variances) + hyperprior.spread**2) / (freedom + 1.0)
    precision = float((1.0 / (variances + between)).sum()) + hyperprior.sd**-2
    overall = float((centres / (variances + between)).sum() + hyperprior.mean * hyperprior.sd**-2) / precision
    return between, overall, 1.0 / precision


def _drawn(
    weights: Floats, sums: Floats, between: float, overall: float, overall_variance: float
) -> tuple[Floats, Floats]:
    """Return the mean of each cluster drawn to the overall one, and the variance of that."""
    if between <= 0.0:
        return np.full(len(weights), overall), np.full(len(weights), overall_variance)
    precision = weights + 1.0 / between
    share = 1.0 / (between * precision)
    return (sums + overall / between) / precision, 1.0 / precision + share**2 * overall_variance


def _root(falling: Callable[[float], float]) -> float:
    """Return where a falling function of a variance is 0, within [0, LARGEST_VARIANCE]."""
    low, high = 0.0, LARGEST_VARIANCE
    if falling(low) <= 0.0:
        return low
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2.0
        low, high = (middle, high) if falling(middle) > 0.0 else (low, middle)
    return (low + high) / 2.0
