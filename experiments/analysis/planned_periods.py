"""The part of an analysis plan that says what cells of unit x period are."""

import math
from dataclasses import dataclass
from typing import Final

from experiments.assignment.periods import DAY_MINUTES
from experiments.vocabulary import PeriodDesign

LEAST_CELLS: Final = 20
"""Cells of each variant that a verdict needs; the error over clusters asks for enough of those by itself."""


@dataclass(frozen=True, slots=True)
class PlannedPeriods:
    """Cells of unit x period in place of units: their length and burn-in in minutes.

    block: periods that belong together, in which every variant appears in proportion to its weight. repurchase_days:
    after how many days shoppers typically buy again, where the design declares it.
    """

    minutes: int
    design: PeriodDesign
    burn_in: int = 0
    block: int = 1
    repurchase_days: float | None = None

    def __post_init__(self) -> None:
        if self.minutes < 1 or not 0 <= self.burn_in < self.minutes:
            raise ValueError("periods: a period is longer than its burn-in")
        if self.block < 1:
            raise ValueError(f"periods: block must be 1 or more, not {self.block}")
        if self.repurchase_days is not None and not 0.0 < self.repurchase_days < math.inf:
            raise ValueError(f"repurchase_days: must be a number above 0, not {self.repurchase_days}")

    @property
    def counted_days(self) -> float:
        """Days of each period that count."""
        return (self.minutes - self.burn_in) / DAY_MINUTES
