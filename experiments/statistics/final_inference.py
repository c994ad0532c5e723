"""After a group-sequential test has stopped: p-value, median-unbiased estimate and interval.

Stage-wise ordering: an earlier stop is more extreme, then a larger z (Tsiatis, Rosner & Mehta 1984).
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from scipy.optimize import brentq

from experiments.statistics.figures import FigureInvalid, between_0_and_1, finite
from experiments.statistics.group_sequential import check_growing
from experiments.statistics.recursion import crossing_probabilities, watched

LARGEST_Z = 1e8
"""Statistics beyond this are next to their interval's ends in floats: the search for those would never end."""
_NEAR = 4.0
"""Standard errors around the plain estimate within which effects are tried first."""


@dataclass(frozen=True, slots=True)
class FinalInference:
    """One-sided p-value of no effect, and the effect per unit of sqrt(information) with its interval."""

    p_value: float
    median_unbiased: float
    lower: float
    upper: float


def more_extreme(
    information: tuple[float, ...],
    bounds: tuple[float, ...],
    z: float,
    effect: float = 0.0,
    *,
    lower: tuple[float, ...] | None = None,
) -> float:
    """Return P_effect(a result at least as extreme as z at the last look given), upwards.

    information: 1 / SE^2 of the looks up to the stop; bounds: of the looks before it; lower: bounds at which it would
    have stopped downwards. The mean of Z_k is effect sqrt(I_k).
    """
    _check(information, bounds, z, lower)
    finite(effect=effect)
    before = len(information) - 1
    below = None if lower is None else (*lower[:before], -math.inf)
    up, _ = crossing_probabilities(information, (*bounds[:before], z), lower=below, drift=effect)
    return min(1.0, sum(up))


@lru_cache(maxsize=1024)
def final_inference(
    information: tuple[float, ...],
    bounds: tuple[float, ...],
    z: float,
    alpha: float = 0.05,
    *,
    lower: tuple[float, ...] | None = None,
) -> FinalInference:
    """Return the inference after stopping at the last of `information` with statistic z.

    Solves P_effect(more extreme) = alpha / 2, 1/2 and 1 - alpha / 2 for the effect in the units of the estimate. Raises
    FigureInvalid for figures that cannot be and for a statistic beyond `LARGEST_Z`.
    """
    _check(information, bounds, z, lower)
    if abs(z) > LARGEST_Z:
        raise FigureInvalid(f"z: must be within {LARGEST_Z:g} standard errors, not {z:g}")
    between_0_and_1(alpha=alpha)

    half, step = alpha / 2.0, 1.0 / math.sqrt(information[-1])
    before = len(information) - 1
    below = (-math.inf,) * len(information) if lower is None else (*lower[:before], -math.inf)
    motion = watched(information, (*bounds[:before], z), lower=below, drift=z * step)

    def reached(effect: float) -> float:
        if abs(effect - motion.drift) > _NEAR * step:
            return more_extreme(information, bounds, z, effect, lower=lower)
        return min(1.0, motion.crossing(effect))

    p_value = more_extreme(information, bounds, z, lower=lower)
    return FinalInference(
        p_value, *(_effect_at(reached, z * step, step, probability) for probability in (0.5, half, 1.0 - half))
    )


def _effect_at(reached: Callable[[float], float], start: float, step: float, probability: float) -> float:
    """Return the effect at which a result as extreme has a probability; the search begins at the plain estimate."""
    low, high = start - _NEAR * step, start + _NEAR * step
    while reached(low) > probability:
        low -= 8.0 * step
    while reached(high) < probability:
        high += 8.0 * step
    return float(brentq(lambda effect: reached(effect) - probability, low, high, xtol=1e-9 * step, rtol=1e-12))


def _check(
    information: tuple[float, ...], bounds: tuple[float, ...], z: float, lower: tuple[float, ...] | None
) -> None:
    check_growing(information)
    finite(z=z)
    for name, given in (("bounds", bounds), ("lower", lower)):
        if given is not None and (len(given) < len(information) - 1 or any(map(math.isnan, given))):
            raise FigureInvalid(f"{name}: needs {len(information) - 1} numbers, not {given}")
