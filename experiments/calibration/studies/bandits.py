"""Inference after a bandit: coverage, skew of the t statistic, and what the floor costs."""

from collections.abc import Iterator, Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray

from experiments.calibration.figures import counted, mean, ratio_of_totals
from experiments.calibration.records import Result, Setting, Study, Tally, Target
from experiments.statistics.adaptive import aipw_scores, arm_estimate
from experiments.statistics.results import Undefined

ARMS, BATCHES, PER_BATCH = 3, 28, 100
_DRAWS = 400
_FLOOR_COSTS = (
    "A floor keeps sending its share of decisions to arms that are known to be worse: floor times gap for each of "
    "them, for as long as the bandit runs, while plain sampling soon stops losing anything. The larger the gap and the "
    "longer the run, the larger the ratio; the limit of 1.1 holds where arms are hard to tell apart, which is where "
    "the floor is needed."
)


def studies() -> tuple[Study, ...]:
    """Return the study of adaptively collected data."""
    return (
        Study(
            "bandit-inference",
            "Inference after a bandit",
            "Gaussian Thompson sampling over 3 arms, 28 batches of 100 decisions, rewards with standard deviation 1; "
            "every arm is played with at least the floor. Holds is the coverage of the 95% interval of one arm's mean "
            "from inverse-probability scores weighted by the root of the probability; t is the mean of error over "
            "standard error. Naive is the plain mean with its ordinary interval. Regret is the reward lost, over that "
            "of the same sampling without a floor.",
            tuple(_settings()),
        ),
    )


def _settings() -> Iterator[Setting]:
    for floor, low in ((0.01, 0.93), (0.05, 0.94)):
        yield Setting(
            f"equal arms, floor {floor}",
            partial(inference, floor),
            partial(_evaluate, low),
            reduced=400,
            full=10_000,
            block=200,
        )
    for gap, floor, explained in ((0.1, 0.01, ""), (0.2, 0.01, _FLOOR_COSTS), (0.2, 0.05, _FLOOR_COSTS)):
        yield Setting(
            f"one arm better by {gap}, floor {floor}",
            partial(regret, gap, floor),
            _evaluate_regret,
            reduced=400,
            full=10_000,
            block=200,
            explained=explained,
        )


def _play(
    means: NDArray[np.float64], floor: float, rng: np.random.Generator, replicates: int
) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.float64]]:
    """Return rewards and arms, shape (replicates, decisions), and the probabilities of each batch before it."""
    counts, sums = np.zeros((replicates, ARMS)), np.zeros((replicates, ARMS))
    rewards = np.empty((replicates, BATCHES * PER_BATCH))
    arms = np.empty((replicates, BATCHES * PER_BATCH), dtype=np.int64)
    shares = np.empty((replicates, BATCHES, ARMS))
    for batch in range(BATCHES):
        best = _best_shares(counts, sums, rng)
        shares[:, batch] = floor + (1.0 - ARMS * floor) * best
        edges = shares[:, batch].cumsum(axis=1)[:, None, :-1]
        chosen = (rng.random((replicates, PER_BATCH))[:, :, None] > edges).sum(axis=2)
        seen = means[chosen] + rng.normal(0.0, 1.0, chosen.shape)
        here = slice(batch * PER_BATCH, (batch + 1) * PER_BATCH)
        rewards[:, here], arms[:, here] = seen, chosen
        for arm in range(ARMS):
            played = chosen == arm
            counts[:, arm] += played.sum(axis=1)
            sums[:, arm] += (seen * played).sum(axis=1)
    return rewards, arms, shares


def _best_shares(
    counts: NDArray[np.float64], sums: NDArray[np.float64], rng: np.random.Generator
) -> NDArray[np.float64]:
    """Return each arm's chance to be best under a N(0, 1) prior, by draws."""
    precision = 1.0 + counts
    drawn = sums / precision + rng.normal(0.0, 1.0, (_DRAWS, *counts.shape)) / np.sqrt(precision)
    best = drawn.argmax(axis=2)
    return np.stack([(best == arm).mean(axis=0) for arm in range(ARMS)], axis=1)


def inference(floor: float, rng: np.random.Generator, replicates: int) -> Tally:
    """Return how the weighted and the plain estimate of the first of three equal arms err."""
    rewards, arms, shares = _play(np.zeros(ARMS), floor, rng, replicates)
    found = {"inside": 0, "naive_inside": 0}
    t, naive_t = np.empty(replicates), np.empty(replicates)
    for r in range(replicates):
        scores = aipw_scores(rewards[r], arms[r], np.repeat(shares[r], PER_BATCH, axis=0))
        estimate = arm_estimate(scores, 0)
        assert not isinstance(estimate, Undefined)
        t[r] = estimate.estimate / estimate.se
        found["inside"] += estimate.interval(0.05).contains(0.0)
        mine = rewards[r][arms[r] == 0]
        naive_t[r] = mine.mean() / (mine.std(ddof=1) / np.sqrt(mine.size))
        found["naive_inside"] += abs(naive_t[r]) <= 1.96
    return Tally(found, {"t": t, "naive_t": naive_t})


def _evaluate(low: float, found: Tally, replicates: int) -> Sequence[Result]:
    return (
        counted(found, "inside", replicates, "holds", Target(low=low)),
        mean("t", found.values["t"], Target(-0.1, 0.1)),
        counted(found, "naive_inside", replicates, "naive holds"),
        mean("naive t", found.values["naive_t"]),
    )


def regret(gap: float, floor: float, rng: np.random.Generator, replicates: int) -> Tally:
    """Return the reward lost with and without the floor, when one arm is better by a gap."""
    means = np.array([gap, 0.0, 0.0])
    lost = [(gap - means[_play(means, limit, rng, replicates)[1]]).sum(axis=1) for limit in (floor, 0.0)]
    return Tally({}, {"floored": lost[0], "plain": lost[1]})


def _evaluate_regret(found: Tally, replicates: int) -> Sequence[Result]:
    assert replicates > 0
    return (ratio_of_totals("regret", found.values["floored"], found.values["plain"], Target(high=1.1)),)
