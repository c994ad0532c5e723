"""The bounds that a planned experiment will be judged by, and the drift at which they are crossed."""

import math
from dataclasses import dataclass
from functools import lru_cache

from scipy.optimize import brentq

from experiments.statistics import confidence, group_sequential
from experiments.statistics.designs import Correction, Design, Looks, Watching
from experiments.statistics.distributions import normal_isf, normal_sf
from experiments.statistics.figures import between_0_and_1, probabilities
from experiments.statistics.multiplicity import dunnett_critical

_TINY = 1e-300
_EPSILON = 2.0**-53


@dataclass(frozen=True, slots=True)
class Bounds:
    """Upper z-bounds at equally spaced shares of the horizon.

    fixed: the bound that one look at the same level would have.
    """

    shares: tuple[float, ...]
    upper: tuple[float, ...]
    fixed: float

    def power(self, drift: float) -> float:
        """Return the chance to cross by the horizon; drift is the mean of Z there."""
        return group_sequential.power(self.shares, self.upper, drift)[0]

    def mean_share(self, drift: float) -> float:
        """Return the mean share of the horizon at which the test ends."""
        return group_sequential.power(self.shares, self.upper, drift)[1]

    def drift(self, power: float) -> float:
        """Return the drift at which the bounds have the power.

        No test of the level finds it with less than one look at the end does, and the last bound alone finds it with
        what is above that bound; in between, the probit of power is nearly a line.
        """
        wanted = probit(power)
        low, high = self.fixed + wanted, self.upper[-1] + wanted
        if len(self.upper) == 1:
            return high
        return float(brentq(lambda drift: probit(self.power(drift)) - wanted, low - 1e-6, high + 1e-6, xtol=1e-11))


def probit(probability: float) -> float:
    """Return the normal quantile; finite at 0 and 1, which a sum of probabilities may reach by rounding."""
    probabilities(probability=probability)
    return -normal_isf(min(max(probability, _TINY), 1.0 - _EPSILON))


def level_each(design: Design) -> float:
    """Return the two-sided level of one comparison, so that all of them together keep alpha."""
    shared = design.alpha / design.decision_metrics
    correction = design.correction
    if correction is None:
        single = design.looks.method is Watching.FIXED_HORIZON
        correction = Correction.DUNNETT if single else Correction.HOLM
    if design.treatments == 1 or correction is Correction.NONE:
        return shared
    if correction is Correction.HOLM:
        return shared / design.treatments
    loading = math.sqrt(design.ratio / (1.0 + design.ratio))
    return 2.0 * normal_sf(dunnett_critical(shared, (loading,) * design.treatments))


@lru_cache(maxsize=256)
def two_sided_bounds(looks: Looks, alpha: float) -> Bounds:
    """Return the bounds of a two-sided comparison."""
    between_0_and_1(alpha=alpha)
    shares, fixed = _shares(looks), normal_isf(alpha / 2.0)
    match looks.method:
        case Watching.FIXED_HORIZON:
            upper: tuple[float, ...] = (fixed,)
        case Watching.GROUP_SEQUENTIAL:
            upper = group_sequential.lan_demets(shares, alpha * (1.0 - looks.reserved), spending=looks.spending)
        case Watching.CONFIDENCE_SEQUENCE:
            g = confidence.tuned_g(alpha, 1.0)
            upper = tuple(confidence.two_sided(share, g, alpha) for share in shares)
    return Bounds(shares, upper, fixed)


@lru_cache(maxsize=256)
def one_sided_bounds(looks: Looks, alpha: float) -> Bounds:
    """Return the bounds of a one-sided test: a guardrail's, which reserves the same share of its alpha."""
    between_0_and_1(alpha=2.0 * alpha)
    shares, fixed = _shares(looks), normal_isf(alpha)
    match looks.method:
        case Watching.FIXED_HORIZON:
            upper: tuple[float, ...] = (fixed,)
        case Watching.GROUP_SEQUENTIAL:
            upper = group_sequential.lan_demets(shares, 2.0 * alpha * (1.0 - looks.reserved), spending=looks.spending)
        case Watching.CONFIDENCE_SEQUENCE:
            g = confidence.tuned_g(2.0 * alpha, 1.0)
            upper = tuple(confidence.one_sided_mixture(share, g, alpha) for share in shares)
    return Bounds(shares, upper, fixed)


def _shares(looks: Looks) -> tuple[float, ...]:
    return tuple((k + 1) / looks.count for k in range(looks.count))
