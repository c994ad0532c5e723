"""Alpha-spending functions: how much of one side's alpha may be used up by a fraction of the horizon."""

import math
from enum import StrEnum

from experiments.statistics.distributions import normal_isf, normal_sf
from experiments.statistics.figures import FigureInvalid, finite, probabilities

_STEEPEST = 100.0


class Spending(StrEnum):
    """How fast a group-sequential test spends its alpha."""

    OBRIEN_FLEMING = "OBRIEN_FLEMING"
    POCOCK = "POCOCK"
    POWER = "POWER"
    HWANG_SHIH_DECANI = "HWANG_SHIH_DECANI"


def spent(fraction: float, alpha: float, spending: Spending, parameter: float | None = None) -> float:
    """Return the one-sided alpha spent by a fraction of the horizon (above 1 counts as 1).

    OBF 2 (1 - Phi(z_{1 - a/2} / sqrt t)); Pocock a ln(1 + (e - 1) t); power a t^rho; HSD a (1 - e^{-gamma t}) /
    (1 - e^{-gamma}), where `alpha` = a and `parameter` is rho or gamma.
    """
    finite(fraction=fraction)
    probabilities(alpha=alpha)
    if parameter is not None:
        finite(parameter=parameter)
    if fraction <= 0.0:
        return 0.0
    t = min(1.0, fraction)
    match spending:
        case Spending.OBRIEN_FLEMING:
            return 2.0 * normal_sf(normal_isf(alpha / 2.0) / math.sqrt(t))
        case Spending.POCOCK:
            return alpha * math.log1p((math.e - 1.0) * t)
        case Spending.POWER:
            return alpha * math.pow(t, 1.0 if parameter is None else parameter)
        case Spending.HWANG_SHIH_DECANI:
            gamma = 1.0 if parameter is None else parameter
            if abs(gamma) > _STEEPEST:
                raise FigureInvalid(f"parameter: must be between -{_STEEPEST:g} and {_STEEPEST:g}, not {gamma}")
            return alpha * t if gamma == 0.0 else alpha * math.expm1(-gamma * t) / math.expm1(-gamma)
