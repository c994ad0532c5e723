import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import betaln

from experiments.statistics import confidence
from experiments.statistics import exact_sequences as exact
from experiments.statistics.exact_sequences import SequenceInvalid
from experiments.statistics.one_proportion import wilson
from experiments.statistics.results import UndefinedReason


@pytest.mark.parametrize(
    ("successes", "n", "planned", "lower", "upper"),
    [
        # printed in the unit tests that came with Howard et al. (2021)
        (700, 1000, 100, 0.651629, 0.745949),
        (5, 50, 50, 0.013021, 0.269264),
        (1, 50, 50, 0.0, 0.13489),
        (100, 200, 1, 0.328923, 0.671076),
        (1, 2, 50, 0.0, 1.0),
        (1, 1, 50, 0.0, 1.0),
    ],
)
def test_bernoulli_interval__published_cases__agrees(successes, n, planned, lower, upper):
    found = exact.bernoulli_interval(successes, n, alpha=0.05, planned=planned)
    assert (found.lower, found.upper) == pytest.approx((lower, upper), abs=2e-6)


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 10**7), st.floats(0.0, 1.0), st.floats(1e-4, 0.3), st.floats(1.0, 1e7))
def test_bernoulli_interval__any_counts__holds_the_rate_and_mirrors(n, share, alpha, planned):
    x = round(share * n)
    found = exact.bernoulli_interval(x, n, alpha=alpha, planned=planned)
    mirrored = exact.bernoulli_interval(n - x, n, alpha=alpha, planned=planned)
    assert 0.0 <= found.lower <= x / n <= found.upper <= 1.0
    assert mirrored.lower == pytest.approx(1.0 - found.upper, abs=1e-9)


def test_bernoulli_interval__one_look__is_wider_than_the_fixed_one():
    found, fixed = exact.bernoulli_interval(50, 1000, alpha=0.05, planned=1000), wilson(50, 1000, 1.96)
    assert found.lower < fixed.lower
    assert found.upper > fixed.upper


def test_bernoulli_interval__no_units__has_none():
    assert exact.bernoulli_interval(0, 0, alpha=0.05, planned=10).reason is UndefinedReason.NO_DATA


@pytest.mark.parametrize(
    ("x", "n", "alpha", "planned"), [(3, 2, 0.05, 10), (-1, 2, 0.05, 10), (1, 2, 0.0, 10), (1, 2, 0.05, math.inf)]
)
def test_bernoulli_interval__impossible_figures__are_refused(x, n, alpha, planned):
    with pytest.raises(SequenceInvalid):
        exact.bernoulli_interval(x, n, alpha=alpha, planned=planned)


def test_bernoulli_interval__peeking_at_every_unit__misses_rarely():
    rate, n, alpha, mass = 0.1, 600, 0.1, confidence.approximate_g(0.1, 200.0) - 1.0
    draws = np.random.default_rng(5).random((1_500, n)) < rate
    x, units = draws.cumsum(axis=1), np.arange(1, n + 1)
    log_e = (
        betaln(mass * rate + x, mass * (1.0 - rate) + units - x)
        - betaln(mass * rate, mass * (1.0 - rate))
        - x * math.log(rate)
        - (units - x) * math.log1p(-rate)
    )
    missed = (log_e.max(axis=1) >= -math.log(alpha)).mean()
    assert 0.01 < missed <= alpha + 0.02


@pytest.mark.parametrize(("v", "c"), [(1.0, 1.0), (100.0, 2.0), (1e6, 0.1), (0.0, 1.0)])
def test_gamma_exponential_bound__at_the_bound__the_e_value_is_one_over_alpha(v, c):
    rho = exact.one_sided_rho(0.05, 100.0)
    bound = exact.gamma_exponential_bound(v, alpha=0.05, rho=rho, c=c)
    assert exact.log_e_gamma_exponential(bound, v, rho, c) == pytest.approx(-math.log(0.05), abs=1e-6)


def test_gamma_exponential_bound__tiny_scale__is_the_one_sided_normal_mixture():
    rho = exact.one_sided_rho(0.05, 100.0)
    bound = exact.gamma_exponential_bound(100.0, alpha=0.05, rho=rho, c=1e-3)
    assert bound == pytest.approx(10.0 * confidence.one_sided_mixture(100.0, rho, 0.05), rel=1e-3)


@pytest.mark.parametrize(
    ("v", "alpha", "rho", "c"), [(-1.0, 0.05, 1.0, 1.0), (1.0, 1.0, 1.0, 1.0), (1.0, 0.05, 1.0, 0.0)]
)
def test_gamma_exponential_bound__impossible_figures__are_refused(v, alpha, rho, c):
    with pytest.raises(SequenceInvalid):
        exact.gamma_exponential_bound(v, alpha=alpha, rho=rho, c=c)


def test_bounded_mean_interval__looks_on_the_way__holds_the_mean():
    generator, missed = np.random.default_rng(8), 0
    for _ in range(120):
        values = generator.beta(0.2, 1.8, 1_000)
        looks = (30, 100, 300, 1_000)
        found = [exact.bounded_mean_interval(values[:n], lower=0.0, upper=1.0, alpha=0.1, planned=10.0) for n in looks]
        missed += not all(interval.contains(0.1) for interval in found)
    assert missed <= 12
    assert found[-1].upper - found[-1].lower < 0.1


def test_bounded_mean_interval__constant_values__closes_in_at_the_rate_of_one_over_n():
    found = exact.bounded_mean_interval([1.0] * 1_000, lower=0.0, upper=1.0, alpha=0.05, planned=1.0)
    assert found.upper == 1.0
    assert 0.98 < found.lower < 1.0


@pytest.mark.parametrize("values", [[0.5, 1.5], [-0.1], [math.nan]])
def test_bounded_mean_interval__values_out_of_bounds__are_refused(values):
    with pytest.raises(SequenceInvalid, match="values"):
        exact.bounded_mean_interval(values, lower=0.0, upper=1.0, alpha=0.05, planned=1.0)


def test_bounded_mean_interval__no_values_or_no_range__says_so():
    found = exact.bounded_mean_interval([], lower=0.0, upper=1.0, alpha=0.05, planned=1.0)
    assert found.reason is UndefinedReason.NO_DATA
    with pytest.raises(SequenceInvalid, match="upper"):
        exact.bounded_mean_interval([1.0], lower=1.0, upper=1.0, alpha=0.05, planned=1.0)
