"""Drawing the arms of cells again: against all orders counted, how often it errs, and where it says nothing."""

from dataclasses import replace
from itertools import product

import numpy as np
import pytest

from experiments.statistics.cell_totals import cell_totals
from experiments.statistics.clusters import ClusterTotals, cr2
from experiments.statistics.pair import Pair
from experiments.statistics.period_randomisation import DrawnCells, period_test
from experiments.statistics.randomisation import RandomisationTest
from experiments.statistics.results import Undefined, UndefinedReason
from experiments.statistics.rows import RowsInvalid


def cells(rng: np.random.Generator, units: int, periods: int, *, effect: float = 0.0) -> DrawnCells:
    """Return cells in balanced blocks of two, of units whose levels differ, in periods that resemble each other."""
    first = rng.integers(0, 2, (units, periods // 2))
    treated = np.stack([first, 1 - first], axis=2).reshape(units, periods).astype(bool)
    unit, period = np.indices((units, periods))
    y = rng.normal(0.0, 3.0, (units, 1)) + rng.normal(0.0, 1.0, (1, periods)) + rng.normal(size=(units, periods))
    blocks = unit * (periods // 2) + period // 2
    return DrawnCells(treated.ravel(), blocks.ravel(), unit.ravel(), (y + effect * treated).ravel())


def statistic(given: DrawnCells, treated: np.ndarray) -> float:
    arms = tuple(np.bincount(given.clusters, weights=side.astype(float)) for side in (~treated, treated))
    sums = tuple(np.bincount(given.clusters, weights=given.above * side) for side in (~treated, treated))
    totals = cell_totals(arms, sums)
    assert isinstance(totals, ClusterTotals)
    pair = cr2(totals)
    assert isinstance(pair, Pair)
    return abs(pair.statistic)


def test_period_test__all_orders_counted__is_near_their_share():
    given = cells(np.random.default_rng(3), 11, 2, effect=0.8)
    seen = statistic(given, given.treated)
    every = [given.treated ^ np.repeat(flips, 2) for flips in product([False, True], repeat=11)]
    exact = float(np.mean([statistic(given, arms) >= seen * (1 - 1e-9) for arms in every]))
    found = period_test(given, np.random.default_rng(4), draws=1_999)
    assert isinstance(found, RandomisationTest)
    assert found.p_value == pytest.approx(exact, abs=4.0 * (exact * (1 - exact) / 1_999) ** 0.5 + 1e-3)
    assert found.estimate == pytest.approx(given.above[given.treated].mean() - given.above[~given.treated].mean())


def test_period_test__no_effect__errs_as_often_as_it_says():
    rng = np.random.default_rng(5)
    found = [period_test(cells(rng, 12, 4), rng, draws=99) for _ in range(200)]
    rejected = sum(isinstance(each, RandomisationTest) and each.p_value <= 0.05 for each in found)
    assert 2 <= rejected <= 21  # 10 are expected; outside with probability below .001


def test_period_test__large_effect__is_as_extreme_as_can_be():
    given = cells(np.random.default_rng(6), 12, 6, effect=5.0)
    found = period_test(given, np.random.default_rng(7))
    assert isinstance(found, RandomisationTest)
    assert (found.p_value, found.assignments) == (1 / 1000, 999)


def test_period_test__same_seed__is_the_same():
    given = cells(np.random.default_rng(8), 12, 4, effect=0.5)
    assert period_test(given, np.random.default_rng(1)) == period_test(given, np.random.default_rng(1))


def test_period_test__ratio_of_equal_parts__does_not_vary():
    given = cells(np.random.default_rng(9), 12, 4)
    above = np.abs(given.above) + 1.0
    ratio = DrawnCells(given.treated, given.strata, given.clusters, above, above)
    assert period_test(ratio, np.random.default_rng(1)) == Undefined(UndefinedReason.NO_VARIANCE)


def test_period_test__arms_that_hardly_change_places__say_nothing():
    given = cells(np.random.default_rng(10), 12, 2)
    alone = DrawnCells(given.treated, np.arange(24), given.clusters, given.above)
    assert period_test(alone, np.random.default_rng(1)) == Undefined(UndefinedReason.TOO_FEW_UNITS)


@pytest.mark.parametrize("field", ["treated", "strata", "clusters", "below"])
def test_drawn_cells__column_of_another_length__is_refused_by_name(field):
    given = cells(np.random.default_rng(11), 12, 2)
    with pytest.raises(RowsInvalid, match=f"{field}: "):
        replace(given, **{field: np.zeros(3, dtype=np.intp)})


def test_drawn_cells__value_that_is_not_finite__is_refused_by_name():
    given = cells(np.random.default_rng(12), 12, 2)
    with pytest.raises(RowsInvalid, match="above: "):
        replace(given, above=np.full(24, np.inf))


def test_period_test__no_draws__is_refused():
    with pytest.raises(RowsInvalid, match="draws: "):
        period_test(cells(np.random.default_rng(13), 12, 4), np.random.default_rng(1), draws=0)


def test_period_test__names_of_clusters_and_strata__do_not_matter():
    given = cells(np.random.default_rng(14), 12, 4, effect=0.5)
    named = replace(given, strata=given.strata - 7, clusters=given.clusters * 10**15)
    assert period_test(given, np.random.default_rng(1)) == period_test(named, np.random.default_rng(1))
