"""Figures of the report: against formulas that one can write down at once."""

import numpy as np
import pytest

from decisions.domains.pricing.training.evaluation import deviance
from decisions.domains.pricing.training.real_data.figures import Estimate, demeaned, log_log, predicted, saved, slopes


def test_slopes__groups_of_one_row__have_the_errors_of_white():
    rng = np.random.default_rng(1)
    x = demeaned(rng.normal(size=400), np.zeros(400, np.int64))
    y = demeaned(-2.0 * x + rng.normal(size=400) * (1.0 + np.abs(x)), np.zeros(400, np.int64))
    found = slopes(y, [x], np.arange(400))[0]
    slope = float(x @ y / (x @ x))
    error = np.sqrt(float((x**2 * (y - x * slope) ** 2).sum()) * 400 / 399) / float(x @ x)
    assert found.value == pytest.approx(slope)
    assert found.upper - found.lower == pytest.approx(2 * 1.96593 * error, rel=1e-4)


def test_slopes__repeated_rows__are_not_more_certain_for_it():
    rng = np.random.default_rng(2)
    x, y, cluster = rng.normal(size=50), rng.normal(size=50), np.arange(50)
    once = slopes(y, [x], cluster)[0]
    often = slopes(np.tile(y, 9), [np.tile(x, 9)], np.tile(cluster, 9))[0]
    assert often.lower == pytest.approx(once.lower)
    assert often.upper == pytest.approx(once.upper)


def test_demeaned__crossed_groups__have_no_means_left():
    rng = np.random.default_rng(3)
    first, second = rng.integers(0, 9, 500), rng.integers(0, 20, 500)
    found = demeaned(rng.normal(size=500) + first + 3.0 * second, first, second)
    for group in (first, second):
        assert np.abs(np.bincount(group, found) / np.bincount(group)).max() < 1e-8


def test_log_log__an_exact_power__is_found_and_predicted():
    price = np.log(np.array([1.0, 2.0, 4.0, 5.0]))
    units = 30.0 * np.exp(-1.5 * price)
    model = log_log(price, units)
    assert model[0] == pytest.approx([np.log(30.0), -1.5])
    assert predicted(model, price) == pytest.approx(units)


def test_saved__a_model__is_a_share_of_the_deviance_with_an_interval():
    rng = np.random.default_rng(4)
    cluster = np.repeat(np.arange(40), 10)
    mean = np.exp(rng.normal(2.0, 0.5, 40))[cluster]
    sold = rng.poisson(mean).astype(float)
    flat = np.full(400, sold.mean())
    found = saved(sold, mean, flat, cluster)
    assert found.value == pytest.approx(1.0 - deviance(sold, mean).sum() / deviance(sold, flat).sum())
    assert 0.0 < found.lower < found.value < found.upper < 1.0
    nothing = saved(sold, flat, flat, cluster)
    assert (nothing.value, nothing.lower, nothing.upper) == (0.0, 0.0, 0.0)


def test_estimate__as_text__has_its_interval():
    assert Estimate(-2.388, -2.64, -2.1).text() == "-2.39 [-2.64, -2.10]"
    assert Estimate(0.5, 0.25, 0.75).percent() == "50.0% [25.0%, 75.0%]"
