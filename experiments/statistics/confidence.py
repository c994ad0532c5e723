"""Confidence sequences: multipliers and p-values that hold at every look together.

Time is n, in units or in information; the scale g must come from the plan and never from the running data.
"""

import math

from scipy.special import lambertw, log_ndtr

from experiments.statistics.figures import between_0_and_1, finite, not_negative, positive


def tuned_g(alpha: float, planned: float) -> float:
    """Return the g that makes the two-sided sequence tightest at n = planned (Waudby-Smith et al. 2024).

    g = 1 / rho^2, rho^2 = -(W_-1(-alpha^2 / e) + 1) / planned.
    """
    between_0_and_1(alpha=alpha)
    positive(planned=planned)
    rho2 = -(float(lambertw(-alpha * alpha / math.e, -1).real) + 1.0) / planned
    return 1.0 / rho2


def approximate_g(alpha: float, planned: float) -> float:
    """Return the common approximation 1 / rho^2 with rho^2 = (-2 ln a + ln(1 - 2 ln a)) / planned."""
    between_0_and_1(alpha=alpha)
    positive(planned=planned)
    log_alpha = math.log(alpha)
    return planned / (-2.0 * log_alpha + math.log(1.0 - 2.0 * log_alpha))


def two_sided(n: float, g: float, alpha: float) -> float:
    """Return the multiplier of the standard error at time n: sqrt(((g + n) / n) ln((g + n) / (g alpha^2)))."""
    positive(n=n, g=g)
    between_0_and_1(alpha=alpha)
    return math.sqrt((g + n) / n * (math.log((g + n) / g) - 2.0 * math.log(alpha)))


def one_sided(n: float, g: float, alpha: float) -> float:
    """Return the one-sided multiplier: sqrt(((g + n) / n) 2 ln(1 + sqrt((g + n) / g) / (2 alpha)))."""
    positive(n=n, g=g)
    between_0_and_1(alpha=alpha)
    return math.sqrt((g + n) / n * 2.0 * math.log1p(math.sqrt((g + n) / g) / (2.0 * alpha)))


def log_e_value_one_sided(z: float, n: float, g: float) -> float:
    """Return the log of the half-normal mixture e-value against `effect <= 0`; large for large z.

    ln 2 + ln sqrt(g / (g + n)) + z^2 n / (2 (g + n)) + ln Phi(z sqrt(n / (g + n))).
    """
    finite(z=z)
    positive(n=n, g=g)
    return _half_normal(z, n, g)


def _half_normal(z: float, n: float, g: float) -> float:
    shrunk = z * math.sqrt(n / (g + n))
    return math.log(2.0) + 0.5 * math.log(g / (g + n)) + 0.5 * shrunk * shrunk + float(log_ndtr(shrunk))


def one_sided_mixture(n: float, g: float, alpha: float) -> float:
    """Return the multiplier at which the half-normal mixture reaches 1 / alpha: exact, a little below `one_sided`."""
    positive(n=n, g=g)
    between_0_and_1(alpha=alpha)
    low, high = -1.0, 1.0
    while _half_normal(high, n, g) < -math.log(alpha):
        low, high = high, 2.0 * high
    for _ in range(200):
        middle = 0.5 * (low + high)
        if middle in (low, high):
            break
        if _half_normal(middle, n, g) < -math.log(alpha):
            low = middle
        else:
            high = middle
    return 0.5 * (low + high)


def log_e_value(z: float, n: float, g: float) -> float:
    """Return the log of the normal-mixture e-value: ln sqrt(g / (g + n)) + z^2 n / (2 (g + n))."""
    finite(z=z)
    positive(n=n, g=g)
    return 0.5 * math.log(g / (g + n)) + z * z * n / (2.0 * (g + n))


def log_e_value_t(t: float, df: float, n: float, g: float) -> float:
    """Return the log e-value of a t statistic, exact for Gaussian linear models (Lindon et al. 2022).

    E = sqrt(r) ((1 + t^2 / df) / (1 + r t^2 / df))^((df + 1) / 2), r = g / (g + n).
    """
    finite(t=t)
    positive(df=df, n=n, g=g)
    r = g / (g + n)
    square = t * t / df
    return 0.5 * math.log(r) + 0.5 * (df + 1.0) * (math.log1p(square) - math.log1p(r * square))


def t_multiplier(df: float, n: float, g: float, alpha: float) -> float:
    """Return the multiplier at which the t e-value reaches 1 / alpha; infinite where it never does."""
    positive(df=df, n=n, g=g)
    between_0_and_1(alpha=alpha)
    r = g / (g + n)
    power = math.exp(2.0 / (df + 1.0) * (-math.log(alpha) - 0.5 * math.log(r)))
    room = 1.0 - r * power
    return math.sqrt(df * (power - 1.0) / room) if room > 0.0 else math.inf


def always_valid_p(log_e: float) -> float:
    """Return min(1, 1 / e-value)."""
    return math.exp(min(0.0, -log_e))


def msprt_likelihood_ratio(difference: float, variance: float, n: float, mixing_variance: float) -> float:
    """Return the mixture likelihood ratio of n per arm, variance s_c^2 + s_t^2, mixing N(0, tau^2).

    sqrt(V / (V + n tau^2)) exp(n^2 tau^2 d^2 / (2 V (V + n tau^2))).
    """
    finite(difference=difference)
    positive(variance=variance, n=n)
    not_negative(mixing_variance=mixing_variance)
    spread = variance + n * mixing_variance
    exponent = n * n * mixing_variance * difference * difference / (2.0 * variance * spread)
    return math.sqrt(variance / spread) * math.exp(min(700.0, exponent))
