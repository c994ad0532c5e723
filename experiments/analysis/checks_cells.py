"""Checks of the split in parts: by epoch, by day, in the levels of each dimension, among the units left out or kept.

While looks are left, each part gives an e-value that holds at every look; parts of which each unit is in one are
multiplied into a family, and families that share units are averaged. A single look corrects by Bonferroni.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from experiments.analysis.check_context import (
    FILTER_BALANCE,
    SRM_ANALYSED,
    SRM_DAYS,
    SRM_EPOCHS,
    SRM_LEVELS,
    CheckContext,
    Figures,
    Found,
    not_applicable,
)
from experiments.analysis.inputs import DAY_CELLS, FILTER_CELLS, CellCount
from experiments.statistics import srm

Split = tuple[tuple[int, ...], tuple[float, ...]]
"""Units and slots of the variants, in plan order, in one stratum."""


@dataclass(frozen=True, slots=True)
class _Cells:
    """Parts of the experiment's units: what names each, and its splits in the strata (the same number in each part)."""

    names: tuple[Figures, ...]
    splits: tuple[tuple[Split, ...], ...]

    def log_evidence(self) -> NDArray[np.float64]:
        """Return the log e-value of each part."""
        if not any(self.splits):
            return np.zeros(len(self.names))
        strata = zip(*self.splits, strict=True)
        return srm.log_evidence_of_cells(
            [(np.array([counts for counts, _ in parts], dtype=np.int64), parts[0][1]) for parts in strata]
        )


def sample_ratio_epochs(context: CheckContext) -> Found:
    """Check the split of each stretch of constant allocation by itself, so that one cannot hide another."""
    strata = [stratum for stratum in context.inputs.strata if sum(stratum.units.values()) > 0]
    if len(strata) < 2:
        return context.untested(SRM_EPOCHS, "the split was never changed")
    parts = [CellCount("epoch", stratum.key, stratum.key, stratum.units) for stratum in strata]
    return _family(context, SRM_EPOCHS, [_cells(context, parts, "epoch")], "the split was never changed")


def sample_ratio_days(context: CheckContext) -> Found:
    """Check the split of the units first exposed on each day."""
    days = [cell for cell in context.inputs.cells if cell.dimension == DAY_CELLS]
    return _family(context, SRM_DAYS, [_cells(context, days, "day")], "units are not counted by day")


def sample_ratio_levels(context: CheckContext) -> Found:
    """Check the split in every level of the plan's dimensions; a dimension is one part of the evidence."""
    dimensions = context.plan.dimensions
    if not dimensions:
        return not_applicable("no dimension is declared")
    found = [
        _cells(context, [cell for cell in context.inputs.cells if cell.dimension == name], "level", {"dimension": name})
        for name in dimensions
    ]
    return _family(context, SRM_LEVELS, found, "units are not counted by dimension")


def filter_balance(context: CheckContext) -> Found:
    """Check that each filter leaves out units of every variant by the split: a filter must not see the variant."""
    keys = [chosen.key for chosen in context.plan.filters]
    if not keys:
        return not_applicable("no filter is declared")
    given = [cell for cell in context.inputs.cells if cell.dimension == FILTER_CELLS] or _filtered_in_one_split(context)
    if given is None:
        return context.untested(
            FILTER_BALANCE, "the split was changed, and what filters left out is not known by epoch"
        )
    found = [_cells(context, [cell for cell in given if cell.level == key], "filter") for key in keys]
    # a unit may be left out by several filters, so that they are averaged and not multiplied
    evidence = [float(cells.log_evidence().sum()) for cells in found]
    return _judged(context, FILTER_BALANCE, _log_mean(evidence), found, "no unit was left out")


def sample_ratio_analysed(context: CheckContext) -> Found:
    """Check the split of the units that each metric is computed from, where these are not all units that were exposed.

    Metrics overlap, so that they are corrected by their number. Those with the same units count once.
    """
    found = [_analysed(context, metric.spec.key) for metric in context.plan.metrics]
    everybody = tuple(_split(context, stratum.units, stratum.key) for stratum in context.inputs.strata)
    others = list({cells.splits: cells for cells in reversed(found) if cells.splits[0] != everybody}.values())[::-1]
    evidence = max((float(cells.log_evidence()[0]) for cells in others), default=0.0)
    return _judged(context, SRM_ANALYSED, evidence - math.log(len(found)), others, "every unit is analysed")


def _family(context: CheckContext, code: str, dimensions: Sequence[_Cells], why_not: str) -> Found:
    """Return the judgment of dimensions, of which each puts every unit in one cell."""
    evidence = [float(srm.log_evidence_of_family(cells.log_evidence())) for cells in dimensions]
    return _judged(context, code, _log_mean(evidence), dimensions, why_not)


def _log_mean(logs: Sequence[float]) -> float:
    return float(np.logaddexp.reduce(logs)) - math.log(len(logs))


def _judged(context: CheckContext, code: str, log_evidence: float, groups: Sequence[_Cells], why_not: str) -> Found:
    """Return the judgment by the evidence of all parts, with the figures of the one that stands out most."""
    if not context.part_alpha > 0.0:
        return not_applicable("the sample ratio has the whole error budget")
    once = srm.bonferroni_p([split for cells in groups for parts in cells.splits for split in parts])
    if once is None:
        return context.untested(code, why_not)
    figures = _worst(context, groups) | {"cells": sum(len(cells.names) for cells in groups)}
    return context.tested(code, once=once, always=srm.sequential_p(log_evidence), figures=figures)


def _worst(context: CheckContext, groups: Sequence[_Cells]) -> Figures:
    """Return the name of the part that is furthest from its split, its units and those expected."""
    ranked = [
        (srm.distance(splits), name, splits)
        for cells in groups
        for name, splits in zip(cells.names, cells.splits, strict=True)
    ]
    _, name, splits = max(ranked, key=lambda entry: entry[0])
    units: dict[str, float] = {}
    expected: dict[str, float] = {}
    for counts, weights in splits:
        live = sum(count for count, weight in zip(counts, weights, strict=True) if weight > 0.0)
        for variant, count, weight in zip(context.plan.variants, counts, weights, strict=True):
            if weight > 0.0 and live:
                units[variant.key] = units.get(variant.key, 0) + count
                expected[variant.key] = expected.get(variant.key, 0.0) + live * weight / sum(weights)
    found: Figures = {f"units:{key}": value for key, value in units.items()}
    return name | found | {f"expected:{key}": value for key, value in expected.items()}


def _cells(context: CheckContext, given: Iterable[CellCount], label: str, more: Figures | None = None) -> _Cells:
    """Return the counts as parts, in the order of their levels; `label` is the figure that names the level."""
    counts: dict[str, dict[str, dict[str, int]]] = {}
    for cell in given:
        units = counts.setdefault(cell.level, {}).setdefault(cell.stratum, {})
        for variant, number in cell.units.items():
            units[variant] = units.get(variant, 0) + number
    names: list[Figures] = [(more or {}) | {label: level} for level in sorted(counts)]
    splits = [
        tuple(_split(context, counts[level].get(stratum.key, {}), stratum.key) for stratum in context.inputs.strata)
        for level in sorted(counts)
    ]
    return _Cells(tuple(names), tuple(splits))


def _split(context: CheckContext, units: dict[str, int], stratum: str) -> Split:
    weights = next(found.weights for found in context.inputs.strata if found.key == stratum)
    keys = [variant.key for variant in context.plan.variants]
    return tuple(units.get(key, 0) for key in keys), tuple(float(weights.get(key, 0)) for key in keys)


def _analysed(context: CheckContext, metric: str) -> _Cells:
    planned = context.plan.metric(metric)
    units = {
        stratum.key: {
            variant.key: context.data.sums(planned, variant.key, stratum.key).n for variant in context.plan.variants
        }
        for stratum in context.inputs.strata
    }
    return _Cells(({"metric": metric},), (tuple(_split(context, found, key) for key, found in units.items()),))


def _filtered_in_one_split(context: CheckContext) -> list[CellCount] | None:
    """Return what filters left out as cells of the one split that took units; None where there were several."""
    taking = [stratum for stratum in context.inputs.strata if sum(stratum.units.values()) > 0]
    shares = {
        tuple(weight / sum(stratum.weights.values()) for weight in _split(context, {}, stratum.key)[1])
        for stratum in taking
        if sum(stratum.weights.values()) > 0
    }
    if len(shares) > 1:
        return None
    return [
        CellCount(FILTER_CELLS, key, taking[0].key, units) for key, units in context.health.filtered.items() if taking
    ]
