import numpy as np
import pytest

from experiments.statistics.quantile_bootstrap import (
    clustered_replicates,
    difference_interval,
    lift_interval,
    replicates,
)
from experiments.statistics.results import Undefined, UndefinedReason, ends
from experiments.statistics.rows import RowsInvalid


def test_replicates__beta_shortcut__has_the_distribution_of_resampling():
    values, rng = np.arange(1.0, 12.0), np.random.default_rng(1)
    quick = replicates(values, 0.5, rng, draws=40_000)
    slow = np.sort(rng.choice(values, (40_000, 11)), axis=1)[:, 5]
    for value in (4.0, 5.0, 6.0, 7.0, 8.0):
        assert np.mean(quick <= value) == pytest.approx(np.mean(slow <= value), abs=0.012)


def test_clustered_replicates__units_of_one_value__spread_like_independent_values():
    values, rng = np.random.default_rng(2).normal(size=300), np.random.default_rng(3)
    clustered = clustered_replicates(values, np.arange(300), 0.5, rng)
    assert clustered.std() == pytest.approx(replicates(values, 0.5, rng).std(), rel=0.15)


def test_clustered_replicates__whole_units__spread_wider():
    rng = np.random.default_rng(4)
    values, owner = np.repeat(rng.normal(size=60), 20) + rng.normal(0.0, 0.1, 1200), np.repeat(np.arange(60), 20)
    assert clustered_replicates(values, owner, 0.5, rng).std() > 2.5 * replicates(values, 0.5, rng).std()


def test_difference_interval__prices_with_atoms__covers():
    rng = np.random.default_rng(5)
    covered = 0
    for _ in range(300):
        arms = rng.choice([5.0, 9.99, 19.99, 49.0], (2, 400), p=[0.2, 0.35, 0.25, 0.2])
        control, treatment = (replicates(arm, 0.5, rng, draws=500) for arm in arms)
        covered += difference_interval(control, treatment, 0.95).contains(0.0)
    assert covered / 300 >= 0.94


def test_intervals__same_seed__are_the_same():
    values = np.random.default_rng(6).exponential(1.0, (2, 200))
    found = []
    for _ in range(2):
        control, treatment = (replicates(arm, 0.9, np.random.default_rng(7), draws=200) for arm in values)
        found.append(lift_interval(control, treatment, 0.9))
    assert ends(found[0]) == ends(found[1])


def test_intervals__without_replicates__say_why():
    rng = np.random.default_rng(8)
    good, empty = replicates([1.0, 2.0, 3.0], 0.5, rng), replicates([], 0.5, rng)
    one = clustered_replicates([1.0, 2.0], ["a", "a"], 0.5, rng)
    assert empty == Undefined(UndefinedReason.NO_DATA)
    assert one == Undefined(UndefinedReason.TOO_FEW_UNITS)
    assert difference_interval(empty, good, 0.95).reason is UndefinedReason.NO_DATA
    assert lift_interval(good, one, 0.95).reason is UndefinedReason.TOO_FEW_UNITS
    assert lift_interval(good - 3.0, good, 0.95).reason is UndefinedReason.NEGATIVE_CONTROL
    assert lift_interval(good * 0.0, good, 0.95).reason is UndefinedReason.ZERO_CONTROL


def test_replicates__values_that_are_not_finite_or_no_draws__are_refused():
    rng = np.random.default_rng(9)
    with pytest.raises(RowsInvalid):
        replicates([1.0, np.nan], 0.5, rng)
    with pytest.raises(RowsInvalid):
        difference_interval(np.zeros(0), np.zeros(0), 0.95)
