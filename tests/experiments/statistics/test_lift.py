import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments.statistics.lift import fieller, lift, log_interval
from experiments.statistics.pair import ArmEstimate, Pair
from experiments.statistics.results import Interval, IntervalStatus, Undefined, UndefinedReason, ends

POSITIVE = st.floats(0.01, 1e6)


def pair_of(m_c: float, m_t: float, v_c: float, v_t: float, covariance: float = 0.0) -> Pair:
    return Pair(ArmEstimate(100, m_c, v_c), ArmEstimate(100, m_t, v_t), covariance)


def test_fieller__known_arms__is_the_closed_form():
    lower, upper = ends(fieller(pair_of(10.0, 11.0, 0.04, 0.05), 2.0))
    a, b, c = 100.0 - 4 * 0.04, -2.0 * 110.0, 121.0 - 4 * 0.05
    root = math.sqrt(b * b - 4 * a * c)
    assert lower == pytest.approx((-b - root) / (2 * a) - 1.0, rel=1e-12)
    assert upper == pytest.approx((-b + root) / (2 * a) - 1.0, rel=1e-12)


@given(POSITIVE, POSITIVE, st.floats(1e-4, 0.2), st.floats(1e-4, 0.2), st.floats(-0.9, 0.9), st.floats(0.5, 6.0))
def test_fieller__any_multiplier__excludes_no_lift_exactly_when_the_absolute_test_does(m_c, m_t, cv_c, cv_t, rho, q):
    v_c, v_t = (cv_c * m_c) ** 2, (cv_t * m_t) ** 2
    pair = pair_of(m_c, m_t, v_c, v_t, rho * math.sqrt(v_c * v_t))
    found = fieller(pair, q)
    if found.status is not IntervalStatus.BOUNDED or abs(abs(pair.statistic) - q) < 1e-6:
        return
    lower, upper = ends(found)
    assert (lower <= 0.0 <= upper) is (abs(pair.statistic) <= q)


@given(POSITIVE, POSITIVE, st.floats(1e-4, 0.1), st.floats(1e-4, 0.1), st.floats(0.5, 3.0))
def test_fieller__bounded__contains_the_point_and_grows_with_the_multiplier(m_c, m_t, cv_c, cv_t, q):
    pair = pair_of(m_c, m_t, (cv_c * m_c) ** 2, (cv_t * m_t) ** 2)
    point = lift(pair)
    inner, outer = ends(fieller(pair, q)), ends(fieller(pair, 1.5 * q))
    assert not isinstance(point, Undefined)
    assert outer[0] < inner[0] <= point <= inner[1] < outer[1]


def test_fieller__noisy_control__is_unbounded_and_no_other_formula():
    found = fieller(pair_of(0.1, 0.15, 0.0036, 0.004), 1.96)
    assert found == Interval(IntervalStatus.UNBOUNDED, None, None, UndefinedReason.CONTROL_TOO_NOISY)


@pytest.mark.parametrize(
    ("control", "reason"), [(0.0, UndefinedReason.ZERO_CONTROL), (-2.0, UndefinedReason.NEGATIVE_CONTROL)]
)
def test_lift__control_not_positive__has_no_value_and_no_interval(control, reason):
    pair = pair_of(control, 1.0, 0.1, 0.1)
    assert lift(pair) == Undefined(reason)
    assert fieller(pair, 1.96) == Interval(IntervalStatus.UNDEFINED, None, None, reason)


def test_fieller__perfectly_correlated_arms__has_no_width():
    lower, upper = ends(fieller(pair_of(10.0, 20.0, 1.0, 4.0, 2.0), 1.96))
    assert upper - lower == pytest.approx(0.0, abs=1e-6)


def test_log_interval__zero_treatment__is_undefined():
    assert log_interval(pair_of(1.0, 0.0, 0.1, 0.1), 1.96).status is IntervalStatus.UNDEFINED
