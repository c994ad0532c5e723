"""A schedule held against its design: every variant as often as planned in each block, and by chance in each period."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from experiments.assignment.bucketing import SLOTS
from experiments.assignment.schedule import Cell


@dataclass(frozen=True, slots=True)
class Balance:
    """How a schedule stands to its design.

    blocks: whole blocks of units, in which every variant appears in proportion to its weight; `uneven` of them do not.
    furthest: of all variants and periods, how many standard errors the units with a variant are from its weight.
    """

    blocks: int
    uneven: int
    furthest: float


def balance_of(cells: Sequence[Cell], weights: Mapping[str, int], block: int) -> Balance:
    """Return the balance of a schedule's cells. weights: slots of each variant; block: periods balanced together.

    Blocks of one period promise nothing, and those that are not whole (at the end, or beside a blackout) neither.
    """
    periods = Counter(cell.period for cell in cells)
    met = Counter((cell.period, cell.variant) for cell in cells)
    furthest = max(
        (
            abs(met[period, variant] - units * weight / SLOTS) / _deviation(units, weight)
            for period, units in periods.items()
            for variant, weight in weights.items()
            if 0 < weight < SLOTS
        ),
        default=0.0,
    )
    if block == 1:
        return Balance(0, 0, furthest)
    sizes = Counter((cell.unit, cell.period // block) for cell in cells)
    counts = Counter((cell.unit, cell.period // block, cell.variant) for cell in cells)
    planned = {variant: round(weight * block / SLOTS) for variant, weight in weights.items()}
    whole = [place for place, size in sizes.items() if size == block]
    uneven = sum(any(counts[*place, variant] != count for variant, count in planned.items()) for place in whole)
    return Balance(len(whole), uneven, furthest)


def _deviation(units: int, weight: int) -> float:
    """Return the standard deviation of how many of the units get a variant, each by itself."""
    share = weight / SLOTS
    return math.sqrt(units * share * (1.0 - share))
