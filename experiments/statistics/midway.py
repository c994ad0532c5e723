"""Power of a running test at its planned effect, and how many more units it needs."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from experiments.statistics.distributions import normal_sf
from foundation.errors import DomainError

_MOST = 2.0**40
_STEPS = 200

Multiplier = Callable[[float], float]
"""From the units of both arms to the number of standard errors that the test asks for at that time."""


class MidwayInvalid(DomainError):
    """Figures from which the remaining units cannot be computed."""

    code: ClassVar[str] = "MIDWAY_INVALID"
    hint = "Effect, standard error and units are above 0; power lies between 0 and 1."


@dataclass(frozen=True, slots=True)
class Remaining:
    """Power with the units so far, and the units still needed in both arms together; None where no number suffices."""

    power_now: float
    additional_units: float | None
    growth: float | None


def remaining_units(*, effect: float, se: float, units: float, power: float, multiplier: Multiplier) -> Remaining:
    """Return the power now and the units that are missing for the wanted power at the planned effect.

    SE^2 falls as units / (units + additional); power = P(Z > c - e) + P(Z > c + e), e = effect / SE, c = the
    multiplier at those units (a constant for one look, `confidence.two_sided` for a confidence sequence). growth =
    additional / units. Effect and SE share a scale. Raises MidwayInvalid.
    """
    if not all(0.0 < value < math.inf for value in (abs(effect), se, units)) or not 0.0 < power < 1.0:
        raise MidwayInvalid(f"effect, se, units, power: {effect}, {se}, {units}, {power} do not make a test")

    def reached(growth: float) -> float:
        shift = abs(effect) / se * math.sqrt(1.0 + growth)
        bound = multiplier(units * (1.0 + growth))
        return normal_sf(bound - shift) + normal_sf(bound + shift)

    now = reached(0.0)
    if now >= power:
        return Remaining(now, 0.0, 0.0)
    low, high = 0.0, 1.0
    while reached(high) < power:
        low, high = high, 2.0 * high
        if high > _MOST:
            return Remaining(now, None, None)
    for _ in range(_STEPS):
        middle = 0.5 * (low + high)
        if middle in (low, high):
            break
        if reached(middle) < power:
            low = middle
        else:
            high = middle
    return Remaining(now, high * units, high)
