"""Which arm is best, how sure that is, and what another choice would cost: by quadrature, without draws."""

import math
from collections.abc import Sequence
from typing import ClassVar

import numpy as np

from experiments.statistics.arm_posteriors import ArmPosterior, BetaArm, Points, log_odds_of, quadrature, rate_at
from experiments.statistics.results import Undefined, UndefinedReason
from foundation.errors import DomainError

_STEPS = 100


class ArmsInvalid(DomainError):
    """Arms among which there is nothing to choose."""

    code: ClassVar[str] = "ARMS_INVALID"
    hint = "Name one arm or more, of one family, and shares that are probabilities."


def probability_best(arms: Sequence[ArmPosterior]) -> tuple[float, ...]:
    """Return P(arm i has the largest mean) = integral of f_i prod_{j != i} F_j, in input order; the sum is 1.

    Raises ArmsInvalid without arms.
    """
    nodes, weights = quadrature(_extents(arms))
    below = [arm.below(nodes) for arm in arms]
    found = [float(weights @ (arm.density(nodes) * _product(below, skip=i))) for i, arm in enumerate(arms)]
    total = math.fsum(found)
    return tuple(share / total for share in found)


def probability_greater(first: ArmPosterior, second: ArmPosterior) -> float:
    """Return P(first > second) = integral of f_first F_second."""
    return probability_best((first, second))[0]


def expected_shortfall(chosen: ArmPosterior, others: Sequence[ArmPosterior]) -> float:
    """Return E[max(0, largest of the others - chosen)], in the metric's unit: the expected loss of the choice.

    Integral of F_chosen (1 - prod F_others): positive terms only, so that small losses keep their digits.
    """
    nodes, weights = quadrature(_extents((chosen, *others)))
    with np.errstate(divide="ignore"):
        rest = -np.expm1(sum((np.log1p(-arm.above(nodes)) for arm in others), np.zeros_like(nodes)))
    return float(weights @ (chosen.below(nodes) * rest * chosen.slope(nodes)))


def top_two_allocation(shares: Sequence[float], *, leader: float = 0.5) -> tuple[float, ...]:
    """Return top-two Thompson sampling's shares (Russo 2020): a_i (b + (1 - b) sum_{j != i} a_j / (1 - a_j)).

    shares: P(best) per arm; leader: b, the chance to play the best arm drawn rather than its challenger. Raises
    ArmsInvalid.
    """
    possible = all(0.0 <= share <= 1.0 for share in (*shares, leader))
    if not possible or abs(math.fsum(shares) - 1.0) > 1e-6:
        raise ArmsInvalid("shares: must be probabilities that add up to 1, and leader one as well")
    certain = [i for i, share in enumerate(shares) if share >= 1.0]
    if certain:
        return tuple(float(i == certain[0]) for i in range(len(shares)))
    odds = [share / (1.0 - share) for share in shares]
    total = math.fsum(odds)
    return tuple(share * (leader + (1.0 - leader) * (total - own)) for share, own in zip(shares, odds, strict=True))


def potential_value_remaining(arms: Sequence[BetaArm], chosen: int, *, percentile: float = 0.95) -> float | Undefined:
    """Return the percentile of (largest rate - chosen rate) / chosen rate over the posterior (Scott 2010, 2015).

    The relative improvement that going on could still find; 0 where the chosen arm is best with that probability,
    undefined where its rate may be so close to 0 that no improvement is too large.
    Solves integral of f_chosen(p) prod_{j != chosen} F_j(p (1 + r)) dp = percentile for r. Raises ArmsInvalid.
    """
    if not 0.0 < percentile < 1.0 or not 0 <= chosen < len(arms):
        raise ArmsInvalid("percentile: must be between 0 and 1, and chosen the index of an arm")
    if _within(arms, chosen, 0.0) >= percentile:
        return 0.0
    low, high = 0.0, 1.0
    while _within(arms, chosen, high) < percentile:
        low, high = high, 2.0 * high
        if not math.isfinite(high):
            return Undefined(UndefinedReason.ZERO_CONTROL)
    for _ in range(_STEPS):
        middle = 0.5 * (low + high)
        if high - low <= 1e-12 * high:
            break
        if _within(arms, chosen, middle) < percentile:
            low = middle
        else:
            high = middle
    return 0.5 * (low + high)


def _within(arms: Sequence[BetaArm], chosen: int, improvement: float) -> float:
    """Return P(no other arm is better than the chosen one by more than a relative improvement)."""
    factor = 1.0 + improvement
    others = [arm for i, arm in enumerate(arms) if i != chosen]
    extents = [arms[chosen].extent]
    for arm in others:
        low, high = (float(rate_at(np.array(end))) / factor for end in arm.extent)
        extents.append((log_odds_of(low), log_odds_of(high)))
    inside = _clipped(extents)
    nodes, weights = quadrature(inside)
    moved = np.minimum(rate_at(nodes) * factor, 1.0)
    reached = np.ones_like(nodes)
    for arm in others:
        reached = reached * arm.below_rate(moved)
    return float(weights @ (arms[chosen].density(nodes) * reached))


def _clipped(extents: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Return the first extent, cut where the others end inside it."""
    low, high = extents[0]
    return [extents[0], *((min(max(a, low), high), min(max(b, low), high)) for a, b in extents[1:])]


def _extents(arms: Sequence[ArmPosterior]) -> list[tuple[float, float]]:
    if not arms:
        raise ArmsInvalid("arms: there are none")
    return [arm.extent for arm in arms]


def _product(below: Sequence[Points], skip: int | None = None) -> Points:
    found = np.ones_like(below[0])
    for i, each in enumerate(below):
        if i != skip:
            found = found * each
    return found
