"""Designs beside the plain split: quantiles, clusters, switchbacks."""

from collections.abc import Iterator, Sequence
from functools import partial

import numpy as np

from experiments.calibration.figures import counted, mean
from experiments.calibration.records import Result, Setting, Study, Tally, Target
from experiments.statistics.clusters import ClusterTotals, cr2
from experiments.statistics.distributions import normal_isf
from experiments.statistics.pair import Pair, difference_interval
from experiments.statistics.quantile_clusters import clustered_pair, clustered_quantile
from experiments.statistics.quantiles import quantile_arm, quantile_pair
from experiments.statistics.results import Undefined
from experiments.statistics.switchback import coin_effect
from experiments.statistics.switchback_design import CoinDesign, best_points

Z = normal_isf(0.025)


def studies() -> tuple[Study, ...]:
    """Return the studies of quantiles, clusters and switchbacks."""
    return (
        Study(
            "quantiles-and-clusters",
            "Quantiles and clusters",
            "Coverage of the 95% interval of a difference that is 0. Waiting times are log-normal; clustered rows "
            "share a random level. Clusters have 5 to 60 rows.",
            tuple(_settings()),
        ),
        Study(
            "switchback",
            "Switchback with carry-over",
            "One market, 240 periods, a coin for every block of the optimal design, outcomes with a daily season that "
            "respond to this and earlier periods. Bias is the mean error over the true effect of 1; holds is the "
            "coverage of the conservative 95% interval.",
            tuple(_switchbacks()),
        ),
    )


def _settings() -> Iterator[Setting]:
    at_least = Target(low=0.94)
    for nu in (0.5, 0.9, 0.99):
        yield Setting(
            f"quantile {nu}, 4,000 independent values an arm",
            partial(quantiles, nu),
            partial(_evaluate_coverage, at_least),
            reduced=500,
            full=10_000,
            block=500,
        )
    yield Setting(
        "quantile 0.9, 500 units an arm with several values each",
        partial(clustered_quantiles, 0.9),
        partial(_evaluate_coverage, at_least),
        reduced=500,
        full=10_000,
        block=500,
    )
    for clusters, target in ((10, 0.935), (20, 0.94), (40, 0.94)):
        yield Setting(
            f"{clusters} clusters",
            partial(cluster_means, clusters),
            partial(_evaluate_coverage, Target(low=target)),
            reduced=2_000,
            full=20_000,
            block=2_000,
        )


def _covers(pair: Pair | Undefined) -> bool:
    if isinstance(pair, Undefined):
        return True
    return difference_interval(pair, pair.multiplier(Z)).contains(0.0)


def quantiles(nu: float, rng: np.random.Generator, replicates: int) -> Tally:
    """Return how often the interval of a difference of quantiles holds 0."""
    inside = 0
    for _ in range(replicates):
        control, treatment = (quantile_arm(rng.lognormal(0.0, 1.0, 4_000), nu) for _ in range(2))
        inside += _covers(quantile_pair(control, treatment))
    return Tally({"inside": inside})


def clustered_quantiles(nu: float, rng: np.random.Generator, replicates: int) -> Tally:
    """Return how often the interval holds 0 when units have several, similar values."""
    inside = 0
    for _ in range(replicates):
        arms = []
        for _arm in range(2):
            sizes = 1 + rng.poisson(5.0, 500)
            units = np.repeat(np.arange(500), sizes)
            values = np.exp(rng.normal(0.0, 0.7, 500)[units] + rng.normal(0.0, 0.7, units.size))
            arms.append(clustered_quantile(values, units, nu))
        inside += _covers(clustered_pair(arms[0], arms[1]))
    return Tally({"inside": inside})


def cluster_means(clusters: int, rng: np.random.Generator, replicates: int) -> Tally:
    """Return how often the interval of a difference of clustered means holds 0; half of the clusters are treated."""
    inside = 0
    for _ in range(replicates):
        sizes = rng.integers(5, 61, clusters)
        treated = rng.permutation(np.arange(clusters) % 2)
        codes = np.repeat(np.arange(clusters), sizes)
        values = rng.normal(0.0, 0.5, clusters)[codes] + rng.normal(0.0, 1.0, codes.size)
        inside += _covers(cr2(ClusterTotals.from_rows(codes, treated[codes], values)))
    return Tally({"inside": inside})


def _evaluate_coverage(target: Target, found: Tally, replicates: int) -> Sequence[Result]:
    return (counted(found, "inside", replicates, "holds", target),)


def _switchbacks() -> Iterator[Setting]:
    for carry_over, actual in ((1, 1), (2, 1), (2, 2)):
        yield Setting(
            f"planned for a carry-over of {carry_over}, really {actual}",
            partial(switchback, carry_over, actual),
            _evaluate_switchback,
            reduced=1_000,
            full=20_000,
            block=1_000,
        )


def switchback(carry_over: int, actual: int, rng: np.random.Generator, replicates: int, periods: int = 240) -> Tally:
    """Return errors of the switchback effect, and how often its interval holds the truth."""
    design = CoinDesign(periods, best_points(periods, carry_over))
    shares = np.array([0.6, *([0.4 / actual] * actual)])
    season = np.sin(2.0 * np.pi * np.arange(periods) / 24.0)
    errors = np.empty(replicates)
    inside = 0
    for replicate, treated in enumerate(design.draw(rng, replicates)):
        response = np.convolve(treated.astype(float), shares)[:periods]
        found = coin_effect(design, season + response + rng.normal(0.0, 1.0, periods) - 0.5, treated, carry_over)
        assert not isinstance(found, Undefined)
        errors[replicate] = found.estimate - 1.0
        interval = found.interval(0.05)
        inside += not isinstance(interval, Undefined) and interval.contains(1.0)
    return Tally({"inside": inside}, {"error": errors})


def _evaluate_switchback(found: Tally, replicates: int) -> Sequence[Result]:
    return (
        mean("bias", found.values["error"], Target(-0.02, 0.02)),
        counted(found, "inside", replicates, "holds", Target(low=0.94)),
    )
