import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from experiments.analysis.scorecard import Estimator
from experiments.analysis.summaries import SummaryInvalid, compare, conversions, values
from experiments.statistics.distributions import normal_isf
from experiments.statistics.means import restricted, welch
from experiments.statistics.multiplicity import holm
from experiments.statistics.pair import p_value
from experiments.statistics.proportions import Counts, conversion_p, lift_interval
from experiments.statistics.results import IntervalStatus, UndefinedReason
from experiments.vocabulary import MetricKind
from tests.experiments.statistics.units import sample

CONVERSION, SUM = MetricKind.CONVERSION, MetricKind.SUM


def test_compare__conversions__is_the_score_test_with_its_intervals():
    (found,) = compare(CONVERSION, conversions(10_000, 400), [conversions(10_000, 460)])
    counts = Counts(10_000, 400, 10_000, 460)
    assert found.estimator is Estimator.SCORE
    assert found.p_value == found.p_adjusted == conversion_p(counts)
    assert found.lift == pytest.approx(0.15)
    assert found.lift_interval == lift_interval(counts, normal_isf(0.025))
    assert (found.control, found.treatment) == (0.04, 0.046)
    assert found.difference == pytest.approx(0.006)
    assert found.interval.lower > 0.0


def test_compare__few_conversions__is_exact():
    (found,) = compare(CONVERSION, conversions(100, 2), [conversions(100, 6)])
    assert found.estimator is Estimator.BOSCHLOO


def test_compare__means__are_those_of_the_unit_rows():
    generator = np.random.default_rng(2)
    left, right = generator.gamma(2.0, 3.0, 900), generator.gamma(2.0, 3.3, 800)
    arms = [values(x.size, float(x.mean()), float(x.std(ddof=1))) for x in (left, right)]
    (found,) = compare(SUM, arms[0], [arms[1]])
    assert found.estimator is Estimator.WELCH
    assert found.p_value == pytest.approx(p_value(welch(sample(left), sample(right))))


def test_compare__few_buyers__uses_the_larger_error():
    control, treatment = values(5_000, 1.0, 20.0, nonzero=150), values(5_000, 1.4, 24.0, nonzero=160)
    (found,) = compare(SUM, control, [treatment])
    (unknown,) = compare(SUM, values(5_000, 1.0, 20.0), [values(5_000, 1.4, 24.0)])
    assert found.estimator is Estimator.WELCH_NULL_RESTRICTED
    assert found.se == pytest.approx(restricted(welch(control, treatment), control, treatment).se)
    assert found.p_value >= unknown.p_value


def test_compare__several_treatments__are_corrected_together():
    control, treatments = conversions(10_000, 400), [conversions(10_000, x) for x in (450, 460, 401)]
    found = compare(CONVERSION, control, treatments)
    assert [each.p_adjusted for each in found] == holm([each.p_value for each in found])


@pytest.mark.parametrize(
    ("kind", "control", "treatment", "reason"),
    [
        (CONVERSION, (0, 0), (10, 1), UndefinedReason.NO_DATA),
        (CONVERSION, (1, 1), (10, 1), UndefinedReason.TOO_FEW_UNITS),
        (CONVERSION, (50, 0), (50, 0), UndefinedReason.NO_VARIANCE),
        (CONVERSION, (50, 50), (50, 50), UndefinedReason.NO_VARIANCE),
        (SUM, (500, 1.0, 0.0), (500, 2.0, 0.0), UndefinedReason.NO_VARIANCE),
        (SUM, (50, 1e308, 1.0), (50, -1e308, 1.0), UndefinedReason.OVERFLOW),
    ],
)
def test_compare__nothing_to_compare__says_why(kind, control, treatment, reason):
    build = conversions if kind is CONVERSION else values
    good = conversions(100, 50) if kind is CONVERSION else values(100, 1.0, 1.0)
    broken, fine = compare(kind, build(*control), [build(*treatment), good])
    assert broken.reason is reason
    assert (broken.p_value, broken.p_adjusted, broken.lift, broken.difference) == (None, None, None, None)
    assert broken.interval.status is IntervalStatus.UNDEFINED
    if fine.reason is None:
        assert fine.p_adjusted == fine.p_value


def test_compare__control_at_zero__has_a_difference_and_no_lift():
    (found,) = compare(SUM, values(500, 0.0, 1.0), [values(500, 0.5, 1.0)])
    assert found.difference == 0.5
    assert found.lift is None
    assert found.lift_interval.reason is UndefinedReason.ZERO_CONTROL


@pytest.mark.parametrize(
    ("call", "named"),
    [
        (lambda: conversions(-1, 0), "n"),
        (lambda: conversions(10, 11), "conversions"),
        (lambda: conversions(10**16, 1), "n"),
        (lambda: values(10, math.nan, 1.0), "mean"),
        (lambda: values(10, 1.0, -1.0), "sd"),
        (lambda: values(10, 1.0, math.inf), "sd"),
        (lambda: values(10, 1.0, 1e200), "sd"),
        (lambda: values(10, 1.0, 1.0, nonzero=11), "nonzero"),
        (lambda: compare(MetricKind.RATIO, conversions(5, 1), [conversions(5, 1)]), "kind"),
        (lambda: compare(CONVERSION, conversions(5, 1), []), "treatments"),
        (lambda: compare(CONVERSION, conversions(5, 1), [conversions(5, 1)], alpha=0.0), "alpha"),
    ],
)
def test_summaries__impossible_figures__are_refused_by_name(call, named):
    with pytest.raises(SummaryInvalid, match=named) as caught:
        call()
    assert caught.value.code == "SUMMARY_INVALID"


@settings(max_examples=60, deadline=None)
@given(
    st.integers(2, 10**6),
    st.integers(2, 10**6),
    st.floats(-1e6, 1e6),
    st.floats(-1e6, 1e6),
    st.floats(0.0, 1e6),
    st.floats(0.0, 1e6),
)
def test_compare__any_means__p_and_interval_agree_and_nothing_is_nan(n_c, n_t, m_c, m_t, s_c, s_t):
    (found,) = compare(SUM, values(n_c, m_c, s_c), [values(n_t, m_t, s_t)])
    if found.reason is not None:
        assert found.p_value is None
        return
    assert 0.0 <= found.p_value <= 1.0
    assert math.isfinite(found.se)
    if found.interval.status is IntervalStatus.BOUNDED and abs(found.p_value - 0.05) > 1e-6:
        assert found.interval.contains(0.0) is (found.p_value > 0.05)
