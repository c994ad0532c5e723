"""Effects over cells of unit x period: against the clustered estimator on rows, and how often they err."""

import numpy as np
import pytest

from experiments.analysis.estimate import Estimated
from experiments.analysis.inputs import ClusterSums
from experiments.analysis.metrics import Aggregation, MetricSpec, What
from experiments.analysis.period_estimates import cell_effect
from experiments.analysis.scorecard import Estimator
from experiments.assignment.schedule import write_out
from experiments.statistics.clusters import ClusterTotals, cr2
from experiments.statistics.pair import Pair
from experiments.statistics.results import Undefined, UndefinedReason
from experiments.vocabulary import MetricKind
from tests.experiments.assignment.test_periods import KEY, by_period

UNITS = MetricSpec("units", 1, MetricKind.COUNT, Aggregation(("Order Completed",), What.COUNT))
REVENUE = MetricSpec("revenue", 1, MetricKind.SUM, Aggregation(("Order Completed",), What.SUM_VALUE))
RATE = MetricSpec(
    "rate",
    1,
    MetricKind.RATIO,
    Aggregation(("Order Completed",), What.COUNT),
    denominator=Aggregation(("Product Viewed",), What.COUNT),
)


def sums(spec: MetricSpec, clusters: np.ndarray, treated: np.ndarray, **columns: np.ndarray) -> list[ClusterSums]:
    """Return the sums of cells in control and in the treatment."""
    found = []
    for arm in (0, 1):
        mine = treated == arm
        count = int(clusters.max()) + 1
        totals = {
            name: tuple(int(v) for v in np.bincount(clusters[mine], weights=column[mine], minlength=count))
            for name, column in columns.items()
        }
        cells = tuple(int(n) for n in np.bincount(clusters[mine], minlength=count))
        found.append(ClusterSums(spec.key, "treatment" if arm else "control", cells, totals))
    return found


def schedule(units: int, periods: int, *, salt: str, balanced: bool) -> tuple[np.ndarray, np.ndarray]:
    """Return unit and arm of each cell of a drawn schedule, unit by unit."""
    snapshot = by_period(block=2 if balanced else None, salt=salt)
    cells = write_out(snapshot, KEY, [f"unit-{n}" for n in range(units)], periods).cells
    treated = np.array([cell.variant != "control" for cell in cells], dtype=int)
    return np.repeat(np.arange(units), periods), treated


def test_cell_effect__counts__are_those_of_the_clustered_estimator():
    rng = np.random.default_rng(3)
    clusters, treated = schedule(12, 9, salt="a", balanced=False)
    y = rng.poisson(5.0 + 20.0 * clusters + 2.0 * treated)
    found = cell_effect(UNITS, *sums(UNITS, clusters, treated, y=y))
    direct = cr2(ClusterTotals.from_rows(clusters, treated, y.astype(float)))
    assert isinstance(found, Estimated)
    assert isinstance(direct, Pair)
    assert found.effect.estimator is Estimator.CLUSTERED
    assert found.effect.pair.difference == pytest.approx(direct.difference, rel=1e-12)
    assert found.effect.pair.se == pytest.approx(direct.se, rel=1e-9)
    assert found.effect.pair.df == pytest.approx(direct.df, rel=1e-9)


def test_cell_effect__money__is_in_the_currency():
    clusters, treated = schedule(10, 4, salt="a", balanced=True)
    y = 1_000_000 * (3 + clusters + 2 * treated + (np.arange(40) * 7 % 3))
    found = cell_effect(REVENUE, *sums(REVENUE, clusters, treated, y=y))
    assert isinstance(found, Estimated)
    own = y / 1e6
    assert found.effect.pair.difference == pytest.approx(own[treated == 1].mean() - own[treated == 0].mean())


def test_cell_effect__ratio__is_the_difference_of_ratios_of_sums_linearised():
    rng = np.random.default_rng(5)
    clusters, treated = schedule(15, 8, salt="r", balanced=True)
    d = rng.poisson(50 + 10 * clusters)
    y = rng.binomial(d, 0.1 + 0.05 * treated)
    found = cell_effect(RATE, *sums(RATE, clusters, treated, y=y, d=d))
    assert isinstance(found, Estimated)
    ratios = [y[treated == arm].sum() / d[treated == arm].sum() for arm in (0, 1)]
    lines = np.array(
        [ratios[w] + (n - ratios[w] * k) / d[treated == w].mean() for n, k, w in zip(y, d, treated, strict=True)]
    )
    direct = cr2(ClusterTotals.from_rows(clusters, treated, lines))
    assert isinstance(direct, Pair)
    assert found.effect.estimator is Estimator.CLUSTERED_RATIO
    assert found.effect.pair.difference == pytest.approx(ratios[1] - ratios[0], rel=1e-12)
    assert found.effect.pair.se == pytest.approx(direct.se, rel=1e-9)


def test_cell_effect__what_cannot_be_compared__says_why():
    clusters, treated = schedule(9, 6, salt="a", balanced=True)
    few = cell_effect(UNITS, *sums(UNITS, clusters, treated, y=clusters + treated))
    assert few == Undefined(UndefinedReason.TOO_FEW_UNITS)
    clusters, treated = schedule(12, 6, salt="a", balanced=True)
    control, treatment = sums(UNITS, clusters, treated, y=clusters + treated)
    nobody = ClusterSums("units", "treatment", (0,) * 12, {"y": (0,) * 12})
    assert cell_effect(UNITS, control, nobody) == Undefined(UndefinedReason.NO_DATA)
    assert cell_effect(UNITS, control, None) == Undefined(UndefinedReason.NO_DATA)
    same = sums(UNITS, clusters, treated, y=np.full(72, 4))
    assert cell_effect(UNITS, *same) == Undefined(UndefinedReason.NO_VARIANCE)
    empty = sums(RATE, clusters, treated, y=clusters, d=np.zeros(72))
    assert cell_effect(RATE, *empty) == Undefined(UndefinedReason.ZERO_DENOMINATOR)
    assert treatment.cells == (3,) * 12


@pytest.mark.parametrize(("units", "periods", "balanced"), [(12, 14, True), (30, 14, False), (3, 28, True)])
def test_cell_effect__no_effect_in_cells_that_resemble_each_other__errs_as_often_as_it_says(units, periods, balanced):
    """Levels of units differ by an order of magnitude and days follow each other; below ten units, blocks cluster."""
    rng = np.random.default_rng(20_260_301)
    draws, wrong = 300, 0
    for draw in range(draws):
        unit, treated = schedule(units, periods, salt=f"salt-{draw}", balanced=balanced)
        level = np.repeat(rng.lognormal(3.0, 1.0, units), periods)
        noise = rng.normal(size=(units, periods))
        for t in range(1, periods):
            noise[:, t] = 0.7 * noise[:, t - 1] + noise[:, t]
        y = np.rint(1_000 * level * (1.0 + 0.1 * noise.reshape(-1)))
        clusters = unit if units >= 10 else unit * periods + np.tile(np.arange(periods) // 2, units)
        found = cell_effect(UNITS, *sums(UNITS, np.unique(clusters, return_inverse=True)[1], treated, y=y))
        assert isinstance(found, Estimated)
        wrong += found.effect.p_value() < 0.05
    assert 0.01 <= wrong / draws <= 0.08
