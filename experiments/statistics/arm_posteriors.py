"""Posterior distributions of arms' means, and the quadrature on which several of them are compared.

Each family is written in a coordinate of its own (rates by their log-odds), in which densities are smooth and bell
shaped; panels end where any arm's distribution does, so that a narrow arm beside a wide one costs no accuracy.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import ClassVar, Protocol

import numpy as np
from numpy.polynomial.legendre import leggauss
from numpy.typing import NDArray
from scipy.special import betainc, betaincinv, betaln, ndtr

from experiments.statistics.results import Interval, bounded
from foundation.errors import DomainError

Points = NDArray[np.float64]

_TAIL = 1e-17
_FARTHEST_LOG_ODDS = 700.0
_NORMAL_REACH = 8.7
_NODES = 320


class PosteriorInvalid(DomainError):
    """Counts or parameters that belong to no distribution."""

    code: ClassVar[str] = "POSTERIOR_INVALID"
    hint = "Successes lie between 0 and n; prior parameters and standard deviations are above 0."


class ArmPosterior(Protocol):
    """The posterior of one arm's mean in a coordinate u; all arms of a comparison share the coordinate."""

    @property
    def mean(self) -> float:
        """Posterior mean, in the metric's own unit."""

    @property
    def extent(self) -> tuple[float, float]:
        """The coordinates outside of which the mass is negligible (1e-17)."""

    def density(self, at: Points) -> Points:
        """Return the density with respect to the coordinate."""

    def below(self, at: Points) -> Points:
        """Return P(the arm's coordinate <= at)."""

    def above(self, at: Points) -> Points:
        """Return P(the arm's coordinate > at), as a tail."""

    def slope(self, at: Points) -> Points:
        """Return d value / d coordinate."""


@dataclass(frozen=True, slots=True)
class BetaArm:
    """Posterior Beta(a, b) of a rate; its coordinate is the log-odds."""

    a: float
    b: float

    def __post_init__(self) -> None:
        for name, value in (("a", self.a), ("b", self.b)):
            if not 0.0 < value < math.inf:
                raise PosteriorInvalid(f"{name}: must be above 0 and finite, not {value}")

    @property
    def mean(self) -> float:
        """Posterior mean a / (a + b)."""
        return self.a / (self.a + self.b)

    @property
    def extent(self) -> tuple[float, float]:
        """Log-odds between the 1e-17 quantiles."""
        low = _log_odds(float(betaincinv(self.a, self.b, _TAIL)))
        high = -_log_odds(float(betaincinv(self.b, self.a, _TAIL)))
        return low, max(high, math.nextafter(low, math.inf))

    def density(self, at: Points) -> Points:
        """Return p^a (1 - p)^b / B(a, b) at log-odds."""
        size = float(betaln(self.a, self.b))
        return np.exp(-self.a * np.logaddexp(0.0, -at) - self.b * np.logaddexp(0.0, at) - size)

    def below(self, at: Points) -> Points:
        """Return P(the arm's log-odds <= at)."""
        return self.below_rate(rate_at(at))

    def above(self, at: Points) -> Points:
        """Return the tail at log-odds."""
        found: Points = betainc(self.b, self.a, rate_at(-at))
        return found

    def below_rate(self, rate: Points) -> Points:
        """Return P(the arm's rate <= rate), the regularised incomplete beta function."""
        found: Points = betainc(self.a, self.b, rate)
        return found

    def slope(self, at: Points) -> Points:
        """Return p (1 - p)."""
        return rate_at(at) * rate_at(-at)

    def interval(self, alpha: float) -> Interval:
        """Return the equal-tailed credible interval with probability 1 - alpha."""
        low, high = betaincinv(self.a, self.b, alpha / 2.0), 1.0 - betaincinv(self.b, self.a, alpha / 2.0)
        return bounded(float(low), float(high))


@dataclass(frozen=True, slots=True)
class NormalArm:
    """Posterior N(mean, sd^2) of a mean; the coordinate is the value itself."""

    mean: float
    sd: float

    def __post_init__(self) -> None:
        if not math.isfinite(self.mean):
            raise PosteriorInvalid(f"mean: must be finite, not {self.mean}")
        if not 0.0 < self.sd < math.inf:
            raise PosteriorInvalid(f"sd: must be above 0 and finite, not {self.sd}")

    @property
    def extent(self) -> tuple[float, float]:
        """The mean and 8.7 standard deviations on both sides."""
        return self.mean - _NORMAL_REACH * self.sd, self.mean + _NORMAL_REACH * self.sd

    def density(self, at: Points) -> Points:
        """Return the normal density."""
        z = (at - self.mean) / self.sd
        return np.exp(-0.5 * z * z) / (self.sd * math.sqrt(2.0 * math.pi))

    def below(self, at: Points) -> Points:
        """Return the normal distribution function."""
        found: Points = ndtr((at - self.mean) / self.sd)
        return found

    def above(self, at: Points) -> Points:
        """Return the normal tail."""
        found: Points = ndtr((self.mean - at) / self.sd)
        return found

    def slope(self, at: Points) -> Points:
        """Return 1."""
        return np.ones_like(at)


def beta_arm(successes: int, n: int, *, prior_a: float = 1.0, prior_b: float = 1.0) -> BetaArm:
    """Return the posterior Beta(a + x, b + n - x) of a rate; a = b = 1 is the uniform prior.

    Raises PosteriorInvalid.
    """
    if not 0 <= successes <= n:
        raise PosteriorInvalid(f"successes: must be between 0 and {n}, not {successes}")
    BetaArm(prior_a, prior_b)
    return BetaArm(prior_a + successes, prior_b + n - successes)


def quadrature(extents: Sequence[tuple[float, float]]) -> tuple[Points, Points]:
    """Return nodes and weights over the union of extents, with a panel between any two neighbouring ends."""
    edges = sorted({end for extent in extents for end in extent})
    if len(edges) < 2 or not all(map(math.isfinite, edges)):
        raise PosteriorInvalid(f"extents: need two different finite ends, not {edges}")
    base, weights = _legendre()
    nodes, mass = [], []
    for left, right in pairwise(edges):
        half = 0.5 * (right - left)
        nodes.append(left + half * (base + 1.0))
        mass.append(half * weights)
    return np.concatenate(nodes), np.concatenate(mass)


def rate_at(log_odds: Points) -> Points:
    """Return the rates of log-odds."""
    return np.exp(-np.logaddexp(0.0, -log_odds))


def log_odds_of(rate: float) -> float:
    """Return the log-odds of a rate, limited to what a float can tell from 0 and 1."""
    return _log_odds(rate) if rate <= 0.5 else -_log_odds(1.0 - rate)


def _log_odds(rate: float) -> float:
    if rate <= 0.0:
        return -_FARTHEST_LOG_ODDS
    if rate >= 1.0:
        return _FARTHEST_LOG_ODDS
    return max(-_FARTHEST_LOG_ODDS, math.log(rate) - math.log1p(-rate))


@lru_cache(maxsize=1)
def _legendre() -> tuple[Points, Points]:
    nodes, weights = leggauss(_NODES)
    return nodes, weights
