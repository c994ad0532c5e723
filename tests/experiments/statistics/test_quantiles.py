import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom

from experiments.statistics.lift import fieller
from experiments.statistics.means import checked
from experiments.statistics.pair import Pair, difference_interval, p_value
from experiments.statistics.quantiles import (
    OUTER_Z,
    QuantileArm,
    exact_interval,
    exact_ranks,
    outer_ranks,
    quantile_arm,
    quantile_estimate,
    quantile_pair,
)
from experiments.statistics.results import IntervalStatus, Undefined, UndefinedReason, ends
from experiments.statistics.rows import RowsInvalid


def test_outer_ranks__hundred_values_at_the_median__are_forty_and_sixty():
    assert outer_ranks(100, 0.5) == (40, 60)


@pytest.mark.parametrize(("n", "nu"), [(34, 0.9), (3, 0.5), (380, 0.99), (34, 0.1)])
def test_outer_ranks__too_few_values_beyond_the_quantile__do_not_exist(n, nu):
    assert outer_ranks(n, nu) == Undefined(UndefinedReason.TOO_FEW_UNITS)


def test_quantile_arm__one_to_hundred__is_read_off():
    arm = quantile_arm(np.arange(100, 0, -1), 0.5)
    assert arm == QuantileArm(100, 50.5, 40.0, 60.0)
    estimate = quantile_estimate(arm)
    assert not isinstance(estimate, Undefined)
    assert math.sqrt(estimate.variance) == pytest.approx(20.0 / (2.0 * 1.959963984540054))


@pytest.mark.parametrize(
    ("values", "reason"),
    [([], UndefinedReason.NO_DATA), ([1.0], UndefinedReason.TOO_FEW_UNITS), ([2.0] * 100, UndefinedReason.NO_VARIANCE)],
)
def test_quantile_pair__arm_without_an_error__is_undefined(values, reason):
    good = quantile_arm(np.arange(100.0), 0.5)
    bad = quantile_arm(values, 0.5)
    assert quantile_pair(bad, good) == Undefined(reason)
    assert quantile_pair(good, bad) == Undefined(reason)


def test_quantile_arm__not_finite_or_no_quantile__is_refused():
    with pytest.raises(RowsInvalid):
        quantile_arm([1.0, math.inf], 0.5)
    with pytest.raises(RowsInvalid):
        quantile_arm([1.0, 2.0], 1.0)


@pytest.mark.parametrize("unit", [1e-12, 1.0, 1e15])
def test_quantile_pair__another_unit__changes_neither_p_nor_lift(unit):
    rng = np.random.default_rng(3)
    seconds = rng.exponential(1.0, (2, 2000))
    found, scaled = (quantile_pair(*(quantile_arm(arm, 0.9) for arm in values)) for values in (seconds, seconds * unit))
    assert isinstance(found, Pair)
    assert isinstance(checked(scaled), Pair)
    assert p_value(scaled) == pytest.approx(p_value(found), rel=1e-6)
    assert ends(fieller(scaled, OUTER_Z)) == pytest.approx(ends(fieller(found, OUTER_Z)), rel=1e-6)


@pytest.mark.parametrize("nu", [0.5, 0.95])
def test_difference_interval__equal_skewed_arms__covers_no_difference(nu):
    rng = np.random.default_rng(7)
    covered = 0
    for values in rng.lognormal(0.0, 1.2, (1000, 2, 600)):
        pair = quantile_pair(*(quantile_arm(arm, nu) for arm in values))
        assert isinstance(pair, Pair)
        covered += difference_interval(pair, OUTER_Z).contains(0.0)
    assert 0.935 <= covered / 1000 <= 0.985


@settings(deadline=None)
@given(st.integers(1, 400), st.floats(0.01, 0.99), st.floats(0.5, 0.999))
def test_exact_ranks__any_size__are_the_binomial_quantiles(n, nu, level):
    lower, upper = exact_ranks(n, nu, level)
    tail = (1.0 - level) / 2.0
    if lower is not None:
        assert binom.cdf(lower - 1, n, nu) <= tail * (1 + 1e-9) < binom.cdf(lower, n, nu) * (1 + 1e-6)
    else:
        assert binom.cdf(0, n, nu) > tail * (1 - 1e-9)
    if upper is not None:
        assert binom.sf(upper - 1, n, nu) <= tail * (1 + 1e-9)
        assert upper == 1 or binom.sf(upper - 2, n, nu) > tail * (1 - 1e-9)
    else:
        assert binom.sf(n - 1, n, nu) > tail * (1 - 1e-9)


def test_exact_interval__few_values__has_only_the_ends_that_exist():
    assert exact_interval([], 0.5, 0.95).reason is UndefinedReason.NO_DATA
    one = exact_interval([3.0], 0.5, 0.95)
    assert (one.status, one.lower, one.upper) == (IntervalStatus.UNBOUNDED, None, None)
    high = exact_interval(np.arange(1.0, 21.0), 0.9, 0.95)
    assert (high.lower, high.upper, high.reason) == (15.0, None, UndefinedReason.TOO_FEW_UNITS)


def test_exact_interval__atoms__still_covers():
    rng = np.random.default_rng(11)
    covered = [exact_interval(values, 0.5, 0.95).contains(2.0) for values in rng.poisson(2.0, (500, 40)).astype(float)]
    assert np.mean(covered) >= 0.94
