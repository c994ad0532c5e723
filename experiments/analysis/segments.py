"""Segments of a scorecard: the effect on every DECISION metric in every level of the plan's dimensions.

All levels of an experiment are estimated together, in arrays; what each of them says is what `estimate` would say of it
alone.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

import numpy as np

from experiments.analysis.inputs import AnalysisInputs
from experiments.analysis.looks import at_horizon
from experiments.analysis.plan import AnalysisPlan, PlannedMetric, SequentialMethod
from experiments.analysis.scorecard import Comparison
from experiments.analysis.segment_batches import Cell, estimates_of
from experiments.analysis.segment_estimates import EffectBatch
from experiments.analysis.segment_figures import SegmentFamily, SegmentFigures
from experiments.statistics.batch_segments import Heterogeneities, heterogeneities
from experiments.statistics.batches import DEFINED, REASONS, number
from experiments.statistics.moments import PowerSums, Vector
from experiments.statistics.multiplicity import benjamini_hochberg
from experiments.statistics.results import Interval, UndefinedReason, undefined
from experiments.vocabulary import MetricRole

Sums = dict[tuple[str, str], PowerSums]
"""The sums of a level, by variant and stratum."""


def segment_families(
    plan: AnalysisPlan, inputs: AnalysisInputs, comparisons: Iterable[Comparison], days: float | None
) -> tuple[SegmentFamily, ...]:
    """Return the levels of every dimension, for each DECISION metric and treatment in plan order, levels by name.

    Figures are those of a single look; a level needs the plan's `minimum_units` in both arms. p-values are corrected
    by Benjamini and Hochberg over all levels of all dimensions of one metric and treatment. comparisons: of this look,
    which say whether it is the one of the horizon.
    """
    if not plan.dimensions or not inputs.segments:
        return ()
    cells = list(_cells(plan, inputs))
    effects = estimates_of(plan, cells, source=inputs.source)
    due = claims_due(plan, comparisons, days, is_last=inputs.is_last)
    return _families(plan, cells, effects, claims=due)


def claims_due(plan: AnalysisPlan, comparisons: Iterable[Comparison], days: float | None, *, is_last: bool) -> bool:
    """Return whether segments may be claimed at this look: the only one, that of the horizon, or the very last.

    Corrected p-values hold for one look, so that claims at every look would be more than the plan's q allows. The look
    of the horizon is the one at which the last DECISION comparison has come to it, by days or by information.
    """
    if is_last or plan.method is SequentialMethod.FIXED_HORIZON:
        return True
    if plan.method is not SequentialMethod.GROUP_SEQUENTIAL:
        return False
    seen = [
        found.sequential for found in comparisons if found.role is MetricRole.DECISION and found.sequential is not None
    ]
    if seen and all(look.after_horizon for look in seen):
        return False
    reached = bool(seen) and all((look.spent_fraction or 0.0) >= 1.0 for look in seen)
    return reached or at_horizon(plan, days, is_last=is_last)


def _cells(plan: AnalysisPlan, inputs: AnalysisInputs) -> Iterator[Cell]:
    """Yield the cells that anybody is in, in the order of the scorecard."""
    metrics = plan.metrics_of(MetricRole.DECISION)
    levels: dict[tuple[str, str], dict[str, Sums]] = {
        (metric.spec.key, dimension): {} for metric in metrics for dimension in plan.dimensions
    }
    for entry in inputs.segments:
        family = levels.get((entry.metric, entry.dimension))
        if family is not None:
            sums = family.setdefault(entry.level, {})
            at = (entry.variant, entry.stratum)
            sums[at] = sums[at].merge(entry.sums) if at in sums else entry.sums
    control = plan.control
    for metric in metrics:
        empty = _nobody(levels, metric)
        for variant in plan.treatments:
            strata = [s.key for s in inputs.strata if s.weights.get(variant, 0) > 0 and s.weights.get(control, 0) > 0]
            for dimension in plan.dimensions:
                for level, sums in sorted(levels[metric.spec.key, dimension].items()):
                    pairs = [(sums.get((control, key), empty), sums.get((variant, key), empty)) for key in strata]
                    cell = _cell(metric, variant, dimension, level, pairs)
                    if cell.control_units or cell.treatment_units:
                        yield cell


def _nobody(levels: dict[tuple[str, str], dict[str, Sums]], metric: PlannedMetric) -> PowerSums:
    """Return the sums of no units, with the variables that the metric's other sums have."""
    known = (
        sums.names
        for (key, _), family in levels.items()
        if key == metric.spec.key
        for level in family.values()
        for sums in level.values()
    )
    return PowerSums.zero(next(known, ("y",)))


def _cell(
    metric: PlannedMetric, variant: str, dimension: str, level: str, strata: Sequence[tuple[PowerSums, PowerSums]]
) -> Cell:
    """Return a cell with the strata that a comparison takes: those in which both arms have two units or more."""
    full = [pair for pair in strata if pair[0].n >= 2 and pair[1].n >= 2] or strata
    control, treatment = tuple([pair[0] for pair in full]), tuple([pair[1] for pair in full])
    units = [sum([part.n for part in arm]) for arm in (control, treatment)]
    return Cell(metric, variant, dimension, level, control, treatment, units[0], units[1])


def _families(
    plan: AnalysisPlan, cells: Sequence[Cell], effects: EffectBatch, *, claims: bool
) -> tuple[SegmentFamily, ...]:
    members = [list(rows) for _, rows in groupby(range(len(cells)), lambda i: cells[i].family)]
    estimated = effects.reason == DEFINED
    sizes = np.array([estimated[rows[0] : rows[-1] + 1].sum() for rows in members], dtype=np.int64)
    tested = heterogeneities(effects.difference[estimated], effects.se[estimated] ** 2, sizes)
    levels = _levels(plan, cells, effects, tested, claims=claims)
    tests = zip(tested.q.tolist(), tested.df.tolist(), tested.p_value.tolist(), strict=True)
    return tuple(
        SegmentFamily(
            metric=cells[rows[0]].metric.spec.key,
            variant=cells[rows[0]].variant,
            reference=plan.control,
            dimension=cells[rows[0]].dimension,
            q=number(q),
            df=df or None,
            p_value=number(p_value),
            levels=tuple(levels[rows[0] : rows[-1] + 1]),
        )
        for rows, (q, df, p_value) in zip(members, tests, strict=True)
    )


def _levels(
    plan: AnalysisPlan, cells: Sequence[Cell], effects: EffectBatch, tested: Heterogeneities, *, claims: bool
) -> list[SegmentFigures]:
    """Return the figures of all levels, in order."""
    estimated = effects.reason == DEFINED
    columns = [effects.difference, effects.se, effects.lift, effects.p_value, _adjusted(cells, effects)]
    for figures in (tested.shrunk, tested.shrunk_se):
        column = np.full(len(cells), np.nan)
        column[estimated] = figures
        columns.append(column)
    rows = zip(*(column.tolist() for column in columns), strict=True)
    intervals, codes = effects.lift_interval.intervals(), effects.reason.tolist()
    return [
        _figures(cell, row, interval, claims and row[4] <= plan.segment_q)
        if code == DEFINED
        else _nothing(cell, REASONS[code])
        for cell, row, interval, code in zip(cells, rows, intervals, codes, strict=True)
    ]


def _figures(cell: Cell, row: tuple[float, ...], interval: Interval, claimed: bool) -> SegmentFigures:
    difference, se, lift, p_value, p_adjusted, shrunk, shrunk_se = row
    return SegmentFigures(
        level=cell.level,
        control_units=cell.control_units,
        treatment_units=cell.treatment_units,
        difference=difference,
        se=se,
        lift=number(lift),
        lift_interval=interval,
        p_value=p_value,
        p_adjusted=p_adjusted,
        claimed=claimed,
        shrunk=number(shrunk),
        shrunk_se=number(shrunk_se),
    )


def _nothing(cell: Cell, reason: UndefinedReason) -> SegmentFigures:
    return SegmentFigures(
        level=cell.level,
        control_units=cell.control_units,
        treatment_units=cell.treatment_units,
        difference=None,
        se=None,
        lift=None,
        lift_interval=undefined(reason),
        p_value=None,
        p_adjusted=None,
        claimed=False,
        shrunk=None,
        shrunk_se=None,
        reason=reason,
    )


def _adjusted(cells: Sequence[Cell], effects: EffectBatch) -> Vector:
    """Return the corrected p-values of the levels that have one: over all dimensions of a metric and treatment."""
    found = np.full(len(cells), np.nan)
    codes = effects.reason.tolist()
    for _, rows in groupby(range(len(cells)), lambda i: cells[i].subject):
        tested = [i for i in rows if codes[i] == DEFINED]
        found[tested] = benjamini_hochberg(effects.p_value[tested].tolist())
    return found
