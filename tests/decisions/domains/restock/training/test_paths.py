"""Ways to smooth, step by step, beside their formulas."""

import numpy as np
import pytest

from decisions.domains.restock.training.intermittent import CONSTANTS, croston_paths
from decisions.domains.restock.training.paths import mean_rise
from decisions.domains.restock.training.smoothing import Constants, smoothed
from decisions.domains.restock.training.windows import window_paths
from tests.decisions.domains.restock.training.sales import panel

SALES = [3.0, 0.0, 4.0, 0.0, 0.0, 6.0, 1.0, 0.0, 2.0, 5.0]


def test_smoothed__without_a_trend__is_simple_exponential_smoothing():
    found = smoothed(panel(SALES), np.ones((1, 1)), (Constants(0.0), Constants(0.3)))
    assert found.levels[0, 0, -1] == pytest.approx(np.mean(SALES))
    level = 0.0
    for number, units in enumerate(SALES, start=1):
        level += max(0.3, 1.0 / number) * (units - level)
    assert found.levels[1, 0, -1] == pytest.approx(level)
    assert found.rates(1, 5)[0, -1] == pytest.approx(level)


def test_smoothed__a_line__is_followed_with_a_damped_trend():
    line = [10.0 + 2.0 * step for step in range(80)]
    found = smoothed(panel(line), np.ones((1, 1)), (Constants(0.3),))
    trending = smoothed(panel(line), np.ones((1, 1)), (Constants(0.3, 0.1, 0.98),))
    truth = np.mean([10.0 + 2.0 * step for step in range(80, 84)])
    assert abs(trending.rates(0, 4)[0, -1] - truth) < 0.35 * abs(found.rates(0, 4)[0, -1] - truth)


def test_smoothed__steps_that_are_not_known__change_nothing():
    whole = panel(SALES)
    gaps = panel([units for pair in SALES for units in (pair, 99.0)])
    gaps.known[:, 1::2] = False
    ways = (Constants(0.2),)
    assert smoothed(gaps, np.ones((1, 1)), ways).levels[0, 0, -1] == pytest.approx(
        smoothed(whole, np.ones((1, 1)), ways).levels[0, 0, -1]
    )


def test_smoothed__a_season__is_divided_out():
    factors = np.array([[0.5, 1.5]])
    found = smoothed(panel([2.0, 6.0] * 20, season=2), factors, (Constants(0.1),))
    assert found.levels[0, 0, -1] == pytest.approx(4.0, abs=1e-6)


def test_croston__a_sale_every_third_step__has_the_three_rates():
    found = croston_paths(panel([0.0, 0.0, 6.0] * 40))
    croston, sba, tsb = found.levels.reshape(3, len(CONSTANTS), -1)[:, 2, -1]
    assert croston == pytest.approx(2.0)
    assert sba == pytest.approx(2.0 * 0.95)
    assert tsb == pytest.approx(6.0 * 0.37, abs=0.03)  # just after a sale


def test_croston__nothing_sold__is_nothing():
    assert not croston_paths(panel([0.0] * 20)).levels.any()


def test_windows__means_of_stretches__are_drawn_to_those_of_all():
    found = window_paths(panel([1.0] * 30 + [5.0] * 10, [30.0] * 40, [0.1] * 40), np.ones((3, 1)))
    assert found.levels[0, 0, -1] == pytest.approx(5.0, rel=0.05)
    assert found.levels[-1, 0, -1] == pytest.approx(2.0, rel=0.05)
    assert (found.levels[:, 2, -1] > 0.1).all()


def test_mean_rise__of_a_trend__is_the_mean_of_its_sums():
    assert mean_rise(0.5, 3) == pytest.approx((0.5 + 0.75 + 0.875) / 3)
    assert mean_rise(0.0, 4) == 0.0
