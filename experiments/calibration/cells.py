"""Cells of unit x period in simulated experiments: drawn as the product draws them, counted as it counts them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from experiments.analysis.estimate import Estimated
from experiments.analysis.inputs import ClusterSums
from experiments.analysis.metrics import Aggregation, MetricSpec, What
from experiments.analysis.period_estimates import cell_effect
from experiments.assignment.bucketing import SLOTS, Purpose, slot_prefix
from experiments.assignment.period_table import period_slots
from experiments.assignment.periods import DAY_MINUTES, Periods, block_length
from experiments.calibration.plans import CONTROL, TREATMENT
from experiments.statistics.distributions import normal_isf
from experiments.statistics.results import Interval, Undefined
from experiments.vocabulary import MetricKind, PeriodDesign

Treated = NDArray[np.bool_]
"""Whether a cell has the treatment: shape (units, periods)."""
Amounts = NDArray[np.int64]
"""What each cell brought, in millionths of the currency: shape (units, periods)."""

Number = TypeVar("Number", np.float64, np.int64)

START = datetime(2026, 1, 5, tzinfo=UTC)
"""A Monday."""
_HALF = SLOTS // 2
_Z = normal_isf(0.025)


@dataclass(frozen=True, slots=True)
class Calendar:
    """Periods of whole days, their burn-in in days, and how the cells are drawn between two equal arms."""

    periods: int
    days: int
    burn_in: int
    design: PeriodDesign = PeriodDesign.BALANCED

    def __post_init__(self) -> None:
        if self.periods < 1 or not 0 <= self.burn_in < self.days:
            raise ValueError("calendar: needs a period, and a period is longer than its burn-in")

    @property
    def counted(self) -> int:
        """Days of each period that count."""
        return self.days - self.burn_in

    @property
    def length(self) -> int:
        """Days of all periods."""
        return self.periods * self.days

    @property
    def block(self) -> int:
        """Periods that are balanced together."""
        return (block_length((_HALF, SLOTS - _HALF)) or 1) if self.design is PeriodDesign.BALANCED else 1

    def draw(self, salt: str, units: int) -> Treated:
        """Return the cells that get the treatment: those whose slot lies in the upper half."""
        purpose = Purpose.PERIOD if self.design is PeriodDesign.BALANCED else Purpose.VARIANT
        prefix = slot_prefix(salt, purpose)
        periods = Periods(START, self.days * DAY_MINUTES, self.design, self.burn_in * DAY_MINUTES, self.block, prefix)
        return period_slots(periods, [b"unit-%d" % unit for unit in range(units)], range(self.periods)) >= _HALF

    def by_day(self, cells: NDArray[np.bool_], lead_in: int) -> NDArray[np.bool_]:
        """Return cells (..., periods) as days (..., lead_in + length); before the first period all are in control."""
        days = np.repeat(cells, self.days, axis=-1)
        before = np.zeros((*cells.shape[:-1], lead_in), dtype=bool)
        return np.concatenate([before, days], axis=-1)

    def counted_days(self, days: NDArray[Number], lead_in: int) -> NDArray[Number]:
        """Return the sums over the counted days of each period: (..., lead_in + length) becomes (..., periods)."""
        split = days[..., lead_in:].reshape(*days.shape[:-1], self.periods, self.days)
        found: NDArray[Number] = split[..., self.burn_in :].sum(axis=-1)
        return found


def amount(key: str, *events: str) -> MetricSpec:
    """Return a metric that sums the values of events, in currency units."""
    return MetricSpec(key, 1, MetricKind.SUM, Aggregation(events, What.SUM_VALUE))


def cluster_sums(spec: MetricSpec, treated: Treated, amounts: Amounts) -> tuple[ClusterSums, ClusterSums]:
    """Return each unit's cells in control and in the treatment."""
    found = []
    for key, mine in ((CONTROL, ~treated), (TREATMENT, treated)):
        cells, sums = mine.sum(axis=1), np.where(mine, amounts, 0).sum(axis=1)
        found.append(ClusterSums(spec.key, key, tuple(cells.tolist()), {"y": tuple(sums.tolist())}))
    return found[0], found[1]


@dataclass(frozen=True, slots=True)
class Estimate:
    """The effect on a cell in currency units, and its 95% interval."""

    effect: float
    interval: Interval

    def holds(self, truth: float) -> bool:
        """Return whether the interval contains the true effect on a cell."""
        return self.interval.contains(truth)


def estimated(treated: Treated, amounts: Amounts) -> Estimate | None:
    """Return what the product's own estimator makes of the cells; None where it refuses."""
    spec = amount("amount", "Order Completed")
    found = cell_effect(spec, *cluster_sums(spec, treated, amounts))
    if isinstance(found, Undefined):
        return None
    assert isinstance(found, Estimated)
    return Estimate(found.effect.pair.difference, found.effect.absolute(_Z))


def generators(seeds: Sequence[int]) -> list[np.random.Generator]:
    """Return a generator for each replicate."""
    return [np.random.default_rng(seed) for seed in seeds]


def drawn_seeds(rng: np.random.Generator, replicates: int) -> list[int]:
    """Return seeds of replicates, drawn from the generator of their block."""
    return [int(seed) for seed in rng.integers(0, 2**63, replicates)]


def drawn_salt(rng: np.random.Generator) -> str:
    """Return the salt of one replicate's experiment."""
    return rng.bytes(16).hex()
