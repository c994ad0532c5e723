import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats.contingency import odds_ratio

from experiments.statistics.exact_tests import barnard_p, conditional_odds
from experiments.statistics.proportion_formulas import corrected_likelihood_ratio, likelihood_ratio
from experiments.statistics.proportions import Counts, fisher_p
from experiments.statistics.results import IntervalStatus, Undefined, UndefinedReason, ends


def test_barnard_p__small_vaccine_trial__is_the_published_value():
    """7 of 15 against 12 of 15 (Mehta & Senchaudhuri 2003): .0680 two-sided by the pooled Wald statistic."""
    assert barnard_p(Counts(15, 7, 15, 12)) == pytest.approx(0.0680, abs=5e-4)


def test_barnard_p__more_powerful_than_fisher__and_symmetric():
    table, mirrored = Counts(12, 1, 12, 6), Counts(12, 6, 12, 1)
    assert barnard_p(table) < fisher_p(table)
    assert barnard_p(table) == pytest.approx(barnard_p(mirrored), rel=1e-3)


@pytest.mark.parametrize(
    ("table", "reason"),
    [
        (Counts(0, 0, 5, 1), UndefinedReason.NO_DATA),
        (Counts(5, 0, 5, 0), UndefinedReason.NO_VARIANCE),
        (Counts(5, 5, 5, 5), UndefinedReason.NO_VARIANCE),
        (Counts(5000, 1, 5000, 2), UndefinedReason.OVERFLOW),
    ],
)
def test_barnard_p__nothing_to_compare_or_too_much__is_undefined(table, reason):
    assert barnard_p(table) == Undefined(reason)


@settings(deadline=None, max_examples=40)
@given(st.tuples(st.integers(1, 60), st.integers(1, 60), st.floats(0, 1), st.floats(0, 1)))
def test_conditional_odds__any_table__equals_scipy(drawn):
    n_c, n_t, share_c, share_t = drawn
    x_c, x_t = round(n_c * share_c), round(n_t * share_t)
    found = conditional_odds(Counts(n_c, x_c, n_t, x_t), 0.95)
    if x_c + x_t in (0, n_c + n_t):
        assert found.ratio == Undefined(UndefinedReason.NO_VARIANCE)
        assert found.interval.status is IntervalStatus.UNDEFINED
        return
    expected = odds_ratio([[x_t, x_c], [n_t - x_t, n_c - x_c]])
    bounds = expected.confidence_interval(0.95)
    if np.isfinite(expected.statistic):
        assert found.ratio == pytest.approx(expected.statistic, rel=1e-6)
        assert ends(found.interval) == pytest.approx((bounds.low, bounds.high), rel=1e-6)
    else:
        assert found.ratio == Undefined(UndefinedReason.ZERO_CONTROL)
        assert found.interval.upper is None
        assert found.interval.lower == pytest.approx(bounds.low, rel=1e-6)


def test_conditional_odds__exchanged_arms__are_reciprocal():
    found, mirrored = (conditional_odds(table, 0.9) for table in (Counts(90, 8, 95, 21), Counts(95, 21, 90, 8)))
    assert found.ratio * mirrored.ratio == pytest.approx(1.0)
    assert found.interval.lower * mirrored.interval.upper == pytest.approx(1.0)
    assert conditional_odds(Counts(0, 0, 5, 1), 0.95).ratio == Undefined(UndefinedReason.NO_DATA)


def test_corrected_likelihood_ratio__half_a_unit_towards_expectation__is_computed_by_hand():
    moved = [(10.5, 12.5), (39.5, 37.5), (14.5, 12.5), (35.5, 37.5)]
    expected = 2.0 * sum(seen * np.log(seen / wanted) for seen, wanted in moved)
    assert corrected_likelihood_ratio(Counts(50, 10, 50, 15)) == pytest.approx(expected)
    assert corrected_likelihood_ratio(Counts(50, 10, 50, 15)) < likelihood_ratio(Counts(50, 10, 50, 15))
    assert corrected_likelihood_ratio(Counts(50, 10, 50, 10)) == 0.0
