"""After a group-sequential test has stopped: p-value, median-unbiased estimate and interval.

Stage-wise ordering: an earlier stop is more extreme, then a larger z (Tsiatis, Rosner & Mehta 1984).
"""

import math
from dataclasses import dataclass

from experiments.statistics.recursion import crossing_probabilities


@dataclass(frozen=True, slots=True)
class FinalInference:
    """One-sided p-value of no effect, and the effect per unit of sqrt(information) with its interval."""

    p_value: float
    median_unbiased: float
    lower: float
    upper: float


def more_extreme(information: tuple[float, ...], bounds: tuple[float, ...], z: float, effect: float = 0.0) -> float:
    """Return P_effect(a result at least as extreme as z at the last look given), upwards.

    information: 1 / SE^2 of the looks up to the stop; bounds: of the looks before it. The mean of Z_k is
    effect sqrt(I_k).
    """
    up, _ = crossing_probabilities(information, (*bounds[: len(information) - 1], z), drift=effect)
    return min(1.0, sum(up))


def final_inference(
    information: tuple[float, ...], bounds: tuple[float, ...], z: float, alpha: float = 0.05
) -> FinalInference:
    """Return the inference after stopping at the last of `information` with statistic z.

    Solves P_effect(more extreme) = alpha / 2, 1/2 and 1 - alpha / 2 for the effect in the units of the estimate.
    """
    return FinalInference(
        more_extreme(information, bounds, z),
        _effect_at(information, bounds, z, 0.5),
        _effect_at(information, bounds, z, alpha / 2.0),
        _effect_at(information, bounds, z, 1.0 - alpha / 2.0),
    )


def _effect_at(information: tuple[float, ...], bounds: tuple[float, ...], z: float, probability: float) -> float:
    root = math.sqrt(information[-1])
    reach = 12.0 / math.sqrt(information[0])
    low, high = z / root - reach, z / root + reach
    for _ in range(80):
        middle = 0.5 * (low + high)
        if more_extreme(information, bounds, z, middle) < probability:
            low = middle
        else:
            high = middle
        if high - low < 1e-10 * reach:
            break
    return 0.5 * (low + high)
