import numpy as np
import pytest

from experiments.statistics.means import checked
from experiments.statistics.pair import Pair, p_value
from experiments.statistics.quantile_clusters import (
    below_counts,
    clustered_estimate,
    clustered_pair,
    clustered_quantile,
    design_effect,
)
from experiments.statistics.quantiles import quantile_arm, quantile_estimate, quantile_pair
from experiments.statistics.results import Undefined, UndefinedReason
from experiments.statistics.rows import RowsInvalid


def visits(rng, units, spread):
    """Return load times and their units: some have many, and each has a speed of its own."""
    counts = 1 + rng.poisson(4.0, units)
    owner = np.repeat(np.arange(units), counts)
    speed = np.repeat(rng.normal(0.0, spread, units), counts)
    return np.exp(speed + rng.normal(0.0, 0.5, owner.size)), owner


def test_below_counts__three_units__are_counted_per_unit():
    counts = below_counts([1.0, 5.0, 2.0, 2.0, 9.0], ["a", "a", "b", "b", "c"], 2.0)
    assert counts.n == 3
    assert counts.mean_of("y") == pytest.approx(1.0)
    assert counts.mean_of("d") == pytest.approx(5.0 / 3.0)
    assert counts.covariance("y", "d") == pytest.approx(np.cov([1, 2, 0], [2, 2, 1])[0, 1])


def test_design_effect__one_value_per_unit__is_one():
    rng = np.random.default_rng(1)
    values = rng.exponential(1.0, 1000)
    arm = quantile_arm(values, 0.9)
    assert design_effect(below_counts(values, np.arange(1000), arm.quantile), 0.9) == pytest.approx(1.0, abs=2e-3)


def test_design_effect__each_value_ten_times__is_ten():
    rng = np.random.default_rng(2)
    values, owner = np.repeat(rng.exponential(1.0, 500), 10), np.repeat(np.arange(500), 10)
    arm = quantile_arm(values, 0.5)
    assert design_effect(below_counts(values, owner, arm.quantile), 0.5) == pytest.approx(10.0, rel=0.01)


def test_clustered_test__users_with_a_speed_of_their_own__keeps_its_size_where_the_plain_one_does_not():
    rng = np.random.default_rng(3)
    rejected = naive = 0
    for _ in range(400):
        arms = [visits(rng, 150, 0.8) for _ in range(2)]
        pair = checked(clustered_pair(*(clustered_quantile(values, owner, 0.9) for values, owner in arms)))
        assert isinstance(pair, Pair)
        rejected += p_value(pair) < 0.05
        naive += p_value(quantile_pair(*(quantile_arm(values, 0.9) for values, _ in arms))) < 0.05
    assert rejected / 400 <= 0.08
    assert naive / 400 >= 0.12


def test_clustered_quantile__what_cannot_be_estimated__is_undefined():
    few = clustered_quantile(np.arange(200.0), np.minimum(np.arange(200) // 3, 49), 0.5)
    assert few == Undefined(UndefinedReason.TOO_FEW_UNITS)
    assert clustered_quantile([], [], 0.5) == Undefined(UndefinedReason.NO_DATA)
    tied = clustered_quantile(np.ones(400), np.arange(400) % 200, 0.5)
    assert tied == Undefined(UndefinedReason.NO_VARIANCE)
    good = clustered_quantile(np.random.default_rng(5).normal(size=400), np.arange(400) % 200, 0.5)
    assert clustered_pair(few, good) == few
    assert clustered_pair(good, few) == few


def test_design_effect__every_unit_half_below__has_no_variance():
    values, owner = np.tile([1.0, 3.0], 150), np.repeat(np.arange(150), 2)
    assert design_effect(below_counts(values, owner, 2.0), 0.5) == Undefined(UndefinedReason.NO_VARIANCE)


def test_clustered_estimate__counts_units_and_multiplies_the_plain_variance():
    rng = np.random.default_rng(4)
    values, owner = visits(rng, 200, 0.8)
    arm = quantile_arm(values, 0.9)
    counts = below_counts(values, owner, arm.quantile)
    found, plain = clustered_estimate(arm, counts, 0.9), quantile_estimate(arm)
    assert found.n == 200
    assert found.variance == pytest.approx(plain.variance * design_effect(counts, 0.9))


def test_below_counts__columns_of_different_length__are_refused():
    with pytest.raises(RowsInvalid):
        below_counts([1.0, 2.0], ["a"], 1.0)
