"""The Bayesian view of one effect: a normal prior, a normal likelihood, and what the posterior says about the risk.

Beside the frequentist result, never instead of it: credible statements are calibrated under looks only on average
over the prior.
"""

import math
from dataclasses import dataclass
from typing import ClassVar

from scipy.special import erfcx

from experiments.statistics.distributions import normal_cdf, normal_isf, normal_pdf
from experiments.statistics.lift import lift
from experiments.statistics.pair import Pair
from experiments.statistics.results import Interval, Undefined, UndefinedReason, bounded
from foundation.errors import DomainError


class PriorInvalid(DomainError):
    """A prior that is no distribution."""

    code: ClassVar[str] = "PRIOR_INVALID"
    hint = "Give a finite mean and a finite variance of 0 or more, on the scale of the relative lift."


@dataclass(frozen=True, slots=True)
class NormalPrior:
    """A normal prior of an effect; variance 0 is certainty. Raises PriorInvalid for figures that are none."""

    mean: float
    variance: float

    def __post_init__(self) -> None:
        if not math.isfinite(self.mean):
            raise PriorInvalid(f"mean: must be finite, not {self.mean}")
        if not 0.0 <= self.variance < math.inf:
            raise PriorInvalid(f"variance: must be 0 or more and finite, not {self.variance}")

    def on_absolute_scale(self, control_mean: float) -> "NormalPrior":
        """Return the prior of the absolute difference that this prior of the lift implies: times |control mean|."""
        return NormalPrior(self.mean * abs(control_mean), self.variance * control_mean * control_mean)


DEFAULT_PRIOR = NormalPrior(0.0, 0.05**2)
"""Of the relative lift, for a project without finished experiments: most effects are within 10%."""


@dataclass(frozen=True, slots=True)
class NormalPosterior:
    """A normal posterior of an effect.

    weight: of the estimate against the prior mean, from 0 (the prior alone) to 1 (the estimate alone).
    """

    mean: float
    sd: float
    weight: float

    def interval(self, alpha: float) -> Interval:
        """Return the equal-tailed credible interval with probability 1 - alpha."""
        half = normal_isf(alpha / 2.0) * self.sd
        return bounded(self.mean - half, self.mean + half)

    @property
    def chance_above_zero(self) -> float:
        """P(effect > 0) = Phi(mean / sd)."""
        if self.sd == 0.0:
            return float(self.mean > 0.0)
        return normal_cdf(self.mean / self.sd)

    @property
    def expected_gain(self) -> float:
        """E[max(effect, 0)] = mean Phi(mean / sd) + sd phi(mean / sd): what keeping control forgoes."""
        return _expected_excess(self.mean, self.sd)

    @property
    def expected_loss(self) -> float:
        """E[max(-effect, 0)]: what choosing the treatment risks."""
        return _expected_excess(-self.mean, self.sd)


def posterior(estimate: float, se: float, prior: NormalPrior | None) -> NormalPosterior | Undefined:
    """Return the conjugate normal posterior, or why there is none; without a prior, the flat one.

    weight w = variance / (variance + SE^2), mean = prior + w (estimate - prior), sd = SE sqrt(w).
    """
    if not (math.isfinite(estimate) and math.isfinite(se)):
        return Undefined(UndefinedReason.OVERFLOW)
    if not se > 0.0:
        return Undefined(UndefinedReason.NO_VARIANCE)
    if prior is None:
        return NormalPosterior(estimate, se, 1.0)
    spread = math.sqrt(prior.variance)
    share = spread / math.hypot(spread, se)
    weight = share * share
    return NormalPosterior(prior.mean + weight * (estimate - prior.mean), se * share, weight)


def lift_likelihood(pair: Pair) -> tuple[float, float] | Undefined:
    """Return lift and delta-method SE as a normal likelihood for a prior on the lift, or why there is none.

    SE^2 = V_t / m_c^2 + m_t^2 V_c / m_c^4 - 2 m_t C / m_c^3. It serves this view alone: a p-value or an interval
    from it is wrong for few conversions (see `lift.fieller`).
    """
    point = lift(pair)
    if isinstance(point, Undefined):
        return point
    base, ratio = pair.control.mean, 1.0 + point
    variance = pair.treatment.variance + ratio * ratio * pair.control.variance - 2.0 * ratio * pair.covariance
    if not variance > 0.0:
        return Undefined(UndefinedReason.NO_VARIANCE)
    se = math.sqrt(variance) / base
    return (point, se) if math.isfinite(se) else Undefined(UndefinedReason.OVERFLOW)


def _expected_excess(mean: float, sd: float) -> float:
    """Return E[max(X, 0)] for X ~ N(mean, sd^2); below 0 by the scaled tail, so that nothing cancels."""
    if sd == 0.0:
        return max(0.0, mean)
    u = mean / sd
    below = abs(u)
    tail = normal_pdf(u) * (1.0 - below * math.sqrt(math.pi / 2.0) * float(erfcx(below / math.sqrt(2.0))))
    return sd * max(0.0, tail) + max(0.0, mean)
