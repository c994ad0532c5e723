"""Two small proportions exactly: Barnard's test, and the conditional odds ratio that goes with Fisher's."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.special import gammaln

from experiments.statistics.figures import FigureInvalid, between_0_and_1
from experiments.statistics.moments import Vector
from experiments.statistics.proportions import BOSCHLOO_UNITS, Counts
from experiments.statistics.results import Interval, Undefined, UndefinedReason, bounded, unbounded, undefined

_FARTHEST = 700.0
_HALVINGS = 200
MOST_TABLES = 100_000
"""Tables beyond which the search for the interval takes too long, and the score interval is as good."""


def barnard_p(counts: Counts) -> float | Undefined:
    """Return Barnard's exact two-sided p-value with the pooled Wald statistic (Barnard 1947).

    The largest probability, over the common rate, of tables with a statistic at least as far from 0. Undefined
    without units, and beyond 2 000 of them, where it takes too long and the score test is as good.
    """
    from scipy.stats import barnard_exact  # slow to import, and needed for the rarest counts only

    units = counts.n_control + counts.n_treatment
    if counts.n_control == 0 or counts.n_treatment == 0:
        return Undefined(UndefinedReason.NO_DATA)
    if counts.x_control + counts.x_treatment in (0, units):
        return Undefined(UndefinedReason.NO_VARIANCE)
    if units > BOSCHLOO_UNITS:
        return Undefined(UndefinedReason.OVERFLOW)
    table = [
        [counts.x_treatment, counts.x_control],
        [counts.n_treatment - counts.x_treatment, counts.n_control - counts.x_control],
    ]
    return min(1.0, float(barnard_exact(table, pooled=True).pvalue))


@dataclass(frozen=True, slots=True)
class ConditionalOdds:
    """Odds of the treatment over those of control, given the margins: most likely value and exact interval."""

    ratio: float | Undefined
    interval: Interval


def conditional_odds(counts: Counts, level: float) -> ConditionalOdds:
    """Return the conditional maximum-likelihood odds ratio psi and the interval from both one-sided exact tests.

    E_psi(X | margins) = x; ends at P_psi(X >= x) = a / 2 and P_psi(X <= x) = a / 2, X non-central hypergeometric
    (Fisher 1935; Cornfield 1956). The estimate does not exist at the edge of what the margins allow, and there the
    interval has one end only (0 below).
    """
    between_0_and_1(level=level)
    if counts.n_control == 0 or counts.n_treatment == 0:
        return _nothing(UndefinedReason.NO_DATA)
    successes = counts.x_control + counts.x_treatment
    lowest, highest = max(0, successes - counts.n_control), min(successes, counts.n_treatment)
    if lowest == highest:
        return _nothing(UndefinedReason.NO_VARIANCE)
    if highest - lowest > MOST_TABLES:
        raise FigureInvalid(f"successes: {highest - lowest} tables are too many for an exact interval")
    k = np.arange(lowest, highest + 1, dtype=float)
    n_c, n_t = float(counts.n_control), float(counts.n_treatment)
    log_weight: Vector = _log_choose(n_t, k) + _log_choose(n_c, successes - k)
    x, tail = counts.x_treatment, (1.0 - level) / 2.0

    def chance(log_psi: float) -> Vector:
        tilted = log_weight + log_psi * k
        weight = np.exp(tilted - tilted.max())
        found: Vector = weight / weight.sum()
        return found

    def above(log_psi: float) -> float:
        return float(chance(log_psi)[k >= x].sum())

    def up_to(log_psi: float) -> float:
        return float(chance(log_psi)[k <= x].sum())

    lower = 0.0 if x == lowest else math.exp(_rising(lambda psi: above(psi) - tail))
    upper = None if x == highest else math.exp(_rising(lambda psi: tail - up_to(psi)))
    interval = unbounded(UndefinedReason.ZERO_CONTROL, lower=lower) if upper is None else bounded(lower, upper)
    if x in (lowest, highest):
        return ConditionalOdds(0.0 if x == lowest else Undefined(UndefinedReason.ZERO_CONTROL), interval)
    return ConditionalOdds(math.exp(_rising(lambda psi: float(chance(psi) @ k) - x)), interval)


def _nothing(reason: UndefinedReason) -> ConditionalOdds:
    return ConditionalOdds(Undefined(reason), undefined(reason))


def _rising(value: Callable[[float], float]) -> float:
    """Return where an increasing function of the log odds ratio is 0."""
    low, high = -_FARTHEST, _FARTHEST
    for _ in range(_HALVINGS):
        middle = 0.5 * (low + high)
        if middle in (low, high):
            break
        low, high = (middle, high) if value(middle) < 0.0 else (low, middle)
    return 0.5 * (low + high)


def _log_choose(n: float, k: Vector) -> Vector:
    found: Vector = gammaln(n + 1.0) - gammaln(k + 1.0) - gammaln(n - k + 1.0)
    return found
