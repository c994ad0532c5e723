"""Boschloo's test, against tables counted one by one and against SciPy's search."""

import math

import numpy as np
import pytest
from scipy.stats import binom, boschloo_exact, fisher_exact

from experiments.statistics.boschloo import boschloo_greater


def counted(n_t: int, x_t: int, n_c: int, x_c: int) -> float:
    """Return the p-value by adding up every table at every rate of a fine grid."""
    fisher = np.array(
        [
            [fisher_exact([[a, b], [n_t - a, n_c - b]], alternative="greater")[1] for b in range(n_c + 1)]
            for a in range(n_t + 1)
        ]
    )
    extreme = fisher <= fisher[x_t, x_c] * (1.0 + 1e-9)
    rates = np.linspace(0.0, 1.0, 4001)
    left = binom.pmf(np.arange(n_t + 1)[:, None], n_t, rates)
    right = binom.pmf(np.arange(n_c + 1)[:, None], n_c, rates)
    return float(np.einsum("ar,ab,br->r", left, extreme, right).max())


@pytest.mark.parametrize(
    ("n_t", "x_t", "n_c", "x_c"),
    [(7, 5, 9, 2), (12, 12, 5, 3), (8, 3, 8, 3), (4, 0, 11, 6), (15, 4, 3, 0), (1, 1, 1, 0)],
)
def test_boschloo__small_tables__equals_adding_up_all_of_them(n_t, x_t, n_c, x_c):
    assert boschloo_greater(n_t, x_t, n_c, x_c) == pytest.approx(counted(n_t, x_t, n_c, x_c), rel=1e-5)


def test_boschloo__random_tables__equals_scipy():
    rng = np.random.default_rng(1)
    for _ in range(12):
        n_t, n_c = (int(n) for n in rng.integers(3, 40, 2))
        x_t, x_c = int(rng.integers(0, n_t + 1)), int(rng.integers(0, n_c + 1))
        if x_t + x_c in (0, n_t + n_c):
            continue
        table = [[x_t, x_c], [n_t - x_t, n_c - x_c]]
        other = boschloo_exact(table, alternative="greater").pvalue
        assert boschloo_greater(n_t, x_t, n_c, x_c) == pytest.approx(other, rel=1e-6)


def test_boschloo__far_tail__keeps_its_digits():
    table = [[30, 3], [0, 28]]
    ours = boschloo_greater(30, 30, 31, 3)
    assert ours == pytest.approx(boschloo_exact(table, alternative="greater").pvalue, rel=1e-6)
    assert 0.0 < ours < 1e-12


def test_boschloo__two_thousand_units__is_between_half_of_fishers_and_fishers():
    for x_t, x_c in ((9, 1), (5, 3), (0, 4)):
        fisher = fisher_exact([[x_t, x_c], [1000 - x_t, 1000 - x_c]], alternative="greater")[1]
        ours = boschloo_greater(1000, x_t, 1000, x_c)
        assert 0.4 * fisher < ours <= fisher * (1.0 + 1e-9)
        assert math.isfinite(ours)
