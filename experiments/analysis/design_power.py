"""A design by period held against the past: for several numbers of periods, what it would find, how often it errs."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import numpy as np
from numpy.typing import NDArray

from experiments.analysis.planned_periods import PlannedPeriods
from experiments.assignment.bucketing import Purpose, slot_prefix
from experiments.assignment.period_table import period_slots
from experiments.assignment.periods import Periods
from experiments.statistics.clusters import FEW_CLUSTERS
from experiments.statistics.design_power import PastCells, Rehearsal, rehearse
from experiments.statistics.moments import Matrix
from experiments.statistics.results import Undefined
from experiments.vocabulary import PeriodDesign

DRAWS: Final = 400
LIFTS: Final = (0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.5)
"""Relative lifts of the curve."""
_MOST_HASHED: Final = 20_000_000
"""Cells that all draws together may have before there are fewer draws."""
_LEAST_DRAWS: Final = 100
_ANY_TIME: Final = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, eq=False)
class Panel:
    """A metric by unit and period of the past: shape (units, periods), in own units; of a ratio with `below`."""

    above: Matrix
    below: Matrix | None = None

    @property
    def units(self) -> int:
        """How many units there are."""
        return int(self.above.shape[0])

    @property
    def periods(self) -> int:
        """How many periods there are."""
        return int(self.above.shape[1])


@dataclass(frozen=True, slots=True)
class PeriodPower:
    """What so many periods would find; lifts are relative.

    false_positives: how often something was found without an effect. detectable: the smallest lift found with the
    planned power, None where no lift is. curve: (lift, power). problem: why there are no figures.
    """

    periods: int
    draws: int = 0
    false_positives: float | None = None
    detectable: float | None = None
    curve: tuple[tuple[float, float], ...] = ()
    problem: Undefined | None = None


def powers(
    panel: Panel,
    planned: PlannedPeriods,
    *,
    weights: Sequence[int],
    counts: Sequence[int],
    alpha: float,
    power: float,
    seed: int,
    draws: int = DRAWS,
) -> tuple[PeriodPower, ...]:
    """Return what the design would find in each of these numbers of periods, of which the panel has as many or more.

    The newest periods of the panel are used. weights: slots of the arms, control first; the first treatment is
    compared with it. seed: of the salts of the draws. Large panels are drawn less often, at least 100 times.
    """
    return tuple(
        _of(_rehearsed(panel, planned, weights, count, alpha, seed, draws), count, power=power) for count in counts
    )


def period_counts(planned: int, available: int, block: int) -> tuple[int, ...]:
    """Return numbers of periods that are worth comparing, ascending: the planned one, fewer, and twice as many.

    Whole blocks, two or more, and none that the past does not have: where it does not reach, all that it has.
    """
    wanted = (planned // 4, planned // 2, planned, 2 * planned, min(planned, available))
    whole = {count // block * block for count in wanted if count <= available}
    return tuple(sorted(count for count in whole if count >= 2 * block))


def _of(found: Rehearsal | Undefined, periods: int, *, power: float) -> PeriodPower:
    if isinstance(found, Undefined):
        return PeriodPower(periods, problem=found)
    return PeriodPower(
        periods=periods,
        draws=found.draws,
        false_positives=found.false_positives,
        detectable=found.detectable(power),
        curve=tuple((lift, found.power(lift)) for lift in LIFTS),
    )


def _rehearsed(
    panel: Panel, planned: PlannedPeriods, weights: Sequence[int], count: int, alpha: float, seed: int, draws: int
) -> Rehearsal | Undefined:
    newest = slice(panel.periods - count, panel.periods)
    shape = (panel.units, count)
    below = None if panel.below is None else panel.below[:, newest]
    past = PastCells(panel.above[:, newest], _clusters(shape, planned.block), below)
    affordable = max(_LEAST_DRAWS, _MOST_HASHED // (panel.units * count))
    return rehearse(past, drawn(planned, weights, shape, min(draws, affordable), seed=seed), alpha=alpha)


def drawn(
    planned: PlannedPeriods, weights: Sequence[int], shape: tuple[int, int], draws: int, *, seed: int
) -> Iterator[NDArray[np.int8]]:
    """Yield the arm of each cell (units, periods) under random salts, by the code that draws a real schedule."""
    rng = np.random.default_rng(seed)
    edges = np.cumsum(weights)[:-1]
    units = [b"%d" % unit for unit in range(shape[0])]
    balanced = planned.design is PeriodDesign.BALANCED
    purpose, block = (Purpose.PERIOD, planned.block) if balanced else (Purpose.VARIANT, 1)
    for _ in range(draws):
        prefix = slot_prefix(rng.bytes(16).hex(), purpose)
        calendar = Periods(_ANY_TIME, planned.minutes, planned.design, planned.burn_in, block, prefix)
        slots = period_slots(calendar, units, range(shape[1]))
        yield np.searchsorted(edges, slots, side="right").astype(np.int8)


def _clusters(shape: tuple[int, int], block: int) -> NDArray[np.intp]:
    """Return over what the errors of each cell are: its unit, or with too few of them its unit's block of periods."""
    units, periods = np.indices(shape)
    if shape[0] >= FEW_CLUSTERS:
        return units
    return units * (shape[1] // block + 1) + periods // block
