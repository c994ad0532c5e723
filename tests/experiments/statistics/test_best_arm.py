import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from experiments.statistics.arm_posteriors import BetaArm, NormalArm, PosteriorInvalid, beta_arm
from experiments.statistics.best_arm import (
    ArmsInvalid,
    expected_shortfall,
    potential_value_remaining,
    probability_best,
    probability_greater,
    top_two_allocation,
)

BETA = st.builds(BetaArm, st.floats(0.3, 1e6), st.floats(0.3, 1e6))


def test_probability_greater__small_integers__is_the_exact_sum():
    # P(Beta(2, 1) > Beta(1, 1)) = E of Beta(2, 1) = 2/3
    assert probability_greater(BetaArm(2.0, 1.0), BetaArm(1.0, 1.0)) == pytest.approx(2.0 / 3.0, abs=1e-12)


def test_probability_greater__normals__is_the_normal_of_their_difference():
    found = probability_greater(NormalArm(1.0, 3.0), NormalArm(0.0, 4.0))
    assert found == pytest.approx(0.5 * math.erfc(-0.2 / math.sqrt(2.0)), abs=1e-12)


def test_expected_shortfall__uniforms__is_a_sixth():
    assert expected_shortfall(BetaArm(1.0, 1.0), [BetaArm(1.0, 1.0)]) == pytest.approx(1.0 / 6.0, abs=1e-12)


def test_expected_shortfall__far_apart__keeps_its_digits():
    # normals 10 sd of the difference apart: sd phi(10) (1 - 10 Mills(10))
    found = expected_shortfall(NormalArm(10.0, math.sqrt(0.5)), [NormalArm(0.0, math.sqrt(0.5))])
    assert found == pytest.approx(7.474560e-25, rel=1e-4)


def test_expected_shortfall__no_others__is_nothing():
    assert expected_shortfall(BetaArm(3.0, 4.0), []) == 0.0


@pytest.mark.parametrize(
    ("narrow", "wide"), [(beta_arm(10**8, 10**9), beta_arm(1, 10)), (beta_arm(5 * 10**6, 10**9), beta_arm(0, 3))]
)
def test_probability_greater__narrow_beside_wide_arm__is_the_wide_ones_tail(narrow, wide):
    value = narrow.mean
    expected = float(wide.above(np.array([math.log(value / (1.0 - value))]))[0])
    assert probability_greater(wide, narrow) == pytest.approx(expected, abs=1e-6)


@settings(max_examples=40, deadline=None)
@given(st.lists(BETA, min_size=1, max_size=4))
def test_probability_best__any_arms__adds_up_and_losses_match_the_means(arms):
    shares = probability_best(arms)
    assert math.fsum(shares) == pytest.approx(1.0)
    if len(arms) > 1:
        first, second = arms[:2]
        gap = expected_shortfall(first, [second]) - expected_shortfall(second, [first])
        assert gap == pytest.approx(second.mean - first.mean, abs=1e-10)


def test_probability_best__draws__agree():
    arms = [beta_arm(100, 1000), beta_arm(130, 1000), beta_arm(60, 500), beta_arm(3, 20)]
    draws = np.random.default_rng(3).beta([arm.a for arm in arms], [arm.b for arm in arms], size=(200_000, 4))
    drawn = np.bincount(draws.argmax(axis=1), minlength=4) / draws.shape[0]
    assert probability_best(arms) == pytest.approx(tuple(drawn), abs=0.004)
    remaining = (draws.max(axis=1) - draws[:, 1]) / draws[:, 1]
    assert potential_value_remaining(arms, 1) == pytest.approx(float(np.quantile(remaining, 0.95)), rel=0.02)


def test_potential_value_remaining__clear_winner__is_zero():
    assert potential_value_remaining([beta_arm(10, 1000), beta_arm(200, 1000)], 1) == 0.0


def test_potential_value_remaining__hopeless_choice__is_the_ratio_of_the_rates():
    found = potential_value_remaining([beta_arm(10**5, 10**6), beta_arm(2 * 10**5, 10**6)], 0, percentile=0.5)
    assert found == pytest.approx(1.0, abs=1e-3)


def test_top_two_allocation__leader_always__is_thompson_sampling():
    shares = (0.2, 0.5, 0.3)
    assert top_two_allocation(shares, leader=1.0) == pytest.approx(shares)
    assert math.fsum(top_two_allocation(shares)) == pytest.approx(1.0)
    assert top_two_allocation((0.0, 1.0)) == (0.0, 1.0)


@pytest.mark.parametrize("shares", [(), (0.5, 0.6), (-0.1, 1.1), (math.nan, 0.5)])
def test_top_two_allocation__no_probabilities__is_refused(shares):
    with pytest.raises(ArmsInvalid):
        top_two_allocation(shares)


def test_probability_best__no_arms__is_refused():
    with pytest.raises(ArmsInvalid):
        probability_best([])


@pytest.mark.parametrize(("chosen", "percentile"), [(2, 0.95), (-1, 0.95), (0, 0.0), (0, 1.0)])
def test_potential_value_remaining__no_such_arm_or_level__is_refused(chosen, percentile):
    with pytest.raises(ArmsInvalid):
        potential_value_remaining([beta_arm(1, 10), beta_arm(2, 10)], chosen, percentile=percentile)


@pytest.mark.parametrize(("x", "n", "a"), [(5, 4, 1.0), (-1, 4, 1.0), (1, 4, 0.0), (1, 4, math.nan)])
def test_beta_arm__impossible_figures__are_refused(x, n, a):
    with pytest.raises(PosteriorInvalid):
        beta_arm(x, n, prior_a=a)


@pytest.mark.parametrize(("mean", "sd"), [(math.inf, 1.0), (0.0, 0.0), (0.0, math.nan)])
def test_normal_arm__impossible_figures__are_refused(mean, sd):
    with pytest.raises(PosteriorInvalid):
        NormalArm(mean, sd)


def test_beta_arm_interval__uniform__is_the_quantiles():
    found = BetaArm(1.0, 1.0).interval(0.1)
    assert (found.lower, found.upper) == pytest.approx((0.05, 0.95))
