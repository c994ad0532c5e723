"""Boschloo's exact test of two proportions, for all totals at once.

Given s successes in both arms, those of the treatment are hypergeometric whatever the common rate, so that the chance
of a table no likelier under Fisher's one-sided test is a mixture over s ~ Bin(N, rate) of one tail per s.
"""

import math

import numpy as np
from scipy.special import gammaln

from experiments.statistics.moments import Vector

_TIE = 1e-9
"""Tables whose Fisher p-values differ by less than this share are the same table in exact arithmetic."""
_NEGLIGIBLE = 1e-18
_POINTS_PER_ROOT = 12.0
"""Rates tried, in units of sqrt(N): about four for each standard deviation of a binomial."""
_CLOSE_TO_BEST = 0.95
_ROUNDS = 8


def boschloo_greater(n_treatment: int, x_treatment: int, n_control: int, x_control: int) -> float:
    """Return the p-value of `treatment is higher`: sup over the rate of P(Fisher's one-sided p <= that seen).

    Boschloo (1970). Takes time in proportion to the units; both arms must have some.
    """
    if x_treatment <= max(0, x_treatment + x_control - n_control):
        return 1.0  # no table with as many successes is more extreme
    tails = _attained(n_treatment, n_control, x_treatment, x_treatment + x_control)
    return min(1.0, _largest_size(tails, n_treatment + n_control))


def _largest_size(tails: Vector, units: int) -> float:
    """Return the largest sum of Bin(s; units, rate) times the tail of s, over the rate.

    Rates stand in equal steps of arcsin sqrt(rate), in which every binomial is about equally wide; then closer and
    closer around every peak that may be the highest.
    """
    s = np.flatnonzero(tails > 0.0)
    if s.size == 0:
        return 0.0  # every tail is smaller than the smallest float
    fixed = gammaln(units + 1.0) - gammaln(s + 1.0) - gammaln(units - s + 1.0) + np.log(tails[s])

    def size(angles: Vector) -> Vector:
        success, failure = 2.0 * np.log(np.sin(angles)), 2.0 * np.log(np.cos(angles))
        weights = np.outer(success - failure, s) + units * failure[:, None] + fixed
        found: Vector = np.exp(weights).sum(axis=1)
        return found

    points = math.ceil(_POINTS_PER_ROOT * math.sqrt(units))
    step = math.pi / 2.0 / points
    angles: Vector = step * (np.arange(points, dtype=np.float64) + 0.5)
    values = size(angles)
    sides = np.concatenate(([0.0], values, [0.0]))
    peaks = (values >= sides[:-2]) & (values >= sides[2:]) & (values > _CLOSE_TO_BEST * values.max())
    centres, highest = angles[peaks], float(values.max())
    for _ in range(_ROUNDS):
        near: Vector = centres[:, None] + step * np.linspace(-1.0, 1.0, 9)
        near = np.clip(near, 1e-9, math.pi / 2.0 - 1e-9)
        values = size(near.ravel()).reshape(near.shape)
        highest = max(highest, float(values.max()))
        centres, step = near[np.arange(centres.size), values.argmax(axis=1)], step / 4.0
    return highest


def _attained(n_treatment: int, n_control: int, x_treatment: int, successes: int) -> Vector:
    """Return, for each total s of successes, the largest tail P(X >= k | s) that is no larger than the one seen.

    X is hypergeometric: the treatment's part of s successes. Drawing the successes one after another moves the tail
    from s to s + 1 in one step: P(X >= k | s + 1) = P(X >= k | s) + P(X = k - 1 | s) (n_t - k + 1) / (N - s).
    """
    units = n_treatment + n_control
    log = gammaln(np.arange(units + 2.0) + 1.0).tolist()
    whole = log[n_treatment] + log[n_control] - log[units]

    def mass(s: int, x: int) -> float:
        if not max(0, s - n_control) <= x <= min(s, n_treatment):
            return 0.0
        ways = log[x] + log[n_treatment - x] + log[s - x] + log[n_control - s + x]
        return math.exp(whole + log[s] + log[units - s] - ways)

    def tail_from(s: int, k: int) -> float:
        """Return P(X >= k | s), summed upwards so that small tails keep their digits."""
        if k <= max(0, s - n_control):
            return 1.0
        term = mass(s, k)
        total = term
        for x in range(k, min(s, n_treatment)):
            term *= (n_treatment - x) * (s - x) / ((x + 1) * (n_control - s + x + 1))
            total += term
            if term < total * _NEGLIGIBLE:
                break
        return total

    limit = tail_from(successes, x_treatment) * (1.0 + _TIE)
    found = np.zeros(units + 1)
    k, tail = 0, 1.0
    for s in range(units + 1):
        if s > 0:
            tail += mass(s - 1, k - 1) * (n_treatment - k + 1) / (units - s + 1)
        while tail > limit:
            k += 1
            tail = tail_from(s, k)
        found[s] = tail
    return found
