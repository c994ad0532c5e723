"""Figures of rates: by hand, with rows that count many times, and undefined where they are."""

import numpy as np
import pytest

from decisions.domains.ad_placement.training.calibrating import calibrated, sigmoid
from decisions.domains.ad_placement.training.dataset import Showings
from decisions.domains.ad_placement.training.figures import auc, by_unit, likelihoods, log_loss, smoothed_rates


def showings(shown: list[float], clicked: list[float]) -> Showings:
    places = np.arange(len(shown), dtype=np.int64)
    return Showings(places * 0, places, np.array(shown), np.array(clicked), np.zeros(len(shown)))


def test_log_loss__rows_that_count_many_times__is_that_of_the_single_ones():
    once = showings([1, 1, 1, 1], [1, 0, 0, 0])
    assert log_loss(np.full(4, 0.25), once) == pytest.approx(log_loss(np.array([0.25]), showings([4], [1])))
    assert log_loss(np.full(4, 0.25), once) == pytest.approx(-(np.log(0.25) + 3 * np.log(0.75)) / 4)


def test_likelihoods__rates_of_0_and_1__stay_finite():
    assert np.isfinite(likelihoods(np.array([0.0, 1.0]), showings([1, 1], [1, 0]))).all()


def test_auc__pairs__are_counted_with_ties_as_half():
    assert auc(np.array([0.9, 0.1]), showings([1, 1], [1, 0])) == 1.0
    assert auc(np.array([0.1, 0.9]), showings([1, 1], [1, 0])) == 0.0
    assert auc(np.array([0.5, 0.5]), showings([1, 1], [1, 0])) == 0.5
    assert auc(np.array([0.2, 0.6]), showings([10, 10], [1, 3])) == pytest.approx((1 * 4.5 + 3 * (9 + 3.5)) / (4 * 16))
    assert auc(np.array([0.2]), showings([3], [0])) is None
    assert auc(np.array([0.2]), showings([3], [3])) is None


def test_smoothed_rates__few_showings__stay_near_the_rate_of_all():
    rates = smoothed_rates(showings([1_000, 10], [100, 10]), 3)
    assert rates == pytest.approx([(100 + 100 * 110 / 1_010) / 1_100, (10 + 100 * 110 / 1_010) / 110, 110 / 1_010])


def test_by_unit__rows_of_a_unit__are_summed_by_what_it_was_shown():
    found = by_unit(np.array([-1.0, -2.0, -3.0]), showings([1, 1, 2], [0, 0, 0]), np.array([7, 3, 7]))
    assert found.tolist() == [-2.0, pytest.approx(-4.0 / 3.0)]


def test_calibrated__no_rows_few_and_many__move_as_far_as_the_data_say():
    logits = np.linspace(-3.0, 1.0, 50)
    true = sigmoid(0.6 * logits - 0.4)
    assert calibrated(np.zeros(0), np.zeros(0), np.zeros(0)).slope == 1.0
    few = calibrated(logits, np.full(50, 0.05), 0.05 * true)
    many = calibrated(logits, np.full(50, 1e5), 1e5 * true)
    assert many.slope == pytest.approx(0.6, abs=0.01)
    assert many.intercept == pytest.approx(-0.4, abs=0.01)
    assert abs(few.slope - 1.0) < abs(many.slope - 1.0)
    assert abs(few.intercept) < abs(many.intercept)
