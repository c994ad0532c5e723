"""The bounds that a planned experiment will be judged by, and the drift at which they are crossed."""

import math
from dataclasses import dataclass
from functools import lru_cache

from experiments.statistics import confidence, group_sequential
from experiments.statistics.designs import Correction, Design, Looks, Watching
from experiments.statistics.distributions import normal_isf, normal_sf
from experiments.statistics.multiplicity import dunnett_critical


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
        """Return the drift at which the bounds have the power."""
        return group_sequential.drift_for_power(self.shares, self.upper, power)


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
    """Return the bounds of a one-sided test: a guardrail's. Nothing of its alpha is reserved."""
    shares, fixed = _shares(looks), normal_isf(alpha)
    match looks.method:
        case Watching.FIXED_HORIZON:
            upper: tuple[float, ...] = (fixed,)
        case Watching.GROUP_SEQUENTIAL:
            upper = group_sequential.lan_demets(shares, 2.0 * alpha, spending=looks.spending)
        case Watching.CONFIDENCE_SEQUENCE:
            g = confidence.tuned_g(2.0 * alpha, 1.0)
            upper = tuple(confidence.one_sided_mixture(share, g, alpha) for share in shares)
    return Bounds(shares, upper, fixed)


def _shares(looks: Looks) -> tuple[float, ...]:
    return tuple((k + 1) / looks.count for k in range(looks.count))
