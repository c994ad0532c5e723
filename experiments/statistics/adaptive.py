"""Inference on data whose assignment probabilities followed the results: after a bandit, or while it runs.

Plain arm means are biased and their intervals too narrow there. Augmented inverse-probability scores are unbiased
whatever the allocation did; weights that even out their variance make them nearly normal (Hadad, Hirshberg, Zhan,
Wager & Athey 2021). Needs the logged probability of every arm at every decision, floored well above 0.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from experiments.statistics.distributions import normal_isf, normal_sf
from experiments.statistics.results import Interval, Undefined, UndefinedReason, bounded
from foundation.errors import DomainError

Array = NDArray[np.float64]


class AdaptiveDataInvalid(DomainError):
    """A log of decisions that cannot be: shapes, arms or probabilities that contradict each other."""

    code: ClassVar[str] = "ADAPTIVE_DATA_INVALID"
    hint = "Give one reward, one arm and the probabilities of all arms per decision; the chosen arm's must be above 0."


class Weighting(StrEnum):
    """How decisions are weighted: what evens out the variance of the scores.

    CONSTANT_ALLOCATION: sqrt(e). TWO_POINT: stick breaking between an arm that is played ever more and one at its
    floor. UNIFORM: none.
    """

    UNIFORM = "UNIFORM"
    CONSTANT_ALLOCATION = "CONSTANT_ALLOCATION"
    TWO_POINT = "TWO_POINT"


@dataclass(frozen=True, slots=True, eq=False)
class AdaptiveScores:
    """Scores of every arm at every decision, and the probabilities they were drawn with; both of shape (T, K)."""

    scores: Array
    probabilities: Array


@dataclass(frozen=True, slots=True)
class AdaptiveEstimate:
    """An estimate in the unit of the reward with its standard error; asymptotically normal."""

    estimate: float
    se: float

    def interval(self, alpha: float) -> Interval:
        """Return the two-sided interval of one look."""
        half = normal_isf(alpha / 2.0) * self.se
        return bounded(self.estimate - half, self.estimate + half)

    @property
    def p_value(self) -> float:
        """Two-sided p-value of an effect of 0 at one look."""
        return min(1.0, 2.0 * normal_sf(abs(self.estimate) / self.se))


def aipw_scores(
    rewards: Sequence[float] | Array,
    arms: Sequence[int] | NDArray[np.int64],
    probabilities: Sequence[Sequence[float]] | Array,
) -> AdaptiveScores:
    """Return G_t(a) = m_{t-1}(a) + 1{A_t = a} (Y_t - m_{t-1}(a)) / e_t(a) for decisions in their order.

    m_{t-1}(a): mean reward of the arm before the decision, 0 before its first. probabilities: shape (T, K), as logged
    before each decision. Raises AdaptiveDataInvalid.
    """
    y, chosen, e = _checked(rewards, arms, probabilities)
    played = np.zeros_like(e)
    played[np.arange(y.size), chosen] = 1.0
    counts = np.cumsum(played, axis=0) - played
    sums = np.cumsum(played * y[:, None], axis=0) - played * y[:, None]
    before = np.where(counts > 0.0, sums / np.maximum(counts, 1.0), 0.0)
    drawn = np.where(played > 0.0, e, 1.0)
    return AdaptiveScores(before + played * (y[:, None] - before) / drawn, e)


def arm_weights(probabilities: Array, weighting: Weighting, *, decay: float = 0.7) -> Array:
    """Return the weights h_t(a), shape (T, K).

    Two-point: h^2 / e = l_t times what is left of the stick, l_t = (1 - e)(1 - d) / ((1 - d) + T (t / T)^d - t) +
    e / (1 + T - t), d = `decay` of the probability floor.
    """
    if not 0.0 <= decay < 1.0:
        raise AdaptiveDataInvalid(f"decay: must be 0 or more and below 1, not {decay}")
    if probabilities.ndim != 2 or not np.all((probabilities >= 0.0) & (probabilities <= 1.0)):
        raise AdaptiveDataInvalid("probabilities: must be from 0 to 1, of all arms at every decision")
    match weighting:
        case Weighting.UNIFORM:
            return np.ones_like(probabilities)
        case Weighting.CONSTANT_ALLOCATION:
            return np.sqrt(probabilities)
        case Weighting.TWO_POINT:
            return _two_point(probabilities, decay)


def arm_estimate(
    data: AdaptiveScores, arm: int, *, weighting: Weighting = Weighting.CONSTANT_ALLOCATION, decay: float = 0.7
) -> AdaptiveEstimate | Undefined:
    """Return the mean reward of one arm: sum h G / sum h, SE = sqrt(sum h^2 (G - estimate)^2) / sum h."""
    _check_arms(data, arm=arm)
    weights = arm_weights(data.probabilities, weighting, decay=decay)
    found = _influence(data, weights, arm)
    return found if isinstance(found, Undefined) else _estimate(*found)


def contrast(
    data: AdaptiveScores,
    treatment: int,
    control: int,
    *,
    weighting: Weighting = Weighting.CONSTANT_ALLOCATION,
    decay: float = 0.7,
) -> AdaptiveEstimate | Undefined:
    """Return the difference of two arms' means; its standard error comes from their joint scores."""
    _check_arms(data, treatment=treatment, control=control)
    weights = arm_weights(data.probabilities, weighting, decay=decay)
    upper, lower = _influence(data, weights, treatment), _influence(data, weights, control)
    if isinstance(upper, Undefined):
        return upper
    if isinstance(lower, Undefined):
        return lower
    return _estimate(upper[0] - lower[0], upper[1] - lower[1])


def contrast_sequence(
    data: AdaptiveScores, treatment: int, control: int, *, alpha: float, planned_variance: float
) -> Interval | Undefined:
    """Return the interval of a contrast that holds at every decision together (Waudby-Smith et al. 2024).

    mean(D) +- sqrt(2 (S r^2 + 1) / (t^2 r^2) ln(sqrt(S r^2 + 1) / alpha)) with D = G(treatment) - G(control), S the
    sum of their squared distances from the mean so far (Lyapunov: variances may change with the allocation). r is
    tightest near S = `planned_variance`, which must not depend on the data. Asymptotic: start late.
    """
    if not 0.0 < alpha < 1.0 or not 0.0 < planned_variance < math.inf:
        raise AdaptiveDataInvalid(f"alpha and planned_variance: {alpha} and {planned_variance} make no sequence")
    _check_arms(data, treatment=treatment, control=control)
    differences = data.scores[:, treatment] - data.scores[:, control]
    t = differences.size
    if t < 2:
        return Undefined(UndefinedReason.TOO_FEW_UNITS)
    mean = float(differences.mean())
    total = float(np.sum((differences - mean) ** 2))
    if not total > 0.0:
        return Undefined(UndefinedReason.NO_VARIANCE)
    log_alpha = math.log(alpha)
    tuned = (-2.0 * log_alpha + math.log(1.0 - 2.0 * log_alpha)) / planned_variance
    grown = total * tuned + 1.0
    radius = math.sqrt(2.0 * grown / tuned * (0.5 * math.log(grown) - log_alpha)) / t
    return bounded(mean - radius, mean + radius)


def _estimate(estimate: float, influence: Array) -> AdaptiveEstimate | Undefined:
    se = math.sqrt(float(influence @ influence))
    if not (math.isfinite(estimate) and math.isfinite(se)):
        return Undefined(UndefinedReason.OVERFLOW)
    return AdaptiveEstimate(estimate, se) if se > 0.0 else Undefined(UndefinedReason.NO_VARIANCE)


def _check_arms(data: AdaptiveScores, **arms: int) -> None:
    for name, arm in arms.items():
        if not 0 <= arm < data.scores.shape[1]:
            raise AdaptiveDataInvalid(f"{name}: must be from 0 to {data.scores.shape[1] - 1}, not {arm}")


def _influence(data: AdaptiveScores, weights: Array, arm: int) -> tuple[float, Array] | Undefined:
    """Return the estimate of an arm, and h_t (G_t - estimate) / sum h."""
    h = weights[:, arm]
    total = float(h.sum())
    if not total > 0.0:
        return Undefined(UndefinedReason.NO_DATA)
    estimate = float(h @ data.scores[:, arm]) / total
    return estimate, h * (data.scores[:, arm] - estimate) / total


def _two_point(e: Array, decay: float) -> Array:
    steps = e.shape[0]
    t = np.arange(1, steps + 1, dtype=float)[:, None]
    floored = (1.0 - decay) / ((1.0 - decay) + steps * (t / steps) ** decay - t)
    rate = np.clip((1.0 - e) * floored + e / (1.0 + steps - t), 0.0, 1.0)
    left = np.cumprod(np.vstack([np.ones((1, e.shape[1])), 1.0 - rate[:-1]]), axis=0)
    share: Array = np.sqrt(rate * left * e)
    return share


def _checked(
    rewards: Sequence[float] | Array,
    arms: Sequence[int] | NDArray[np.int64],
    probabilities: Sequence[Sequence[float]] | Array,
) -> tuple[Array, NDArray[np.int64], Array]:
    y, chosen = np.asarray(rewards, dtype=float), np.asarray(arms)
    try:
        e = np.asarray(probabilities, dtype=float)
    except ValueError as error:
        raise AdaptiveDataInvalid("probabilities: every decision needs as many") from error
    if e.ndim != 2 or y.shape != (e.shape[0],) or chosen.shape != y.shape or y.size == 0:
        raise AdaptiveDataInvalid(f"shapes: {y.shape} rewards, {chosen.shape} arms, {e.shape} probabilities")
    if not np.issubdtype(chosen.dtype, np.integer) or chosen.min() < 0 or chosen.max() >= e.shape[1]:
        raise AdaptiveDataInvalid(f"arms: must be whole numbers from 0 to {e.shape[1] - 1}")
    if not np.all(np.isfinite(y)):
        raise AdaptiveDataInvalid("rewards: must be finite")
    if not (np.all(e >= 0.0) and np.all(np.abs(e.sum(axis=1) - 1.0) < 1e-3)):
        raise AdaptiveDataInvalid("probabilities: must be 0 or more and add up to 1 at every decision")
    if not np.all(e[np.arange(y.size), chosen] > 0.0):
        raise AdaptiveDataInvalid("probabilities: the chosen arm's must be above 0")
    return y, chosen.astype(np.int64), e
