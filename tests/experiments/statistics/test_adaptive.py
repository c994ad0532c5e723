import math

import numpy as np
import pytest

from experiments.statistics.adaptive import (
    AdaptiveDataInvalid,
    Weighting,
    aipw_scores,
    arm_estimate,
    arm_weights,
    contrast,
    contrast_sequence,
)
from experiments.statistics.adaptive_batches import batched_contrast
from experiments.statistics.distributions import normal_isf, normal_sf
from experiments.statistics.results import Undefined, UndefinedReason
from tests.experiments.statistics.units import sample

EVEN = [[0.5, 0.5]] * 4


def test_aipw_scores__by_hand__use_only_what_came_before():
    data = aipw_scores([1.0, 2.0, 3.0, 4.0], [0, 1, 0, 1], EVEN)
    # arm 0: 0 + 1/.5, then its mean 1; at t = 3: 1 + (3 - 1)/.5; then the mean 2
    assert data.scores[:, 0].tolist() == [2.0, 1.0, 5.0, 2.0]
    assert data.scores[:, 1].tolist() == [0.0, 4.0, 2.0, 6.0]


def test_arm_estimate__uniform_weights__is_the_mean_of_the_scores():
    data = aipw_scores([1.0, 2.0, 3.0, 4.0], [0, 1, 0, 1], EVEN)
    found = arm_estimate(data, 0, weighting=Weighting.UNIFORM)
    assert found.estimate == 2.5
    assert found.se == pytest.approx(math.sqrt(0.25 + 2.25 + 6.25 + 0.25) / 4.0)
    both = contrast(data, 1, 0, weighting=Weighting.UNIFORM)
    assert both.estimate == 0.5


def test_arm_weights__even_split__are_all_alike_but_for_the_stick():
    e = np.full((50, 2), 0.5)
    assert np.ptp(arm_weights(e, Weighting.CONSTANT_ALLOCATION)) == 0.0
    sticks = arm_weights(e, Weighting.TWO_POINT) ** 2 / e
    assert sticks.sum(axis=0) == pytest.approx([1.0, 1.0])
    assert (sticks > 0.0).all()


@pytest.mark.parametrize(
    ("rewards", "arms", "probabilities"),
    [
        ([], [], np.zeros((0, 2))),
        ([1.0], [0], [0.5, 0.5]),
        ([1.0, 2.0], [0], EVEN[:2]),
        ([1.0], [2], EVEN[:1]),
        ([1.0], [-1], EVEN[:1]),
        ([1.0], [0.5], EVEN[:1]),
        ([math.nan], [0], EVEN[:1]),
        ([1.0], [0], [[0.6, 0.6]]),
        ([1.0], [0], [[0.0, 1.0]]),
        ([1.0], [0], [[math.nan, 1.0]]),
        ([1.0], [0], [[1.5, -0.5]]),
    ],
)
def test_aipw_scores__impossible_log__is_refused(rewards, arms, probabilities):
    with pytest.raises(AdaptiveDataInvalid) as caught:
        aipw_scores(rewards, arms, probabilities)
    assert caught.value.code == "ADAPTIVE_DATA_INVALID"


def test_arm_estimate__rewards_that_never_vary__has_no_variance():
    data = aipw_scores([0.0] * 4, [0, 1, 0, 1], EVEN)
    assert arm_estimate(data, 0) == Undefined(UndefinedReason.NO_VARIANCE)
    assert contrast_sequence(data, 1, 0, alpha=0.05, planned_variance=10.0) == Undefined(UndefinedReason.NO_VARIANCE)


def test_contrast_sequence__single_decision__is_too_little():
    data = aipw_scores([1.0], [0], EVEN[:1])
    assert contrast_sequence(data, 1, 0, alpha=0.05, planned_variance=10.0) == Undefined(UndefinedReason.TOO_FEW_UNITS)
    with pytest.raises(AdaptiveDataInvalid):
        contrast_sequence(data, 1, 0, alpha=1.0, planned_variance=10.0)


def greedy_log(generator, steps, means, floor):
    """Return a log of two arms in which the one ahead so far gets 1 - floor of the decisions."""
    sums, counts = np.zeros(2), np.zeros(2)
    rewards, arms, probabilities = np.empty(steps), np.empty(steps, dtype=int), np.empty((steps, 2))
    noise, coins = generator.normal(size=steps), generator.random(steps)
    for t in range(steps):
        ahead = 0.5 if 0 in counts else floor + (1.0 - 2.0 * floor) * float(sums[1] / counts[1] > sums[0] / counts[0])
        arm = int(coins[t] < ahead)
        probabilities[t], arms[t], rewards[t] = (1.0 - ahead, ahead), arm, means[arm] + noise[t]
        sums[arm] += rewards[t]
        counts[arm] += 1.0
    return rewards, arms, probabilities


def test_estimates__after_a_greedy_allocation__cover_where_plain_means_are_biased():
    generator, z = np.random.default_rng(1), normal_isf(0.025)
    naive, scored, covered, sequences = [], [], [], []
    for _ in range(250):
        rewards, arms, probabilities = greedy_log(generator, 250, (0.0, 0.0), 0.1)
        data = aipw_scores(rewards, arms, probabilities)
        found = contrast(data, 1, 0, weighting=Weighting.CONSTANT_ALLOCATION)
        single = arm_estimate(data, 0, weighting=Weighting.UNIFORM)
        naive.append(rewards[arms == 0].mean())
        scored.append(single.estimate)
        covered.append(abs(found.estimate) < z * found.se)
        sequences.append(contrast_sequence(data, 1, 0, alpha=0.05, planned_variance=2_000.0).contains(0.0))
    assert np.mean(naive) < -0.03
    assert abs(np.mean(scored)) < 0.025
    assert np.mean(covered) > 0.91
    assert np.mean(sequences) > 0.95


def test_batched_contrast__two_batches__weights_by_precision():
    first = (sample([0.0, 1.0] * 50), sample([0.0, 2.0] * 50))
    second = (sample([1.0, 2.0] * 100), sample([1.0, 3.0] * 100))
    found = batched_contrast([first, second])
    assert found.estimate == pytest.approx(0.5)
    assert batched_contrast([first]).se > found.se


def test_batched_contrast__no_batch_with_enough_units__says_so():
    few = (sample([0.0, 1.0]), sample([0.0, 1.0]))
    constant = (sample([1.0] * 20), sample([1.0] * 20))
    assert batched_contrast([few, constant]) == Undefined(UndefinedReason.TOO_FEW_UNITS)


def test_batched_contrast__split_follows_the_results__covers():
    generator, z, covered = np.random.default_rng(9), normal_isf(0.025), []
    for _ in range(400):
        share, batches = 0.5, []
        for _batch in range(8):
            picked = generator.random(100) < share
            values = generator.normal(0.0, 1.0, 100)
            control, treatment = values[~picked], values[picked]
            batches.append((sample(control), sample(treatment)))
            share = 0.8 if treatment.mean() > control.mean() else 0.2
        found = batched_contrast(batches)
        covered.append(abs(found.estimate) < z * found.se)
    assert np.mean(covered) == pytest.approx(0.95, abs=0.03)


def test_batched_contrast__rare_outcomes_in_small_batches__are_told_apart_as_rarely_as_they_may():
    generator, z, rejected = np.random.default_rng(12), normal_isf(0.025), 0
    for _ in range(400):
        wins, shown, batches = np.zeros(2), np.zeros(2), []
        for _batch in range(25):
            rate = (wins + 1.0) / (shown + 2.0)
            spread = np.sqrt((rate * (1.0 - rate) / (shown + 2.0)).sum())
            treated = generator.binomial(200, 0.1 + 0.8 * (1.0 - normal_sf((rate[1] - rate[0]) / spread)))
            arms = [generator.binomial(1, 0.1, n).astype(float) for n in (200 - treated, treated)]
            wins, shown = wins + [arm.sum() for arm in arms], shown + [len(arm) for arm in arms]
            batches.append(tuple(sample(arm) for arm in arms))
        found = batched_contrast(batches)
        rejected += abs(found.estimate) > z * found.se
    assert 0.02 < rejected / 400 < 0.1
