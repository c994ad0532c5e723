"""Estimates by inverse propensities: by hand, unbiased, and refused where they mean nothing."""

import numpy as np
import pytest

from decisions.domains.ad_placement.training.off_policy import policy_value


def test_policy_value__the_logging_policy_itself__is_the_mean_reward():
    rewards = np.tile([1.0, 0.0, 0.0, 0.0], 100)
    found = policy_value(np.ones(400), rewards)
    assert (found.ips.value, found.snips.value, found.effective, found.refused) == (0.25, 0.25, 400.0, "")
    half = 1.959963984540054 * rewards.std() / 20.0
    assert (found.snips.lower, found.snips.upper) == pytest.approx((0.25 - half, 0.25 + half))


def test_policy_value__weights__are_what_one_computes_by_hand():
    found = policy_value(np.array([2.0, 0.0, 1.0, 1.0]), np.array([1.0, 1.0, 0.0, 1.0]))
    assert (found.ips.value, found.snips.value) == (0.75, 0.75)
    assert found.effective == pytest.approx(16.0 / 6.0)
    assert found.largest_share == 0.5
    assert "effective sample size" in found.refused


def test_policy_value__a_greedy_policy_on_a_uniform_log__covers_the_truth():
    rng = np.random.default_rng(3)
    truth = np.array([0.1, 0.2, 0.3, 0.5])
    covered = 0
    for _ in range(200):
        shown = rng.integers(0, 4, 2_000)
        rewards = (rng.random(2_000) < truth[shown]).astype(np.float64)
        found = policy_value((shown == 3) * 4.0, rewards)
        assert found.refused == ""
        covered += found.snips.lower <= 0.5 <= found.snips.upper
    assert 180 <= covered <= 199


@pytest.mark.parametrize(
    ("weights", "rewards", "told"),
    [
        (np.ones(50), np.ones(50), "effective"),
        (np.concatenate((np.ones(200), [100.0])), np.ones(201), "one row"),
        (np.full(500, 1.5) + np.linspace(-0.1, 0.1, 500), np.ones(500), "mean weight"),
        (np.ones(500), np.zeros(500), "no row with weight"),
        (np.zeros(500), np.ones(500), "no row with weight"),
    ],
)
def test_policy_value__weights_that_say_little__are_refused_with_a_reason(weights, rewards, told):
    assert told in policy_value(weights, rewards).refused


@pytest.mark.parametrize(
    ("weights", "rewards"),
    [(np.zeros(0), np.zeros(0)), (np.ones(3), np.ones(2)), (-np.ones(3), np.ones(3)), (np.array([np.nan]), np.ones(1))],
)
def test_policy_value__no_weights_at_all__is_a_mistake_of_the_caller(weights, rewards):
    with pytest.raises(ValueError, match="weight"):
        policy_value(weights, rewards)
