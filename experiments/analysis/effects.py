"""One comparison as an effect: what its p-value, intervals and non-inferiority statistic are, whatever the method.

Rates compared without covariates use score methods on counts; everything else is a pair of estimates. Both answer
the same questions for any normal multiplier z (1.96, a group-sequential bound, a confidence sequence's).
"""

import math
from dataclasses import dataclass
from typing import Protocol

from experiments.analysis.scorecard import Estimator
from experiments.statistics import lift, noninferiority, proportions
from experiments.statistics.distributions import normal_isf, t_sf
from experiments.statistics.pair import Pair, difference_interval, p_value
from experiments.statistics.results import Interval, Undefined, UndefinedReason, unbounded


class Effect(Protocol):
    """A comparison that could be estimated."""

    @property
    def estimator(self) -> Estimator:
        """The method that gives the p-value and the absolute interval."""

    @property
    def pair(self) -> Pair:
        """Both arms' estimates, with plug-in variances."""

    @property
    def null_se(self) -> float:
        """Standard error of the difference as the test uses it; 1 / null_se^2 is the information."""

    def p_value(self) -> float:
        """Return the two-sided p-value of no difference at a single look."""

    def z(self) -> float:
        """Return the normal deviate with the same two-sided p-value, positive when treatment is higher."""

    def absolute(self, z: float) -> Interval:
        """Return the interval of the difference at a normal multiplier."""

    def lift(self, z: float) -> Interval:
        """Return the interval of the relative lift at a normal multiplier."""

    def noninferiority(self, margin: float, *, higher_is_better: bool) -> float | Undefined:
        """Return the statistic, as a normal deviate, against `worse by the relative margin or more`."""


@dataclass(frozen=True, slots=True)
class PairEffect:
    """Means, ratios, adjusted and stratified estimates: Welch's t and Fieller's lift."""

    pair: Pair
    estimator: Estimator

    @property
    def null_se(self) -> float:
        """Standard error of the difference; the larger of plug-in and null-restricted where both apply."""
        return self.pair.se

    def p_value(self) -> float:
        """Return Welch's p-value."""
        return p_value(self.pair)

    def z(self) -> float:
        """Return the normal deviate of the t statistic."""
        return _deviate(self.pair.statistic, self.pair.df)

    def absolute(self, z: float) -> Interval:
        """Return difference +- the t multiplier with z's tail."""
        q = self.pair.multiplier(z)
        return unbounded(UndefinedReason.TOO_FEW_UNITS) if math.isinf(q) else difference_interval(self.pair, q)

    def lift(self, z: float) -> Interval:
        """Return Fieller's interval at the t multiplier with z's tail."""
        q = self.pair.multiplier(z)
        return unbounded(UndefinedReason.TOO_FEW_UNITS) if math.isinf(q) else lift.fieller(self.pair, q)

    def noninferiority(self, margin: float, *, higher_is_better: bool) -> float | Undefined:
        """Return the deviate of the test whose margin moves with the noisy control."""
        found = noninferiority.relative_statistic(self.pair, margin, higher_is_better=higher_is_better)
        return found if isinstance(found, Undefined) else _deviate(found, self.pair.df)


@dataclass(frozen=True, slots=True)
class CountEffect:
    """Two rates on counts: score test and intervals, exact test where an expected count is below 5."""

    counts: proportions.Counts
    pair: Pair
    p: float
    estimator: Estimator

    @property
    def null_se(self) -> float:
        """Standard error of the difference with the pooled rate: for the test and its information only."""
        pooled = self.counts.pooled
        per_unit = 1.0 / self.counts.n_control + 1.0 / self.counts.n_treatment
        return math.sqrt(pooled * (1.0 - pooled) * per_unit)

    def p_value(self) -> float:
        """Return the p-value of the score test, or of the exact one."""
        return self.p

    def z(self) -> float:
        """Return the score statistic, or the deviate of the exact p-value."""
        score = proportions.pooled_z(self.counts)
        assert not isinstance(score, Undefined)
        if self.estimator is Estimator.SCORE or self.p == 0.0:
            return score
        return math.copysign(max(0.0, normal_isf(self.p / 2.0)), score)

    def absolute(self, z: float) -> Interval:
        """Return the score interval of the difference."""
        return proportions.difference_interval(self.counts, z)

    def lift(self, z: float) -> Interval:
        """Return Koopman's score interval of the lift."""
        return proportions.lift_interval(self.counts, z)

    def noninferiority(self, margin: float, *, higher_is_better: bool) -> float | Undefined:
        """Return Farrington and Manning's score statistic for the ratio of rates."""
        return noninferiority.proportion_relative_z(self.counts, margin, higher_is_better=higher_is_better)


def count_effect(counts: proportions.Counts) -> CountEffect | Undefined:
    """Return the effect of two rates, or why there is none."""
    p = proportions.conversion_p(counts)
    if isinstance(p, Undefined):
        return p
    exact = counts.smallest_expected < proportions.SMALL_EXPECTED
    boschloo = counts.n_control + counts.n_treatment <= proportions.BOSCHLOO_UNITS
    estimator = (Estimator.BOSCHLOO if boschloo else Estimator.FISHER) if exact else Estimator.SCORE
    return CountEffect(counts, proportions.plug_in_pair(counts), p, estimator)


def information(effect: Effect) -> float | None:
    """Return 1 / SE^2 of the difference, or None where it leaves the floats."""
    se = effect.null_se
    found = 1.0 / se / se if se > 0.0 else math.inf
    return found if math.isfinite(found) and found > 0.0 else None


def _deviate(statistic: float, df: float) -> float:
    if math.isinf(df):
        return statistic
    tail = t_sf(abs(statistic), df)
    return math.copysign(max(0.0, normal_isf(tail)), statistic) if tail > 0.0 else statistic
