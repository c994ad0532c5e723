"""Many pairs of rates at once: the score test and Koopman's interval of the lift, in arrays."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.special import erfc

from experiments.statistics.batches import Codes, IntervalBatch, Mask, MomentBatch, defined, marked
from experiments.statistics.moments import Vector
from experiments.statistics.proportions import SMALL_EXPECTED, Counts, conversion_p
from experiments.statistics.results import Undefined, UndefinedReason

_STEPS = 200
_CLOSE = 1e-12
_FAR = 60.0


@dataclass(frozen=True, slots=True, eq=False)
class CountBatch:
    """Units and successes of both arms, each of shape (L,); arms have units."""

    n_control: Vector
    x_control: Vector
    n_treatment: Vector
    x_treatment: Vector

    @property
    def pooled(self) -> Vector:
        """Rates of both arms together."""
        return (self.x_control + self.x_treatment) / (self.n_control + self.n_treatment)

    @property
    def null_variance(self) -> Vector:
        """Variances of the difference at the pooled rate."""
        pooled = self.pooled
        return pooled * (1.0 - pooled) * (1.0 / self.n_control + 1.0 / self.n_treatment)

    @property
    def variance(self) -> Vector:
        """Plug-in variances of the difference, or those at the pooled rate where both rates are 0 or 1."""
        control, treatment = self.x_control / self.n_control, self.x_treatment / self.n_treatment
        plug_in = control * (1.0 - control) / self.n_control + treatment * (1.0 - treatment) / self.n_treatment
        return np.where(plug_in > 0.0, plug_in, self.null_variance)

    def take(self, rows: Mask) -> "CountBatch":
        """Return the chosen pairs."""
        return CountBatch(self.n_control[rows], self.x_control[rows], self.n_treatment[rows], self.x_treatment[rows])

    def counts(self, row: int) -> Counts:
        """Return one pair."""
        return Counts(
            int(self.n_control[row]), int(self.x_control[row]), int(self.n_treatment[row]), int(self.x_treatment[row])
        )


def counts_of(control: MomentBatch, treatment: MomentBatch) -> tuple[CountBatch, Mask]:
    """Return the successes of both arms, and where all values were 0 or 1, so that they are successes."""
    valid = np.ones(control.size, dtype=bool)
    successes = []
    for arm in (control, treatment):
        rate, spread = arm.mean_of("y"), arm.spread_of("y")
        valid &= (rate >= 0.0) & (rate <= 1.0)
        valid &= ~(np.abs(spread - arm.n * rate * (1.0 - rate)) > 1e-6 * arm.n)
        successes.append(np.rint(rate * arm.n))
    return CountBatch(control.n, successes[0], treatment.n, successes[1]), valid


def score_problem(counts: CountBatch) -> Codes:
    """Return why rates cannot be tested: nobody or everybody converted."""
    variance = counts.null_variance
    return marked(defined(variance.size), ~(variance > 0.0), UndefinedReason.NO_VARIANCE)


def conversion_p_values(counts: CountBatch) -> Vector:
    """Return the p-values of no difference: score test, one exact test after the other below 5 expected.

    Every pair must have passed `score_problem`.
    """
    z = (counts.x_treatment / counts.n_treatment - counts.x_control / counts.n_control) / np.sqrt(counts.null_variance)
    found: Vector = np.minimum(1.0, erfc(np.abs(z) / math.sqrt(2.0)))
    pooled = counts.pooled
    expected = np.minimum(pooled, 1.0 - pooled) * np.minimum(counts.n_control, counts.n_treatment)
    for row in np.flatnonzero(expected < SMALL_EXPECTED):
        exact = conversion_p(counts.counts(int(row)))
        assert not isinstance(exact, Undefined)
        found[row] = exact
    return found


def lift_intervals(counts: CountBatch, q: float) -> IntervalBatch:
    """Return the lifts p_t / p_c - 1 that the score test does not reject at multiplier q (Koopman 1984)."""
    size = counts.n_control.size
    none_c, none_t = counts.x_control == 0.0, counts.x_treatment == 0.0
    nothing = none_c & none_t
    start = np.log(np.maximum(counts.x_treatment, 0.5) / counts.n_treatment) - np.log(
        np.maximum(counts.x_control, 0.5) / counts.n_control
    )
    lower, upper = np.full(size, -1.0), np.full(size, np.nan)
    at = ~none_t
    inside = np.where(none_c, start + _FAR, start)
    lower[at] = np.expm1(_edges(counts.take(at), lambda z: q - z, inside[at], start[at] - _FAR))
    at = ~none_c
    inside = np.where(none_t, start - _FAR, start)
    upper[at] = np.expm1(_edges(counts.take(at), lambda z: z + q, inside[at], start[at] + _FAR))
    lower = np.where(nothing, np.nan, lower)
    return IntervalBatch(lower, upper, marked(defined(size), none_c, UndefinedReason.ZERO_CONTROL), nothing)


def ratio_z(counts: CountBatch, ratio: Vector) -> Vector:
    """Return the score statistics of p_t / p_c = ratio > 0 (Koopman 1984, closed form)."""
    n_c, n_t, x_c, x_t = counts.n_control, counts.n_treatment, counts.x_control, counts.x_treatment
    a = (n_c + n_t) * ratio
    b = -(ratio * n_t + x_t + n_c + ratio * x_c)
    c = x_t + x_c
    control = 2.0 * c / (-b + np.sqrt(np.maximum(0.0, b * b - 4.0 * a * c)))
    control = np.minimum(np.minimum(control, 1.0), 1.0 / ratio)
    treatment = np.minimum(1.0, ratio * control)
    variance = treatment * (1.0 - treatment) / n_t + ratio * ratio * control * (1.0 - control) / n_c
    distance = x_t / n_t - ratio * (x_c / n_c)
    far = np.abs(distance) > 1e-12 * np.maximum(1.0, ratio)
    endless = np.where(far, np.copysign(np.inf, distance), 0.0)
    found: Vector = np.where(variance > 0.0, distance / np.sqrt(np.where(variance > 0.0, variance, 1.0)), endless)
    return found


def _edges(counts: CountBatch, value: Callable[[Vector], Vector], inside: Vector, outside: Vector) -> Vector:
    """Return the logs of the ratios at which `value` of the score statistic falls to 0, as `proportions` seeks one.

    False position (Illinois) between a point inside the interval and one beyond its end; bisection where it would
    stall.
    """
    high, low = value(ratio_z(counts, np.exp(inside))), value(ratio_z(counts, np.exp(outside)))
    found, side = np.where(low >= 0.0, outside, inside), np.zeros(inside.size)
    rows = np.flatnonzero(low < 0.0)
    counts = counts.take(low < 0.0)
    inside, outside, high, low, side = (x[rows] for x in (inside, outside, high, low, side))
    for _ in range(_STEPS):
        if rows.size == 0:
            break
        halves = 0.5 * (inside + outside)
        middle = (inside * low - outside * high) / (low - high)
        smaller, larger = np.minimum(inside, outside), np.maximum(inside, outside)
        middle = np.where((smaller < middle) & (middle < larger), middle, halves)
        at = value(ratio_z(counts, np.exp(middle)))
        closed = (middle == inside) | (middle == outside)
        done = closed | (np.abs(at) < _CLOSE)
        found[rows[done]] = np.where(closed, inside, middle)[done]
        stalled, side = side * at > 0.0, np.copysign(1.0, at)
        up = at > 0.0
        low = np.where(up, np.where(stalled, 0.5 * low, low), at)
        high = np.where(up, at, np.where(stalled, 0.5 * high, high))
        inside, outside = np.where(up, middle, inside), np.where(up, outside, middle)
        go = ~done
        rows, counts = rows[go], counts.take(go)
        inside, outside, high, low, side = (x[go] for x in (inside, outside, high, low, side))
    found[rows] = inside
    return found
