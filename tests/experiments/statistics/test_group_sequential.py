import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from experiments.statistics.distributions import normal_isf
from experiments.statistics.final_inference import final_inference
from experiments.statistics.group_sequential import conditional_power, inflation, lan_demets, power, wang_tsiatis
from experiments.statistics.recursion import crossing_probabilities, increasing
from experiments.statistics.spending import Spending, spent

DAILY = tuple((k + 1) / 28 for k in range(28))


@pytest.mark.parametrize(
    ("spending", "parameter"),
    [
        (Spending.OBRIEN_FLEMING, None),
        (Spending.POCOCK, None),
        (Spending.POWER, 3.0),
        (Spending.HWANG_SHIH_DECANI, -4.0),
        (Spending.HWANG_SHIH_DECANI, 0.0),
    ],
)
def test_lan_demets__daily_looks__spends_exactly_alpha(spending, parameter):
    bounds = lan_demets(DAILY, 0.05, spending=spending, parameter=parameter)
    crossed, _ = crossing_probabilities(DAILY, bounds)
    assert sum(crossed) == pytest.approx(0.025, abs=2e-6)
    for k in (9, 19):
        assert sum(crossed[: k + 1]) == pytest.approx(spent(DAILY[k], 0.025, spending, parameter), abs=2e-6)


def test_lan_demets__one_look_at_the_end__is_the_fixed_test():
    assert lan_demets((37.0,), 0.05, fractions=(1.0,)) == pytest.approx((normal_isf(0.025),))


def test_lan_demets__information_in_any_scale__gives_the_same_bounds():
    scaled = lan_demets(tuple(1e7 * t for t in DAILY), 0.05, fractions=DAILY)
    assert scaled == pytest.approx(lan_demets(DAILY, 0.05), abs=1e-6)


def test_lan_demets__more_looks_later__never_changes_earlier_bounds():
    assert lan_demets(DAILY[:10], 0.05) == lan_demets(DAILY, 0.05)[:10]


def test_lan_demets__last_look_with_less_information_than_planned__spends_what_is_left():
    bounds = lan_demets((0.3, 0.6, 0.8), 0.05, fractions=(0.3, 0.6, 1.0))
    crossed, _ = crossing_probabilities((0.3, 0.6, 0.8), bounds)
    assert sum(crossed) == pytest.approx(0.025, abs=1e-6)


@settings(max_examples=12, deadline=None)
@given(st.lists(st.floats(1e-3, 1.0), min_size=1, max_size=8))
def test_lan_demets__any_information_even_falling__gives_positive_bounds_that_spend_at_most_alpha(steps):
    fractions = tuple(sorted(steps))
    bounds = lan_demets(tuple(steps), 0.05, fractions=fractions)
    assert all(bound > 1.9 for bound in bounds)
    crossed, _ = crossing_probabilities(increasing(tuple(steps)), tuple(min(bound, 30.0) for bound in bounds))
    assert sum(crossed) <= 0.025 + 1e-4


def test_lan_demets__early_obrien_fleming_look__has_no_bound_yet():
    assert lan_demets((0.001, 0.01), 0.05)[1] > 19.0
    assert lan_demets((0.0005, 0.001), 0.05) == (math.inf, math.inf)


def test_power__default_bounds_at_the_fixed_design__loses_at_most_two_points_and_stops_earlier():
    bounds = lan_demets(DAILY, 0.05)
    reached, expected = power(DAILY, bounds, normal_isf(0.025) + normal_isf(0.2))
    assert reached >= 0.78
    assert expected <= 0.78


def test_inflation__obrien_fleming_five_looks__is_the_published_factor():
    information = tuple((k + 1) / 5 for k in range(5))
    # Jennison & Turnbull (2000), table 2.4: 1.028 at power .8
    assert inflation(information, wang_tsiatis(5, 0.05, 0.0), 0.05, 0.8) == pytest.approx(1.028, abs=1e-3)


def test_conditional_power__at_the_bound_with_no_trend__is_small():
    assert conditional_power(0.0, 0.5, 1.97, 0.0) == pytest.approx(0.0026682, abs=1e-6)


def test_final_inference__single_look__is_the_ordinary_one():
    found = final_inference((100.0,), (), 2.5)
    assert found.p_value == pytest.approx(0.00620967, rel=1e-5)
    assert found.median_unbiased == pytest.approx(0.25)
    assert (found.lower, found.upper) == pytest.approx((0.25 - 0.1959964, 0.25 + 0.1959964), abs=1e-6)


def test_final_inference__early_stop__pulls_the_estimate_towards_zero():
    bounds = lan_demets((50.0, 100.0), 0.05, fractions=(0.5, 1.0))
    found = final_inference((50.0, 100.0), bounds, 2.2)
    assert found.median_unbiased < 0.22
    assert found.lower > 0.0
