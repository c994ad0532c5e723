"""Two arms reduced to two estimates with their covariance: what every test and interval of the engine takes.

Means, ratios, covariate-adjusted and stratified estimates all become a `Pair`; fixed tests, repeated intervals,
confidence sequences, the lift and non-inferiority are functions of a pair and a multiplier q.
"""

import math
from dataclasses import dataclass

from experiments.statistics.distributions import normal_sf, t_isf, tail_p
from experiments.statistics.figures import FigureInvalid, not_negative
from experiments.statistics.results import Alternative, Interval, UndefinedReason, bounded, unbounded


@dataclass(frozen=True, slots=True)
class ArmEstimate:
    """An arm's estimate of its mean (or ratio) and the variance of that estimate."""

    n: int
    mean: float
    variance: float


@dataclass(frozen=True, slots=True)
class Restricted:
    """Variances of both arm means restricted to the null, in which the arms share one distribution up to scale.

    control, treatment: h M_a / (N - 1) with h = 1/n_c + 1/n_t, M_a the arm's sum of squares about its own mean and
    N = units: what the pooled variance S^2(rho) = (rho^2 M_c + M_t + (m_t - rho m_c)^2 / h) / (N - 1) leaves to
    each arm.
    """

    control: float
    treatment: float
    units: int

    def inflation(self, q: float) -> float | None:
        """Return (N - 1) / (N - 1 - q^2), or None when q is too large for so few units.

        Moving the squared difference to the other side of |m_t - rho m_c| <= q S sqrt(h) multiplies the variances
        by this factor, so that the restricted set has Fieller's form.
        """
        room = self.units - 1 - q * q
        return (self.units - 1) / room if room > 0.0 else None

    def null_variance(self, difference: float) -> float:
        """Return the variance of the difference under no effect: pooled about the common mean."""
        return self.control + self.treatment + difference * difference / (self.units - 1)


@dataclass(frozen=True, slots=True)
class Pair:
    """Control and treatment estimates, their covariance and the degrees of freedom of the difference.

    restricted: given where the data are skewed and arms uneven or small; tests and intervals then use whichever
    variance is larger, the plug-in or the null-restricted one.
    """

    control: ArmEstimate
    treatment: ArmEstimate
    covariance: float = 0.0
    df: float = math.inf
    restricted: Restricted | None = None

    @property
    def difference(self) -> float:
        """Treatment minus control."""
        return self.treatment.mean - self.control.mean

    @property
    def variance(self) -> float:
        """Variance of the difference; the larger of plug-in and null-restricted where both are asked for."""
        plug_in = max(0.0, self.control.variance + self.treatment.variance - 2.0 * self.covariance)
        if self.restricted is None:
            return plug_in
        null = self.restricted.null_variance(self.difference) - 2.0 * self.covariance
        return max(plug_in, null)

    @property
    def se(self) -> float:
        """Standard error of the difference."""
        return math.sqrt(self.variance)

    @property
    def statistic(self) -> float:
        """Difference over its standard error (t with `df`). Raises FigureInvalid without one (see `means.checked`)."""
        if not self.variance > 0.0:
            raise FigureInvalid("variance: must be above 0 for a test", hint="Let `means.checked` refuse such pairs.")
        return self.difference / self.se

    def multiplier(self, z: float) -> float:
        """Return the t quantile that has the same tail as the normal multiplier z."""
        return z if math.isinf(self.df) else t_isf(normal_sf(z), self.df)


def p_value(pair: Pair, alternative: Alternative = Alternative.TWO_SIDED) -> float:
    """Return the p-value of no difference (Welch's t where df is finite)."""
    return tail_p(pair.statistic, pair.df, alternative)


def difference_interval(pair: Pair, q: float) -> Interval:
    """Return difference +- q standard errors; with restriction, the union of both variances' intervals."""
    not_negative(q=q)
    plug_in = max(0.0, pair.control.variance + pair.treatment.variance - 2.0 * pair.covariance)
    widest = plug_in
    if pair.restricted is not None:
        inflation = pair.restricted.inflation(q)
        if inflation is None:
            return unbounded(UndefinedReason.TOO_FEW_UNITS)
        widest = max(plug_in, inflation * (pair.restricted.control + pair.restricted.treatment - 2.0 * pair.covariance))
    half = q * math.sqrt(widest)
    return bounded(pair.difference - half, pair.difference + half)
