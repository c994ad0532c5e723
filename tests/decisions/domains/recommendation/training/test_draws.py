"""What the networks of recommendation are trained to tell the next item from."""

import numpy as np
import pytest

from decisions.domains.recommendation.training.ranking_network import draw_items
from decisions.domains.recommendation.training.two_tower import draw_pool


def test_draw_items__others__are_never_the_target():
    rng = np.random.default_rng(1)
    drawn = draw_items(np.repeat(np.arange(5, dtype=np.int32), 50), 5, 8, rng)
    assert drawn.shape == (250, 9)
    assert (drawn[:, 1:] != drawn[:, :1]).all()
    assert set(drawn.ravel()) == set(range(5))


def test_draw_pool__a_small_catalogue__is_compared_whole():
    pool, correction = draw_pool(np.array([1, 2], dtype=np.int32), np.full(5, 0.2), 5, np.random.default_rng(1))
    assert pool.tolist() == [0, 1, 2, 3, 4]
    assert not correction.any()


def test_draw_pool__items_that_nobody_met__are_never_compared_with():
    frequency = np.array([0.5, 0.0, 0.25, 0.0, 0.25])
    pool, _ = draw_pool(np.array([0], dtype=np.int32), frequency, 3, np.random.default_rng(1))
    assert pool.tolist() == [0, 2, 4]
    drawn = {place for seed in range(50) for place in draw_pool(pool[:1], frequency, 2, np.random.default_rng(seed))[0]}
    assert drawn == {0, 2, 4}


def test_draw_pool__a_large_catalogue__corrects_by_the_chance_to_be_drawn():
    rng = np.random.default_rng(2)
    frequency = np.full(50, 0.5 / 49)
    frequency[7] = 0.5
    counts, runs = np.zeros(50), 4_000
    for _ in range(runs):
        targets = rng.choice(50, 4, p=frequency).astype(np.int32)
        pool, correction = draw_pool(targets, frequency, 10, rng)
        assert set(targets) <= set(pool.tolist())
        counts[pool] += np.exp(-correction)
    assert counts / runs == pytest.approx(np.ones(50), abs=5 * np.sqrt(4 / runs))
