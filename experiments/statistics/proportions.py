"""Two proportions: score test, score intervals of the difference and of the lift, and exact tests for small counts."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln

from experiments.statistics.boschloo import boschloo_greater
from experiments.statistics.distributions import normal_sf
from experiments.statistics.figures import FigureInvalid, not_negative, positive
from experiments.statistics.pair import ArmEstimate, Pair
from experiments.statistics.results import Interval, Undefined, UndefinedReason, bounded, unbounded, undefined

SMALL_EXPECTED = 5.0
BOSCHLOO_UNITS = 2_000
MOST_EXACT = 4_000
"""Units beyond which Boschloo's test takes too long for anybody to wait for it."""
MOST_TABLES = 5_000_000
"""Tables beyond which Fisher's test does not fit the memory."""
_STEPS = 200
_CLOSE = 1e-12
_FAR = 60.0
_BEYOND = 1.25


@dataclass(frozen=True, slots=True)
class Counts:
    """Units and successes of both arms. Raises FigureInvalid for counts that cannot be."""

    n_control: int
    x_control: int
    n_treatment: int
    x_treatment: int

    def __post_init__(self) -> None:
        for arm, n, x in (
            ("control", self.n_control, self.x_control),
            ("treatment", self.n_treatment, self.x_treatment),
        ):
            if not 0 <= x <= n:
                raise FigureInvalid(f"successes of {arm}: must be between 0 and {n}, not {x}")

    @property
    def control(self) -> float:
        """Rate of control."""
        return self.x_control / self.n_control

    @property
    def treatment(self) -> float:
        """Rate of the treatment."""
        return self.x_treatment / self.n_treatment

    @property
    def pooled(self) -> float:
        """Rate of both arms together."""
        return (self.x_control + self.x_treatment) / (self.n_control + self.n_treatment)

    @property
    def smallest_expected(self) -> float:
        """The smallest of the four counts expected without an effect."""
        return min(self.pooled, 1.0 - self.pooled) * min(self.n_control, self.n_treatment)


def with_units(counts: Counts) -> None:
    """Check that both arms have units. Raises FigureInvalid."""
    for name, n in (("n_control", counts.n_control), ("n_treatment", counts.n_treatment)):
        if n == 0:
            raise FigureInvalid(f"{name}: must be above 0")


def pooled_z(counts: Counts) -> float | Undefined:
    """Return the score statistic (p_t - p_c) / sqrt(p (1 - p) (1/n_c + 1/n_t)), p pooled; its square is chi-square."""
    if counts.n_control == 0 or counts.n_treatment == 0:
        return Undefined(UndefinedReason.NO_DATA)
    pooled = counts.pooled
    variance = pooled * (1.0 - pooled) * (1.0 / counts.n_control + 1.0 / counts.n_treatment)
    if not variance > 0.0:
        return Undefined(UndefinedReason.NO_VARIANCE)
    return (counts.treatment - counts.control) / math.sqrt(variance)


def plug_in_pair(counts: Counts) -> Pair:
    """Return the pair of rates with variances p (1 - p) / n, which may be 0; both arms must have units."""
    with_units(counts)
    control, treatment = counts.control, counts.treatment
    return Pair(
        ArmEstimate(counts.n_control, control, control * (1.0 - control) / counts.n_control),
        ArmEstimate(counts.n_treatment, treatment, treatment * (1.0 - treatment) / counts.n_treatment),
    )


def restricted_difference(counts: Counts, delta: float) -> tuple[float, float]:
    """Return the most likely (p_c, p_t) with p_t - p_c = delta (Farrington & Manning 1990, closed form)."""
    with_units(counts)
    if not -1.0 <= delta <= 1.0:
        raise FigureInvalid(f"delta: must be between -1 and 1, not {delta}")
    p_t, p_c = counts.treatment, counts.control
    theta = counts.n_control / counts.n_treatment
    a = 1.0 + theta
    b = -(1.0 + theta + p_t + theta * p_c + delta * (theta + 2.0))
    c = delta * delta + delta * (2.0 * p_t + theta + 1.0) + p_t + theta * p_c
    d = -p_t * delta * (1.0 + delta)
    v = b**3 / (27.0 * a**3) - b * c / (6.0 * a * a) + d / (2.0 * a)
    u = math.copysign(math.sqrt(max(0.0, b * b / (9.0 * a * a) - c / (3.0 * a))), v)
    cosine = v / u**3 if u != 0.0 else 0.0
    w = (math.pi + math.acos(min(1.0, max(-1.0, cosine)))) / 3.0
    treatment = 2.0 * u * math.cos(w) - b / (3.0 * a)
    treatment = min(1.0, 1.0 + delta, max(0.0, delta, treatment))
    return treatment - delta, treatment


def difference_z(counts: Counts, delta: float) -> float:
    """Return the score statistic of p_t - p_c = delta, infinite where delta is impossible; both arms need units."""
    p_c, p_t = restricted_difference(counts, delta)
    variance = p_t * (1.0 - p_t) / counts.n_treatment + p_c * (1.0 - p_c) / counts.n_control
    distance = counts.treatment - counts.control - delta
    if variance <= 0.0:
        return math.copysign(math.inf, distance) if abs(distance) > 1e-12 else 0.0
    return distance / math.sqrt(variance)


def difference_interval(counts: Counts, q: float, *, variance_factor: float = 1.0) -> Interval:
    """Return the differences that the score test does not reject at multiplier q (Mee 1984).

    With variance_factor N / (N - 1) it is Miettinen & Nurminen's (1985); without it 0 is excluded exactly when the
    pooled score test rejects.
    """
    not_negative(q=q)
    positive(variance_factor=variance_factor)
    if counts.n_control == 0 or counts.n_treatment == 0:
        return undefined(UndefinedReason.NO_DATA)
    point, limit = counts.treatment - counts.control, q * math.sqrt(variance_factor)
    reach = (
        _BEYOND
        * limit
        * math.sqrt(
            counts.control * (1.0 - counts.control) / counts.n_control
            + counts.treatment * (1.0 - counts.treatment) / counts.n_treatment
        )
    )
    lower = _edge(lambda delta: limit - difference_z(counts, delta), point, -1.0, reach)
    upper = _edge(lambda delta: difference_z(counts, delta) + limit, point, 1.0, reach)
    return bounded(lower, upper)


def miettinen_nurminen(counts: Counts, q: float) -> Interval:
    """Return the score interval of the difference with the variance factor N / (N - 1)."""
    if counts.n_control == 0 or counts.n_treatment == 0:
        return undefined(UndefinedReason.NO_DATA)
    total = counts.n_control + counts.n_treatment
    return difference_interval(counts, q, variance_factor=total / (total - 1.0))


def ratio_z(counts: Counts, ratio: float) -> float:
    """Return the score statistic of p_t / p_c = ratio > 0 (Koopman 1984, closed form); both arms must have units."""
    with_units(counts)
    positive(ratio=ratio)
    n_c, n_t, x_c, x_t = counts.n_control, counts.n_treatment, counts.x_control, counts.x_treatment
    a = (n_c + n_t) * ratio
    b = -(ratio * n_t + x_t + n_c + ratio * x_c)
    c = float(x_t + x_c)
    # 2c / (-b + root) is the smaller root of a p^2 + b p + c without the cancellation of (-b - root) / 2a
    control = 2.0 * c / (-b + math.sqrt(max(0.0, b * b - 4.0 * a * c)))
    control = min(control, 1.0, 1.0 / ratio)
    treatment = min(1.0, ratio * control)
    variance = treatment * (1.0 - treatment) / n_t + ratio * ratio * control * (1.0 - control) / n_c
    distance = counts.treatment - ratio * counts.control
    if variance <= 0.0:
        return math.copysign(math.inf, distance) if abs(distance) > 1e-12 * max(1.0, ratio) else 0.0
    return distance / math.sqrt(variance)


def lift_interval(counts: Counts, q: float) -> Interval:
    """Return the lifts p_t / p_c - 1 that the score test does not reject at multiplier q (Koopman 1984).

    Exists without successes in the treatment (lower end -1); without any in control it has no upper end.
    """
    not_negative(q=q)
    if counts.n_control == 0 or counts.n_treatment == 0:
        return undefined(UndefinedReason.NO_DATA)
    if counts.x_control == 0 and counts.x_treatment == 0:
        return undefined(UndefinedReason.ZERO_CONTROL)
    start = math.log(max(counts.x_treatment, 0.5) / counts.n_treatment) - math.log(
        max(counts.x_control, 0.5) / counts.n_control
    )
    reach = _BEYOND * q * math.sqrt(1.0 / max(counts.x_control, 0.5) + 1.0 / max(counts.x_treatment, 0.5))
    # an arm without successes puts the point at 0 or infinity, and a search must begin inside the interval
    lower = -1.0
    if counts.x_treatment > 0:
        inside = start if counts.x_control > 0 else start + _FAR
        lower = math.expm1(_edge(lambda log: q - ratio_z(counts, math.exp(log)), inside, start - _FAR, reach))
    if counts.x_control == 0:
        return unbounded(UndefinedReason.ZERO_CONTROL, lower=lower)
    inside = start if counts.x_treatment > 0 else start - _FAR
    upper = math.expm1(_edge(lambda log: ratio_z(counts, math.exp(log)) + q, inside, start + _FAR, reach))
    return bounded(lower, upper)


def boschloo_p(counts: Counts) -> float:
    """Return Boschloo's exact two-sided p-value: twice the smaller one-sided one. Both arms must have units."""
    with_units(counts)
    units = counts.n_control + counts.n_treatment
    if units > MOST_EXACT:
        raise FigureInvalid(f"units: {units} are too many for an exact test", hint="Use the score test.")
    treatment, control = (counts.n_treatment, counts.x_treatment), (counts.n_control, counts.x_control)
    return min(1.0, 2.0 * min(boschloo_greater(*treatment, *control), boschloo_greater(*control, *treatment)))


def fisher_p(counts: Counts) -> float:
    """Return Fisher's exact two-sided p-value: the probability of all tables no likelier than the one seen."""
    with_units(counts)
    successes = counts.x_control + counts.x_treatment
    least, most = max(0, successes - counts.n_control), min(successes, counts.n_treatment)
    if most - least > MOST_TABLES:
        raise FigureInvalid(
            f"successes: {most - least} tables are too many for an exact test", hint="Use the score test."
        )
    k = np.arange(least, most + 1)
    log_pmf = (
        _log_choose(counts.n_treatment, k)
        + _log_choose(counts.n_control, successes - k)
        - _log_choose(counts.n_control + counts.n_treatment, np.asarray(successes))
    )
    seen = log_pmf[counts.x_treatment - int(k[0])]
    return min(1.0, float(np.exp(log_pmf[log_pmf <= seen + 1e-7]).sum()))


def conversion_p(counts: Counts) -> float | Undefined:
    """Return the p-value of no difference: score test; exact (Boschloo, Fisher beyond its cap) below 5 expected."""
    z = pooled_z(counts)
    if isinstance(z, Undefined):
        return z
    if counts.smallest_expected >= SMALL_EXPECTED:
        return min(1.0, 2.0 * normal_sf(abs(z)))
    if counts.n_control + counts.n_treatment <= BOSCHLOO_UNITS:
        return boschloo_p(counts)
    return fisher_p(counts)


def _edge(value: Callable[[float], float], inside: float, outside: float, reach: float) -> float:
    """Return where `value` falls to 0 between a point inside the interval and one beyond its end.

    False position (Illinois), with bisection where it would stall or a value is infinite; the end itself when value
    is still positive there. reach: how far from inside the answer is expected at most.
    """
    high, side = value(inside), 0.0
    nearer = inside + math.copysign(reach, outside - inside)
    found = value(nearer) if abs(nearer - inside) < abs(outside - inside) else math.inf
    if found < 0.0:
        outside, low = nearer, found
    else:
        low = value(outside)
        if math.isfinite(found):
            inside, high = nearer, found
    if low >= 0.0:
        return outside
    for _ in range(_STEPS):
        finite = math.isfinite(high) and math.isfinite(low) and high > low
        middle = (inside * low - outside * high) / (low - high) if finite else 0.5 * (inside + outside)
        if not min(inside, outside) < middle < max(inside, outside):
            middle = 0.5 * (inside + outside)
            if middle in (inside, outside):
                break
        found = value(middle)
        if abs(found) < _CLOSE:
            return middle
        stalled, side = side * found > 0.0, math.copysign(1.0, found)
        if found > 0.0:
            inside, high, low = middle, found, 0.5 * low if stalled else low
        else:
            outside, low, high = middle, found, 0.5 * high if stalled else high
    return inside


def _log_choose(n: int, k: NDArray[np.int64]) -> NDArray[np.float64]:
    found: NDArray[np.float64] = gammaln(n + 1.0) - gammaln(k + 1.0) - gammaln(n - k + 1.0)
    return found
