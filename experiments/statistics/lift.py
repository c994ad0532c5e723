"""Relative lift of a pair: one Fieller inversion for every multiplier, and the point."""

import math

from experiments.statistics.figures import FigureInvalid, finite, not_negative, positive
from experiments.statistics.pair import Pair
from experiments.statistics.results import (
    Interval,
    IntervalStatus,
    Undefined,
    UndefinedReason,
    bounded,
    unbounded,
    undefined,
)

_LARGEST_LOG = 700.0


def lift(pair: Pair) -> float | Undefined:
    """Return treatment / control - 1, or why it has no meaning."""
    if pair.control.mean == 0.0:
        return Undefined(UndefinedReason.ZERO_CONTROL)
    if pair.control.mean < 0.0:
        return Undefined(UndefinedReason.NEGATIVE_CONTROL)
    ratio = pair.treatment.mean / pair.control.mean - 1.0
    return ratio if math.isfinite(ratio) else Undefined(UndefinedReason.ZERO_CONTROL)


def fieller_g(control_mean: float, control_variance: float, q: float) -> float:
    """Return g = q^2 V_c / m_c^2; the lift's interval has two ends only when g < 1.

    Infinite where that leaves the floats. Raises FigureInvalid for a mean of 0 or a variance below 0.
    """
    positive(control_mean=abs(control_mean))
    not_negative(control_variance=control_variance)
    finite(q=q)
    scaled = q * math.sqrt(control_variance) / control_mean
    return scaled * scaled


def fieller(pair: Pair, q: float) -> Interval:
    """Return the lifts r that the absolute test does not reject at multiplier q (Fieller 1954, with covariance).

    All rho = 1 + r with (m_c^2 - q^2 V_c) rho^2 - 2 (m_t m_c - q^2 C) rho + (m_t^2 - q^2 V_t) <= 0. With
    q = b_k it is a repeated interval, with q = c_N a confidence sequence. r = 0 gives exactly the absolute test.
    Where the pair asks for the null-restricted variance too, the union of both sets.
    """
    not_negative(q=q)
    point = lift(pair)
    if isinstance(point, Undefined):
        return undefined(point.reason)
    found = _invert(pair, pair.control.variance, pair.treatment.variance, pair.covariance, q)
    if pair.restricted is None or found.status is not IntervalStatus.BOUNDED:
        return found
    inflation = pair.restricted.inflation(q)
    if inflation is None:
        return unbounded(UndefinedReason.TOO_FEW_UNITS)
    control, treatment = inflation * pair.restricted.control, inflation * pair.restricted.treatment
    other = _invert(pair, control, treatment, inflation * pair.covariance, q)
    if other.lower is None or other.upper is None or found.lower is None or found.upper is None:
        return other
    return bounded(min(found.lower, other.lower), max(found.upper, other.upper))


def _invert(pair: Pair, control_variance: float, treatment_variance: float, covariance: float, q: float) -> Interval:
    base = pair.control.mean
    ratio = pair.treatment.mean / base
    g = fieller_g(base, control_variance, q)
    if not g < 1.0:
        return unbounded(UndefinedReason.CONTROL_TOO_NOISY)
    scaled_treatment = fieller_g(base, treatment_variance, q)
    scaled_covariance = (q / base) * (q / base) * covariance
    centre = ratio - scaled_covariance
    # (ratio - c)^2 - (1 - g)(ratio^2 - t), arranged so that equal large terms do not cancel
    root = (
        g * ratio * ratio
        - 2.0 * ratio * scaled_covariance
        + scaled_covariance * scaled_covariance
        + (1.0 - g) * scaled_treatment
    )
    half = math.sqrt(max(0.0, root))
    lower, upper = (centre - half) / (1.0 - g) - 1.0, (centre + half) / (1.0 - g) - 1.0
    if not (math.isfinite(lower) and math.isfinite(upper)):
        return unbounded(UndefinedReason.CONTROL_TOO_NOISY)
    return bounded(lower, upper)


def log_interval(pair: Pair, q: float) -> Interval:
    """Return exp(ln(m_t / m_c) +- q sqrt(V_t / m_t^2 + V_c / m_c^2)) - 1; both means must be positive."""
    not_negative(q=q)
    if pair.control.mean <= 0.0 or pair.treatment.mean <= 0.0:
        return undefined(UndefinedReason.ZERO_CONTROL)
    spread = math.sqrt(
        fieller_g(pair.treatment.mean, pair.treatment.variance, 1.0)
        + fieller_g(pair.control.mean, pair.control.variance, 1.0)
    )
    centre = math.log(pair.treatment.mean / pair.control.mean)
    return exp_interval(centre, q * spread)


def exp_interval(centre: float, half: float) -> Interval:
    """Return the lifts whose logs lie within `half` of a centre; without an upper end where that leaves the floats."""
    finite(centre=centre)
    if not half >= 0.0:
        raise FigureInvalid(f"half: must be 0 or more, not {half}")
    if not abs(centre) < _LARGEST_LOG:
        return undefined(UndefinedReason.OVERFLOW)
    lower = math.expm1(centre - half)
    if not centre + half < _LARGEST_LOG:
        return unbounded(UndefinedReason.CONTROL_TOO_NOISY, lower=lower)
    return bounded(lower, math.expm1(centre + half))
