"""Sample size, detectable effect, power and duration of a comparison, before and during a test."""

import math

from scipy.special import nctdtr

from experiments.statistics.distributions import normal_isf, normal_sf, t_isf
from experiments.statistics.figures import between_0_and_1, finite, not_negative, positive, probabilities


def units_for_mean(
    *,
    variance_control: float,
    variance_treatment: float,
    difference: float,
    alpha: float,
    power: float,
    ratio: float = 1.0,
    variance_left: float = 1.0,
) -> tuple[float, float]:
    """Return the units of control and treatment to detect an absolute difference of means.

    n_c = (z_{1-alpha/2} + z_{1-beta})^2 (s_c^2 + s_t^2 / k) / difference^2, n_t = k n_c with k = `ratio`;
    variance_left is 1 - R^2 of the covariates.
    """
    finite(difference=difference)
    not_negative(variance_control=variance_control, variance_treatment=variance_treatment, variance_left=variance_left)
    positive(difference=abs(difference), ratio=ratio)
    between_0_and_1(alpha=alpha, power=power)
    factor = (normal_isf(alpha / 2.0) + normal_isf(1.0 - power)) ** 2
    control = factor * variance_left * (variance_control + variance_treatment / ratio) / difference**2
    return control, ratio * control


def units_for_proportion(
    *, control: float, treatment: float, alpha: float, power: float, ratio: float = 1.0
) -> tuple[float, float]:
    """Return the units of control and treatment to detect a difference of rates: pooled under H0, unpooled under H1."""
    probabilities(control=control, treatment=treatment)
    positive(difference=abs(treatment - control), ratio=ratio)
    between_0_and_1(alpha=alpha, power=power)
    pooled = (control + ratio * treatment) / (1.0 + ratio)
    null = math.sqrt(pooled * (1.0 - pooled) * (1.0 + 1.0 / ratio))
    alternative = math.sqrt(control * (1.0 - control) + treatment * (1.0 - treatment) / ratio)
    root = (normal_isf(alpha / 2.0) * null + normal_isf(1.0 - power) * alternative) / (treatment - control)
    return root**2, ratio * root**2


def detectable_rate(*, control: float, units: float, alpha: float, power: float, ratio: float = 1.0) -> float:
    """Return the treatment rate above control that `units` in control (ratio times as many in treatment) detect."""
    between_0_and_1(control=control, alpha=alpha, power=power)
    positive(units=units, ratio=ratio)
    low, high = control, 1.0
    for _ in range(200):
        middle = 0.5 * (low + high)
        if middle in (low, high):
            break
        needed, _ = units_for_proportion(control=control, treatment=middle, alpha=alpha, power=power, ratio=ratio)
        if needed > units:
            low = middle
        else:
            high = middle
    return 0.5 * (low + high)


def detectable_difference(se: float, *, alpha: float, power: float, multiplier: float | None = None) -> float:
    """Return the absolute effect found with the given power at a standard error; multiplier replaces z_{1-alpha/2}."""
    not_negative(se=se)
    between_0_and_1(alpha=alpha, power=power)
    if multiplier is not None:
        finite(multiplier=multiplier)
    bound = normal_isf(alpha / 2.0) if multiplier is None else multiplier
    return (bound + normal_isf(1.0 - power)) * se


def power_at(difference: float, se: float, *, alpha: float) -> float:
    """Return the chance that a two-sided z test at a standard error rejects, both tails counted."""
    finite(difference=difference)
    positive(se=se)
    between_0_and_1(alpha=alpha)
    z, shift = normal_isf(alpha / 2.0), difference / se
    return normal_sf(z - shift) + normal_sf(z + shift)


def power_t(*, difference: float, sd: float, n_control: float, n_treatment: float, alpha: float) -> float:
    """Return the power of the two-sided t test with a common sd; the normal power where the noncentral t fails."""
    finite(difference=difference)
    positive(sd=sd, n_control=n_control, n_treatment=n_treatment, df=n_control + n_treatment - 2.0)
    between_0_and_1(alpha=alpha)
    df = n_control + n_treatment - 2.0
    se = sd * math.sqrt(1.0 / n_control + 1.0 / n_treatment)
    bound, shift = t_isf(alpha / 2.0, df), abs(difference) / se
    reached = 1.0 - float(nctdtr(df, shift, bound)) + float(nctdtr(df, shift, -bound))
    return reached if 0.0 <= reached <= 1.0 else power_at(difference, se, alpha=alpha)


def detectable_difference_t(*, sd: float, n_control: float, n_treatment: float, alpha: float, power: float) -> float:
    """Return the absolute effect at which the two-sided t test reaches the power."""
    positive(sd=sd, n_control=n_control, n_treatment=n_treatment, df=n_control + n_treatment - 2.0)
    between_0_and_1(alpha=alpha, power=power)
    se = sd * math.sqrt(1.0 / n_control + 1.0 / n_treatment)
    low, high = 0.0, 3.0 * detectable_difference(se, alpha=alpha, power=power)
    for _ in range(200):
        middle = 0.5 * (low + high)
        if middle in (low, high):
            break
        if power_t(difference=middle, sd=sd, n_control=n_control, n_treatment=n_treatment, alpha=alpha) < power:
            low = middle
        else:
            high = middle
    return 0.5 * (low + high)


def units_for_t(*, difference: float, sd: float, alpha: float, power: float, ratio: float = 1.0) -> tuple[float, float]:
    """Return the units of control and treatment at which `power_t` reaches the power; fractions are kept."""
    positive(difference=abs(difference), sd=sd, ratio=ratio)
    between_0_and_1(alpha=alpha, power=power)
    start, _ = units_for_mean(
        variance_control=sd * sd,
        variance_treatment=sd * sd,
        difference=difference,
        alpha=alpha,
        power=power,
        ratio=ratio,
    )
    low, high = max(2.0, 2.0 / ratio, 0.5 * start), 2.0 * start + 10.0
    for _ in range(200):
        middle = 0.5 * (low + high)
        if middle in (low, high):
            break
        reached = power_t(difference=difference, sd=sd, n_control=middle, n_treatment=ratio * middle, alpha=alpha)
        if reached < power:
            low = middle
        else:
            high = middle
    return 0.5 * (low + high), ratio * 0.5 * (low + high)


def optimal_control_share(treatments: int) -> float:
    """Return the share of control that makes all comparisons with it tightest: sqrt(k) / (sqrt(k) + k)."""
    positive(treatments=treatments)
    return math.sqrt(treatments) / (math.sqrt(treatments) + treatments)


def sequence_inflation(multiplier: float, *, alpha: float, power: float) -> float:
    """Return how many times the sample a confidence sequence with this multiplier needs at its tightest point."""
    finite(multiplier=multiplier)
    between_0_and_1(alpha=alpha, power=power)
    beta = normal_isf(1.0 - power)
    return ((multiplier + beta) / (normal_isf(alpha / 2.0) + beta)) ** 2


def design_effect(*, mean_size: float, icc: float, cv_size: float = 0.0) -> float:
    """Return the factor by which clusters inflate the variance: 1 + ((cv^2 + 1) m - 1) ICC."""
    positive(mean_size=mean_size)
    probabilities(icc=icc)
    not_negative(cv_size=cv_size)
    return 1.0 + ((cv_size**2 + 1.0) * mean_size - 1.0) * icc


def days_for_units(units: float, units_per_day: float) -> int:
    """Return the whole weeks, in days, that collect the units."""
    not_negative(units=units)
    positive(units_per_day=units_per_day)
    return 7 * max(1, math.ceil(units / units_per_day / 7.0))
