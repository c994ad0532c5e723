"""From the exact sums of many levels to their effects: levels of like metrics are estimated together."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from experiments.analysis.estimate import OUTCOMES
from experiments.analysis.metrics import divisors
from experiments.analysis.plan import Adjustment, AnalysisPlan, PlannedMetric
from experiments.analysis.segment_estimates import EffectBatch, estimate_batch
from experiments.statistics.batches import DEFINED, MomentBatch, defined, marked
from experiments.statistics.distributions import normal_isf
from experiments.statistics.moments import PowerSums
from experiments.statistics.results import UndefinedReason
from experiments.vocabulary import MetricKind, Source


@dataclass(frozen=True, slots=True)
class Cell:
    """One level of one dimension for one metric and treatment: the exact sums of both arms, stratum by stratum."""

    metric: PlannedMetric
    variant: str
    dimension: str
    level: str
    control: tuple[PowerSums, ...]
    treatment: tuple[PowerSums, ...]
    control_units: int
    treatment_units: int

    @property
    def subject(self) -> tuple[str, str]:
        """The metric and the treatment."""
        return self.metric.spec.key, self.variant

    @property
    def family(self) -> tuple[str, str, str]:
        """The metric, the treatment and the dimension."""
        return self.metric.spec.key, self.variant, self.dimension


@dataclass(frozen=True, slots=True)
class _Shape:
    """What cells have in common that are estimated together."""

    kind: MetricKind
    known: tuple[str, ...]
    names: tuple[str, ...]
    units: tuple[int, ...]
    strata: int


def estimates_of(plan: AnalysisPlan, cells: Sequence[Cell], *, source: Source) -> EffectBatch:
    """Return the effects in all cells, in order; those with fewer than the plan's `minimum_units` have none.

    Intervals are for one look at the plan's alpha.
    """
    smaller = np.array([min(cell.control_units, cell.treatment_units) for cell in cells], dtype=float)
    reason = marked(defined(smaller.size), smaller == 0.0, UndefinedReason.NO_DATA)
    reason = marked(reason, smaller < plan.minimum_units, UndefinedReason.TOO_FEW_UNITS)
    shapes: dict[_Shape, list[int]] = {}
    by_metric: dict[tuple[str, int], list[int]] = {}
    for row in np.flatnonzero(reason == DEFINED).tolist():
        cell = cells[row]
        key = cell.metric.spec.key, len(cell.control)
        if key not in by_metric:
            by_metric[key] = shapes.setdefault(_shape(plan, cell, source), [])
        by_metric[key].append(row)
    found = EffectBatch.nothing(reason)
    for shape, rows in shapes.items():
        control, treatment = _moments(shape, [cells[row] for row in rows])
        z = normal_isf(plan.alpha / 2.0)
        found.write(np.array(rows), estimate_batch(shape.kind, control, treatment, adjust=plan.adjustment, z=z))
    return found


def _shape(plan: AnalysisPlan, cell: Cell, source: Source) -> _Shape:
    spec, known = cell.metric.spec, cell.control[0].names
    outcomes = ("y", "d") if spec.kind is MetricKind.RATIO else ("y",)
    covariates = [name for name in known if name not in OUTCOMES] if plan.adjustment is Adjustment.LIN else []
    names, units = (*outcomes, *covariates), divisors(spec, source=source)
    return _Shape(spec.kind, known, names, tuple(units.get(name, 1) for name in names), len(cell.control))


def _moments(shape: _Shape, cells: Sequence[Cell]) -> tuple[list[MomentBatch], list[MomentBatch]]:
    """Return the moments of both arms, stratum by stratum; sums that several treatments share are converted once."""
    sums: list[PowerSums] = []
    places: dict[int, int] = {}
    rows: list[list[int]] = []
    for cell in cells:
        parts = (*cell.control, *cell.treatment)
        for part in parts:
            if id(part) not in places:
                places[id(part)] = len(sums)
                sums.append(part)
        rows.append([places[id(part)] for part in parts])
    batch = MomentBatch.from_power_sums(sums, shape.names, dict(zip(shape.names, shape.units, strict=True)))
    at = np.array(rows)
    taken = [batch.take(at[:, column]) for column in range(2 * shape.strata)]
    return taken[: shape.strata], taken[shape.strata :]
