"""Tail probabilities and quantiles of the normal, t, chi-square and binomial distributions.

Tails are computed as tails, never as 1 - cdf, so that a p-value far out does not become 0.
"""

import math
from statistics import NormalDist

import numpy as np
from scipy.special import chdtrc, gammaln, stdtr, stdtrit

from experiments.statistics.results import Alternative

_STANDARD = NormalDist()
_SQRT2 = math.sqrt(2.0)
_LOG_SQRT_2PI = 0.5 * math.log(2.0 * math.pi)


def normal_pdf(x: float) -> float:
    """Return the standard normal density at x."""
    return math.exp(-0.5 * x * x - _LOG_SQRT_2PI)


def normal_cdf(x: float) -> float:
    """Return P(Z <= x)."""
    return 0.5 * math.erfc(-x / _SQRT2)


def normal_sf(x: float) -> float:
    """Return P(Z > x)."""
    return 0.5 * math.erfc(x / _SQRT2)


def normal_quantile(p: float) -> float:
    """Return x with P(Z <= x) = p, for p in (0, 1)."""
    return _STANDARD.inv_cdf(p)


def normal_isf(p: float) -> float:
    """Return x with P(Z > x) = p; infinite for p = 0."""
    if p <= 0.0:
        return math.inf
    return -math.inf if p >= 1.0 else -_STANDARD.inv_cdf(p)


def t_sf(x: float, df: float) -> float:
    """Return P(T > x) for Student's t; the normal tail when df is infinite."""
    if math.isinf(df):
        return normal_sf(x)
    return float(stdtr(df, -x))


def t_isf(p: float, df: float) -> float:
    """Return x with P(T > x) = p; the normal quantile when df is infinite or the t quantile leaves the floats."""
    if math.isinf(df):
        return normal_isf(p)
    found = -float(stdtrit(df, p))
    return found if math.isfinite(found) else normal_isf(p)


def chi2_sf(x: float, df: int) -> float:
    """Return P(X > x) for the chi-square distribution."""
    return float(chdtrc(df, x))


def tail_p(statistic: float, df: float, alternative: Alternative = Alternative.TWO_SIDED) -> float:
    """Return the p-value of a t statistic (df may be infinite) for an alternative."""
    if alternative is Alternative.TWO_SIDED:
        return min(1.0, 2.0 * t_sf(abs(statistic), df))
    return t_sf(statistic if alternative is Alternative.GREATER else -statistic, df)


def binomial_two_sided(successes: int, n: int, probability: float) -> float:
    """Return the exact two-sided binomial p-value: the probability of all outcomes no likelier than the one seen."""
    if n == 0:
        return 1.0
    k = np.arange(n + 1)
    with np.errstate(divide="ignore"):
        log_pmf = (
            gammaln(n + 1)
            - gammaln(k + 1)
            - gammaln(n - k + 1)
            + k * math.log(probability)
            + (n - k) * math.log1p(-probability)
        )
    kept = log_pmf <= log_pmf[successes] + 1e-7
    return min(1.0, float(np.exp(log_pmf[kept]).sum()))
