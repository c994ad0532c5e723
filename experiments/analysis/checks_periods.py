"""Checks of experiments by period: the test that rests on the draw alone, and what carries over between periods."""

from collections.abc import Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

from experiments.analysis.check_context import CheckContext, Figures, Found, judged, not_applicable
from experiments.analysis.inputs import CellValues
from experiments.analysis.metrics import MetricSpec
from experiments.analysis.plan import PlannedPeriods
from experiments.analysis.scorecard import Comparison
from experiments.statistics.carry_over import carry_over
from experiments.statistics.clusters import FEW_CLUSTERS
from experiments.statistics.moments import Vector
from experiments.statistics.period_randomisation import DrawnCells, period_test
from experiments.statistics.results import Undefined
from experiments.vocabulary import MetricRole, PeriodDesign

RANDOMISATION_TEST: Final = "RANDOMISATION_TEST"
CARRY_OVER_SEEN: Final = "CARRY_OVER_SEEN"
_CARRY_OVER_ALPHA: Final = 0.01
"""Over all comparisons of a look together."""


def randomisation(context: CheckContext) -> Found:
    """Check that the test that draws the schedule again agrees with the one by errors over clusters.

    Both are of this look alone and at the plan's alpha. Shown is the comparison where they disagree, else the one with
    the smallest p-value. The draws follow from the plan's digest.
    """
    seed = int(context.plan.sha256()[:16], 16)
    found: list[tuple[bool, float, Figures]] = []
    for place, (comparison, cells) in enumerate(_compared(context)):
        test = period_test(cells.drawn(), np.random.default_rng([seed, place]))
        if isinstance(test, Undefined) or comparison.p_value is None:
            continue
        alpha = context.plan.alpha
        disagrees = (test.p_value < alpha) is not (comparison.p_value < alpha)
        figures: Figures = {"p_redrawn": test.p_value, "p_clusters": comparison.p_value, "draws": test.assignments}
        found.append((not disagrees, test.p_value, cells.named(comparison) | figures))
    if not found:
        return not_applicable("there are no cells of unit x period, or too few to draw them again")
    agrees, _, shown = min(found, key=lambda entry: entry[:2])
    return judged(not agrees, shown)


def carries_over(context: CheckContext) -> Found:
    """Check that the arm of the period before makes no difference, at 1% over all comparisons together.

    carried: that difference as a share of a cell's value in control; carried_of_effect: as a share of the effect.
    """
    found: list[tuple[float, Figures]] = []
    for comparison, cells in _compared(context):
        left = carry_over(cells.units, cells.periods, cells.treated, cells.linear(), cells.clusters())
        if isinstance(left, Undefined):
            continue
        figures: Figures = {"p": left.p_value}
        base, effect = comparison.control.value, comparison.absolute.value
        if base:
            figures["carried"] = left.estimate / cells.per_cell(base)
        if effect:
            figures["carried_of_effect"] = left.estimate / cells.per_cell(effect)
        found.append((left.p_value, cells.named(comparison) | figures))
    if not found:
        return not_applicable("there are no cells of unit x period, or too few that follow another")
    p, shown = min(found, key=lambda entry: entry[0])
    return judged(p * len(found) < _CARRY_OVER_ALPHA, shown)


class _Cells:
    """The cells of control and one treatment, of one metric, in own units."""

    def __init__(self, values: CellValues, spec: MetricSpec, planned: PlannedPeriods, arms: tuple[str, str]) -> None:
        variants = np.array(values.variants, dtype=object)
        kept = np.flatnonzero((variants == arms[0]) | (variants == arms[1]))
        self._planned = planned
        self.treated = (variants[kept] == arms[1]).astype(bool)
        self.units = _codes(np.array(values.units, dtype=np.intp)[kept])
        self.periods = np.array(values.periods, dtype=np.intp)[kept]
        self._above = _own(values.sums["y"], spec.numerator.divisor)[kept]
        below = None if spec.denominator is None else _own(values.sums["d"], spec.denominator.divisor)
        self._below = None if below is None else below[kept]

    def drawn(self) -> DrawnCells:
        """Return the cells as a test draws them again: within a unit's blocks, or within units."""
        balanced = self._planned.design is PeriodDesign.BALANCED
        strata = self._blocks() if balanced else self.units
        return DrawnCells(self.treated, strata, self.clusters(), self._above, self._below)

    def clusters(self) -> NDArray[np.intp]:
        """Return over what errors are: units, or with too few of them their blocks."""
        few = self.units.size == 0 or int(self.units.max()) + 1 < FEW_CLUSTERS
        return self._blocks() if few else self.units

    def linear(self) -> Vector:
        """Return each cell's value; of a ratio N - R D, with R over all cells."""
        if self._below is None:
            return self._above
        total = float(self._below.sum())
        return self._above - (float(self._above.sum()) / total if total else 0.0) * self._below

    def per_cell(self, value: float) -> float:
        """Return what a value of the metric is on the scale of `linear`: of a ratio times a cell's denominator."""
        return value if self._below is None else value * float(self._below.mean())

    def named(self, comparison: Comparison) -> Figures:
        """Return which comparison this is."""
        return {"metric": comparison.metric, "variant": comparison.variant}

    def _blocks(self) -> NDArray[np.intp]:
        blocks = self.periods // self._planned.block
        return _codes(self.units * (int(blocks.max(initial=0)) + 1) + blocks)


def _compared(context: CheckContext) -> Iterator[tuple[Comparison, _Cells]]:
    """Yield the comparisons of DECISION metrics whose cells are known."""
    values = {found.metric: found for found in context.inputs.cell_values}
    periods = context.plan.periods
    for comparison in context.comparisons:
        if periods is not None and comparison.role is MetricRole.DECISION and comparison.metric in values:
            spec = context.plan.metric(comparison.metric).spec
            arms = (comparison.reference, comparison.variant)
            yield comparison, _Cells(values[comparison.metric], spec, periods, arms)


def _codes(names: NDArray[np.intp]) -> NDArray[np.intp]:
    return np.unique(names, return_inverse=True)[1].astype(np.intp)


def _own(exact: tuple[int, ...], divisor: int) -> Vector:
    return np.array([value / divisor for value in exact], dtype=float)
