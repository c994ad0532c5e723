"""Confidence sequences without asymptotics: one rate, and the mean of bounded values.

Howard, Ramdas, McAuliffe & Sekhon (2021). They hold from the first unit on, at every look together. What tunes them
(`planned`) must come from the plan and never from the running data.
"""

import math
from collections.abc import Callable, Sequence
from typing import ClassVar

import numpy as np
from scipy.special import betaln, gammainc, gammaln

from experiments.statistics.confidence import approximate_g
from experiments.statistics.figures import between_0_and_1, not_negative, positive
from experiments.statistics.results import Interval, UndefinedReason, bounded, undefined
from foundation.errors import DomainError

_SMALLEST_RATE = 1e-300
_LEAST_PRIOR = 1e-3
_STEPS = 400


class SequenceInvalid(DomainError):
    """Figures from which no confidence sequence can be computed."""

    code: ClassVar[str] = "SEQUENCE_INVALID"
    hint = "Counts are 0 or more, alpha lies between 0 and 1, values lie within their bounds."


def bernoulli_interval(
    successes: int, n: int, *, alpha: float, planned: float, planned_alpha: float | None = None
) -> Interval:
    """Return the beta-binomial confidence sequence of one rate at n units, tightest near `planned` units.

    All p with B(m p + x, m (1 - p) + n - x) / B(m p, m (1 - p)) < p^x (1 - p)^(n - x) / alpha, where the mixture
    weighs m = g - 1 units, g as the normal mixture's at `planned`, tuned at `planned_alpha` (alpha unless given).
    Undefined without units. Raises SequenceInvalid.
    """
    if not 0 <= successes <= n:
        raise SequenceInvalid(f"successes: must be between 0 and {n}, not {successes}")
    tuned = alpha if planned_alpha is None else planned_alpha
    _check_levels(alpha, tuned, planned)
    if n == 0:
        return undefined(UndefinedReason.NO_DATA)
    mass = max(approximate_g(tuned, planned) - 1.0, _LEAST_PRIOR)
    lower = _smallest_rate(successes, n, mass, alpha)
    upper = 1.0 - _smallest_rate(n - successes, n, mass, alpha)
    return bounded(lower, upper)


def log_e_bernoulli(successes: int, n: int, p: float, mass: float) -> float:
    """Return the log e-value of the beta-binomial mixture against the rate p, the mixture worth `mass` units."""
    between_0_and_1(p=p)
    positive(mass=mass)
    if not 0 <= successes <= n:
        raise SequenceInvalid(f"successes: must be between 0 and {n}, not {successes}")
    mixture = betaln(mass * p + successes, mass * (1.0 - p) + n - successes) - betaln(mass * p, mass * (1.0 - p))
    return float(mixture) - successes * math.log(p) - (n - successes) * math.log1p(-p)


def log_e_gamma_exponential(s: float, v: float, rho: float, c: float) -> float:
    """Return the log of the gamma-exponential mixture of a sum s with intrinsic time v and scale c > 0.

    For sums whose increments are sub-exponential with scale c, as empirical-Bernstein sums with range c are. With
    a = (v + rho) / c^2 and x = (c s + v + rho) / c^2: leading constant + ln Gamma(a) + ln P(a, x) - a ln x + x -
    rho / c^2, P the regularised incomplete gamma function.
    """
    not_negative(s=s, v=v)
    positive(rho=rho, c=c)
    square = c * c
    start, a, x = rho / square, (v + rho) / square, (c * s + v + rho) / square
    constant = start * math.log(start) - float(gammaln(start)) - _log_gamma_share(start, start)
    return constant + float(gammaln(a)) + _log_gamma_share(a, x) - a * math.log(x) + x - start


def gamma_exponential_bound(v: float, *, alpha: float, rho: float, c: float) -> float:
    """Return the sum that stays uncrossed at all times with probability 1 - alpha, at intrinsic time v.

    rho: `one_sided_rho` of the planned v. Raises SequenceInvalid.
    """
    _check_levels(alpha, alpha, rho)
    if not (0.0 <= v < math.inf and 0.0 < c < math.inf):
        raise SequenceInvalid(f"v and c: must be finite, v 0 or more and c above 0, not {v} and {c}")
    limit = -math.log(alpha)
    return _first_above(lambda s: log_e_gamma_exponential(s, v, rho, c) - limit, max(1.0, math.sqrt(v), c))


def one_sided_rho(alpha: float, planned: float) -> float:
    """Return the rho that makes a one-sided mixture boundary tightest near intrinsic time `planned`."""
    return approximate_g(2.0 * alpha, planned)


def bounded_mean_interval(
    values: Sequence[float], *, lower: float, upper: float, alpha: float, planned: float
) -> Interval:
    """Return the empirical-Bernstein confidence sequence of the mean of values in [lower, upper], in arrival order.

    mean +- u(V) / n with V the sum of squared distances from the running mean before each value and u the
    gamma-exponential bound of scale upper - lower at alpha / 2 per side; tightest near V = `planned`, which is the
    expected variance times the planned units. Cut to [lower, upper]. Raises SequenceInvalid.
    """
    _check_levels(alpha, alpha, planned)
    if not lower < upper:
        raise SequenceInvalid(f"upper: must be above {lower}, not {upper}")
    x = np.asarray(values, dtype=float)
    if x.size == 0:
        return undefined(UndefinedReason.NO_DATA)
    if not bool(np.all((x >= lower) & (x <= upper))):
        raise SequenceInvalid(f"values: must lie between {lower} and {upper}")
    # the centre of the bounds counts as one value, so that the first prediction exists and never sees its own value
    centre = 0.5 * (lower + upper)
    before = (centre + np.concatenate(([0.0], np.cumsum(x)[:-1]))) / np.arange(1, x.size + 1)
    v = float(np.sum((x - before) ** 2))
    rho = one_sided_rho(alpha / 2.0, planned)
    radius = gamma_exponential_bound(v, alpha=alpha / 2.0, rho=rho, c=upper - lower) / x.size
    mean = float(x.mean())
    return bounded(max(lower, mean - radius), min(upper, mean + radius))


def _smallest_rate(successes: int, n: int, mass: float, alpha: float) -> float:
    """Return the lower end of the rates that the mixture does not reject; 0 where it rejects none below."""
    limit = -math.log(alpha)
    if successes == 0 or log_e_bernoulli(successes, n, _SMALLEST_RATE, mass) < limit:
        return 0.0
    low, high = math.log(_SMALLEST_RATE), math.log(successes / n) if successes < n else math.log1p(-1e-12)
    for _ in range(_STEPS):
        middle = 0.5 * (low + high)
        if middle in (low, high):
            break
        if log_e_bernoulli(successes, n, math.exp(middle), mass) < limit:
            high = middle
        else:
            low = middle
    return math.exp(high)


def _first_above(value: Callable[[float], float], start: float) -> float:
    """Return where an increasing function of s > 0 reaches 0."""
    low, high = 0.0, start
    while value(high) < 0.0:
        low, high = high, 2.0 * high
    for _ in range(_STEPS):
        middle = 0.5 * (low + high)
        if middle in (low, high):
            break
        if value(middle) < 0.0:
            low = middle
        else:
            high = middle
    return 0.5 * (low + high)


def _log_gamma_share(a: float, x: float) -> float:
    share = float(gammainc(a, x))
    return math.log(share) if share > 0.0 else -math.inf


def _check_levels(alpha: float, planned_alpha: float, planned: float) -> None:
    for name, value in (("alpha", alpha), ("planned_alpha", planned_alpha)):
        if not 0.0 < value < 1.0:
            raise SequenceInvalid(f"{name}: must be between 0 and 1, not {value}")
    if not 0.0 < planned < math.inf:
        raise SequenceInvalid(f"planned: must be above 0 and finite, not {planned}")
