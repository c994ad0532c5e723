"""Non-inferiority: is the treatment not worse than control by a margin that moves with the noisy control?"""

import math

from experiments.statistics.figures import finite, probabilities
from experiments.statistics.lift import fieller_g
from experiments.statistics.pair import Pair
from experiments.statistics.proportions import Counts, difference_z, ratio_z
from experiments.statistics.results import Undefined, UndefinedReason


def relative_statistic(pair: Pair, margin: float, *, higher_is_better: bool) -> float | Undefined:
    """Return the statistic of H0: worse than control by the relative margin M or more; large is good.

    Higher is better: psi = m_t - (1 - M) m_c, Var = V_t + (1 - M)^2 V_c - 2 (1 - M) C. Lower is better:
    psi = (1 + M) m_c - m_t likewise. Control must be positive.
    """
    finite(margin=margin)
    if pair.control.mean <= 0.0:
        zero = pair.control.mean == 0.0
        return Undefined(UndefinedReason.ZERO_CONTROL if zero else UndefinedReason.NEGATIVE_CONTROL)
    factor = 1.0 - margin if higher_is_better else 1.0 + margin
    psi = pair.treatment.mean - factor * pair.control.mean
    variance = pair.treatment.variance + factor * factor * pair.control.variance - 2.0 * factor * pair.covariance
    if pair.restricted is not None:
        r = pair.restricted
        null = r.treatment + factor * factor * r.control - 2.0 * factor * pair.covariance + psi * psi / (r.units - 1)
        variance = max(variance, null)
    if not variance > 0.0:
        return Undefined(UndefinedReason.NO_VARIANCE)
    if not math.isfinite(fieller_g(pair.control.mean, variance, 1.0)):
        return Undefined(UndefinedReason.OVERFLOW)
    return (psi if higher_is_better else -psi) / math.sqrt(variance)


def absolute_statistic(pair: Pair, margin: float, *, higher_is_better: bool) -> float | Undefined:
    """Return the statistic of H0: worse than control by a fixed absolute margin or more; large is good."""
    finite(margin=margin)
    shifted = pair.difference + margin if higher_is_better else margin - pair.difference
    if not pair.se > 0.0:
        return Undefined(UndefinedReason.NO_VARIANCE)
    found = shifted / pair.se
    return found if math.isfinite(found) else Undefined(UndefinedReason.OVERFLOW)


def proportion_relative_z(counts: Counts, margin: float, *, higher_is_better: bool) -> float | Undefined:
    """Return the score statistic of H0: p_t = (1 -+ M) p_c, variance under H0 (Farrington & Manning 1990)."""
    probabilities(margin=margin)
    if counts.n_control == 0 or counts.n_treatment == 0:
        return Undefined(UndefinedReason.NO_DATA)
    if counts.x_control == 0 and counts.x_treatment == 0:
        return Undefined(UndefinedReason.ZERO_CONTROL)
    z = ratio_z(counts, 1.0 - margin if higher_is_better else 1.0 + margin)
    if not math.isfinite(z):
        return Undefined(UndefinedReason.NO_VARIANCE)
    return z if higher_is_better else -z


def proportion_absolute_z(counts: Counts, margin: float, *, higher_is_better: bool) -> float | Undefined:
    """Return the score statistic of H0: p_t - p_c = -+ margin (Farrington & Manning 1990); large is good."""
    probabilities(margin=margin)
    if counts.n_control == 0 or counts.n_treatment == 0:
        return Undefined(UndefinedReason.NO_DATA)
    z = difference_z(counts, -margin) if higher_is_better else -difference_z(counts, margin)
    return z if math.isfinite(z) else Undefined(UndefinedReason.NO_VARIANCE)
