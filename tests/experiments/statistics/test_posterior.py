import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments.statistics.pair import ArmEstimate, Pair
from experiments.statistics.posterior import (
    DEFAULT_PRIOR,
    NormalPosterior,
    NormalPrior,
    PriorInvalid,
    lift_likelihood,
    posterior,
)
from experiments.statistics.results import Undefined, UndefinedReason

FIGURE = st.floats(-1e6, 1e6)
POSITIVE = st.floats(1e-6, 1e6)


def test_posterior__equal_precision__lies_half_way():
    found = posterior(0.1, 0.05, NormalPrior(0.0, 0.0025))
    assert (found.mean, found.weight) == pytest.approx((0.05, 0.5))
    assert found.sd == pytest.approx(0.05 / math.sqrt(2.0))
    # Phi(sqrt 2) and the interval 0.05 +- 1.96 0.0353553
    assert found.chance_above_zero == pytest.approx(0.9213503965)
    assert (found.interval(0.05).lower, found.interval(0.05).upper) == pytest.approx((-0.0192951, 0.1192951), abs=1e-7)


def test_posterior__flat_prior__is_the_likelihood():
    assert posterior(3.0, 2.0, None) == NormalPosterior(3.0, 2.0, 1.0)


def test_posterior__certain_prior__ignores_the_estimate():
    found = posterior(3.0, 2.0, NormalPrior(1.0, 0.0))
    assert (found.mean, found.sd, found.weight) == (1.0, 0.0, 0.0)
    assert (found.chance_above_zero, found.expected_gain, found.expected_loss) == (1.0, 1.0, 0.0)


@pytest.mark.parametrize(
    ("estimate", "se", "reason"),
    [
        (0.1, 0.0, UndefinedReason.NO_VARIANCE),
        (math.nan, 1.0, UndefinedReason.OVERFLOW),
        (0.1, math.inf, UndefinedReason.OVERFLOW),
    ],
)
def test_posterior__no_likelihood__says_why(estimate, se, reason):
    assert posterior(estimate, se, DEFAULT_PRIOR) == Undefined(reason)


@pytest.mark.parametrize(("mean", "variance"), [(math.nan, 1.0), (0.0, -1e-9), (0.0, math.inf), (0.0, math.nan)])
def test_normal_prior__figures_that_are_none__are_refused(mean, variance):
    with pytest.raises(PriorInvalid) as caught:
        NormalPrior(mean, variance)
    assert caught.value.code == "PRIOR_INVALID"


@given(FIGURE, POSITIVE, FIGURE, POSITIVE)
def test_posterior__any__lies_between_prior_and_estimate_and_is_surer_than_both(estimate, se, mean, spread):
    found = posterior(estimate, se, NormalPrior(mean, spread * spread))
    slack = 1e-9 * (1.0 + abs(estimate) + abs(mean))
    assert min(estimate, mean) - slack <= found.mean <= max(estimate, mean) + slack
    assert found.sd <= min(se, spread) * (1.0 + 1e-12)


@given(FIGURE, POSITIVE)
def test_normal_posterior__gain_less_loss__is_the_mean_and_neither_is_negative(mean, sd):
    found = NormalPosterior(mean, sd, 1.0)
    assert found.expected_gain >= 0.0
    assert found.expected_loss >= 0.0
    assert found.expected_gain - found.expected_loss == pytest.approx(mean, rel=1e-9, abs=1e-12 * sd)


def test_normal_posterior__far_from_zero__keeps_the_digits_of_a_small_risk():
    # E[max(X, 0)] for N(-10, 1): phi(10) (1 - 10 Mills(10)) = phi(10) (1/100 - 3/10^4 + 15/10^6 - ...)
    found = NormalPosterior(-10.0, 1.0, 1.0)
    assert found.expected_gain == pytest.approx(7.474560e-25, rel=1e-6)


def test_on_absolute_scale__negative_control__keeps_the_variance_positive():
    assert NormalPrior(0.1, 0.04).on_absolute_scale(-5.0) == NormalPrior(0.5, 1.0)


def test_lift_likelihood__covariance__is_the_delta_method():
    pair = Pair(ArmEstimate(100, 2.0, 0.04), ArmEstimate(100, 3.0, 0.09), covariance=0.01)
    # SE^2 is 0.09 + 2.25 times 0.04, less 3 times 0.01, over 4
    assert lift_likelihood(pair) == pytest.approx((0.5, math.sqrt(0.0375)))


@pytest.mark.parametrize(
    ("control", "reason"), [(0.0, UndefinedReason.ZERO_CONTROL), (-1.0, UndefinedReason.NEGATIVE_CONTROL)]
)
def test_lift_likelihood__control_without_a_lift__says_why(control, reason):
    pair = Pair(ArmEstimate(10, control, 0.1), ArmEstimate(10, 1.0, 0.1))
    assert lift_likelihood(pair) == Undefined(reason)


def test_lift_likelihood__no_variance__says_so():
    pair = Pair(ArmEstimate(10, 1.0, 0.0), ArmEstimate(10, 1.0, 0.0))
    assert lift_likelihood(pair) == Undefined(UndefinedReason.NO_VARIANCE)


def test_posterior__effects_drawn_from_the_prior__says_how_often_they_are_positive():
    generator = np.random.default_rng(7)
    effects = generator.normal(0.0, 0.05, 20_000)
    estimates = effects + generator.normal(0.0, 0.03, effects.size)
    chances = np.array([posterior(x, 0.03, DEFAULT_PRIOR).chance_above_zero for x in estimates])
    sure = chances > 0.9
    assert (effects[sure] > 0.0).mean() == pytest.approx(chances[sure].mean(), abs=0.01)
