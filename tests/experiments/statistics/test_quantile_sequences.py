import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import betabinom, binom

from experiments.statistics.confidence import always_valid_p
from experiments.statistics.quantile_sequences import Mixture, difference_sequence, log_e_value, quantile_sequence
from experiments.statistics.results import IntervalStatus, UndefinedReason, ends
from experiments.statistics.rows import RowsInvalid

MEDIAN = Mixture.tuned(0.5, 200)


@pytest.mark.parametrize("nu", [0.1, 0.5, 0.95])
def test_mixture__e_values__are_beta_binomial_over_binomial_and_have_mean_one(nu):
    mixture = Mixture.tuned(nu, 100)
    k = np.arange(51.0)
    expected = betabinom.logpmf(k, 50, mixture.below, mixture.above) - binom.logpmf(k, 50, nu)
    assert mixture.log_e(k, 50) == pytest.approx(expected, abs=1e-9)
    assert binom.pmf(k, 50, nu) @ np.exp(mixture.log_e(k, 50)) == pytest.approx(1.0)
    assert mixture.log_e(np.array([mixture.flattest(50)]), 50)[0] <= mixture.log_e(k, 50).min()


@settings(deadline=None)
@given(
    st.lists(st.integers(0, 12), min_size=1, max_size=30),
    st.lists(st.integers(0, 12), min_size=1, max_size=30),
    st.sampled_from([0.25, 0.5, 0.9]),
)
def test_log_e_value__any_two_arms__is_the_least_over_every_value(control, treatment, nu):
    mixture = Mixture.tuned(nu, 20)
    found = log_e_value(control, treatment, mixture)
    least = math.inf
    for x in np.arange(-1.0, 14.0, 0.5):
        total = 0.0
        for arm in (np.array(control), np.array(treatment)):
            below, up_to = (arm < x).sum(), (arm <= x).sum()
            total += float(mixture.log_e(np.clip(mixture.flattest(arm.size), below, up_to), arm.size))
        least = min(least, total)
    assert found == pytest.approx(least, abs=1e-9)
    assert log_e_value(treatment, control, mixture) == pytest.approx(found, abs=1e-9)


def test_p_value__equal_heavy_tailed_arms_watched_often__hardly_ever_alarms():
    rng = np.random.default_rng(1)
    alarms = 0
    for values in rng.standard_t(1.5, (300, 2, 400)):
        looks = (log_e_value(values[0, :n], values[1, :n], MEDIAN) for n in range(20, 401, 20))
        alarms += always_valid_p(max(looks)) <= 0.05
    assert alarms / 300 <= 0.05


def test_quantile_sequence__growing_sample__narrows_about_the_quantile():
    rng = np.random.default_rng(2)
    values = rng.exponential(1.0, 4000)
    mixture = Mixture.tuned(0.9, 1000)
    widths = []
    for n in (200, 1000, 4000):
        found = quantile_sequence(values[:n], mixture, 0.05)
        assert found.contains(-math.log(0.1))
        widths.append(ends(found)[1] - ends(found)[0])
    assert widths == sorted(widths, reverse=True)


def test_quantile_sequence__its_ends__are_where_the_evidence_passes_the_limit():
    values = np.arange(1.0, 201.0)
    lower, upper = ends(quantile_sequence(values, MEDIAN, 0.05))
    limit = -math.log(0.05)
    assert MEDIAN.log_e(np.array([lower, lower - 1]), 200) == pytest.approx([limit, limit], abs=0.3)
    assert MEDIAN.log_e(np.array(lower), 200) <= limit < MEDIAN.log_e(np.array(lower - 1), 200)
    assert lower - 1 == 200 - upper


def test_difference_sequence__agrees_with_the_p_value_and_moves_with_the_shift():
    rng = np.random.default_rng(3)
    control, treatment = rng.normal(size=300), rng.normal(1.0, 1.0, 300)
    lower, upper = ends(difference_sequence(control, treatment, MEDIAN, 0.05))
    assert lower < 1.0 < upper
    assert lower > 0.0
    assert always_valid_p(log_e_value(control, treatment, MEDIAN)) < 0.05
    for shift, expected in ((lower - 0.02, True), (lower + 0.02, False), (upper - 0.02, False), (upper + 0.02, True)):
        assert (log_e_value(control + shift, treatment, MEDIAN) > -math.log(0.05)) is expected
    moved = ends(difference_sequence(control, treatment + 1e6, MEDIAN, 0.05))
    assert moved == pytest.approx((lower + 1e6, upper + 1e6), abs=1e-6)


def test_sequences__little_data__have_no_ends_yet():
    few = quantile_sequence([1.0, 2.0, 3.0], MEDIAN, 0.05)
    assert (few.status, few.lower, few.upper) == (IntervalStatus.UNBOUNDED, None, None)
    both = difference_sequence([1.0], [5.0], MEDIAN, 0.05)
    assert (both.status, both.reason) == (IntervalStatus.UNBOUNDED, UndefinedReason.TOO_FEW_UNITS)
    assert quantile_sequence([], MEDIAN, 0.05).reason is UndefinedReason.NO_DATA
    assert difference_sequence([], [1.0], MEDIAN, 0.05).reason is UndefinedReason.NO_DATA
    assert log_e_value([], [1.0], MEDIAN) == 0.0


def test_sequences__one_value_only__stay_with_it():
    same = np.full(500, 7.0)
    assert ends(quantile_sequence(same, MEDIAN, 0.05)) == (7.0, 7.0)
    assert ends(difference_sequence(same, same + 2.0, MEDIAN, 0.05)) == pytest.approx((2.0, 2.0), abs=1e-9)
    assert log_e_value(same, same, MEDIAN) < 0.0


def test_sequences__bad_input__is_refused():
    with pytest.raises(RowsInvalid):
        log_e_value([np.nan], [1.0], MEDIAN)
    with pytest.raises(RowsInvalid):
        Mixture.tuned(1.0, 100)
    with pytest.raises(RowsInvalid):
        quantile_sequence([1.0], MEDIAN, 0.0)
