"""Calibration: exact figures, chance among few rows, and probabilities that are none."""

import math

import numpy as np
import pytest

from models_registry.gates import GateMalformed, calibration_of


def test_calibration__ten_rows__is_counted_by_hand():
    """One row a bin: the error is the mean of |p - y|, chance that of sqrt(2 / pi p (1 - p))."""
    p = np.array([0.1] * 5 + [0.5] * 5)
    y = np.array([0, 0, 0, 0, 1, 1, 1, 0, 0, 0], dtype=bool)
    found = calibration_of(p, y)
    assert (found.rows, found.observed) == (10, 3.0)
    assert found.expected == pytest.approx(3.0)
    assert found.error == pytest.approx((4 * 0.1 + 0.9 + 5 * 0.5) / 10)
    assert found.chance == pytest.approx(math.sqrt(2 / math.pi) * (0.3 + 0.5) / 2)
    assert found.ratio == pytest.approx(1.0)


@pytest.mark.parametrize("rows", [2_000, 100_000])
def test_calibration__probabilities_that_are_right__show_chance_alone(rows: int):
    rng = np.random.default_rng(rows)
    p = rng.beta(1.0, 20.0, rows)
    found = calibration_of(p, rng.uniform(size=rows) < p)
    assert found.error == pytest.approx(found.chance, rel=0.8)
    assert found.error_share < 0.15
    assert found.ratio == pytest.approx(1.0, abs=4 / math.sqrt(found.observed))


def test_calibration__right_in_sum_and_wrong_by_size__has_an_error():
    rng = np.random.default_rng(8)
    p = rng.uniform(0.0, 0.2, 50_000)
    flat = np.full(50_000, 0.1)
    y = rng.uniform(size=50_000) < p
    assert calibration_of(0.2 - p, y).ratio == pytest.approx(1.0, abs=0.05)
    assert calibration_of(0.2 - p, y).error_share > 0.4
    assert calibration_of(flat, y).error_share < 0.05


def test_calibration__nobody_responded_or_no_rows__has_no_ratio():
    found = calibration_of(np.array([0.1, 0.2]), np.zeros(2, dtype=bool))
    assert (found.ratio, found.error_share) == (None, None)
    assert calibration_of(np.zeros(0), np.zeros(0, dtype=bool)).ratio is None


@pytest.mark.parametrize(
    ("p", "y"),
    [([0.1], [0, 1]), ([1.1], [1]), ([-0.1], [0]), ([math.nan], [0]), ([0.5], [0.5]), ([[0.5]], [[1]])],
)
def test_calibration__what_is_no_probability_or_response__is_refused(p: list, y: list):
    with pytest.raises(GateMalformed):
        calibration_of(np.array(p), np.array(y, dtype=float))
