"""Exploratory scorecards: any metric besides the plan, computed as at a single look, and never part of a verdict.

An exploration is a record of its own and not a scorecard, so that nothing that judges can take it. All its
comparisons are DIAGNOSTIC; their p-values are corrected for how many there are (Benjamini & Hochberg 1995) and not
for how often people looked.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, ClassVar, Self

from experiments.analysis.build import build_scorecard
from experiments.analysis.codec import canonical_json, from_dict, sha256
from experiments.analysis.inputs import AnalysisInputs
from experiments.analysis.metrics import MetricSpec
from experiments.analysis.plan import (
    AnalysisPlan,
    Multiplicity,
    Objective,
    PlannedMetric,
    SequentialMethod,
    Spending,
)
from experiments.analysis.scorecard import Comparison, Exclusions, VariantCount
from experiments.analysis.segment_figures import SegmentFamily
from experiments.statistics.multiplicity import benjamini_hochberg
from experiments.vocabulary import MetricRole
from foundation.errors import DomainError

SCHEMA = 1


class ExplorationInvalid(DomainError):
    """What was asked for cannot be explored."""

    code: ClassVar[str] = "EXPLORATION_INVALID"
    hint = "Choose other metrics, another cap or another window."


@dataclass(frozen=True, slots=True)
class Exploration:
    """One exploratory analysis: what was asked for and what came out.

    metrics: as they were computed; comparisons and segments name them by `name_of`. alpha: of the intervals, which
    hold for one look. p_adjusted of a comparison: over all comparisons here; of a segment: over its dimensions.
    """

    experiment: str
    metrics: tuple[MetricSpec, ...]
    dimensions: tuple[str, ...]
    alpha: float
    window_start: datetime | None
    window_end: datetime | None
    received_before: datetime | None
    variants: tuple[VariantCount, ...]
    exclusions: Exclusions
    comparisons: tuple[Comparison, ...]
    segments: tuple[SegmentFamily, ...]
    schema: int = SCHEMA

    def __post_init__(self) -> None:
        if any(found.role is not MetricRole.DIAGNOSTIC for found in self.comparisons):
            raise ValueError("comparisons: an exploration has none but DIAGNOSTIC ones")

    def to_json(self) -> bytes:
        """Return the canonical JSON."""
        return canonical_json(self)

    def sha256(self) -> str:
        """Return the digest of the canonical JSON."""
        return sha256(self)

    @classmethod
    def from_json(cls, data: bytes | str) -> Self:
        """Return the exploration that the JSON holds. Raises RecordInvalid."""
        found: Any = json.loads(data)
        return from_dict(cls, found, readable_schemas=(SCHEMA,))


def name_of(spec: MetricSpec) -> str:
    """Return the name of a metric version in an exploration, so that two versions can stand side by side."""
    return f"{spec.key}:v{spec.version}"


def varied(spec: MetricSpec, *, window_hours: int | None, cap_micros: int | None) -> MetricSpec:
    """Return the metric with another window, and another cap where it sums up values. Raises ExplorationInvalid."""
    capped = cap_micros is not None and spec.numerator.divisor > 1
    try:
        return replace(
            spec,
            window_hours=spec.window_hours if window_hours is None else window_hours,
            cap_micros=cap_micros if capped else spec.cap_micros,
        )
    except ValueError as error:
        raise ExplorationInvalid(f"{spec.key}: {error}") from error


def working_plan(frozen: AnalysisPlan, metrics: Sequence[MetricSpec], dimensions: Sequence[str]) -> AnalysisPlan:
    """Return the plan by which an exploration is computed: arms and filters as frozen, one look, nothing corrected.

    It is never stored, and no verdict is made by it. Raises ExplorationInvalid.
    """
    try:
        return replace(
            frozen,
            metrics=tuple(
                PlannedMetric(replace(spec, key=name_of(spec)), MetricRole.DECISION, spec.direction) for spec in metrics
            ),
            method=SequentialMethod.FIXED_HORIZON,
            spending=Spending.OBRIEN_FLEMING,
            spending_parameter=None,
            horizon_days=None,
            reserved_alpha=0.0,
            multiplicity=Multiplicity.NONE,
            objective=Objective.SUPERIORITY,
            objective_margin=None,
            declared_saving="",
            harm_roles=(),
            futility=False,
            dimensions=tuple(dimensions),
        )
    except ValueError as error:
        raise ExplorationInvalid(str(error)) from error


def explored(plan: AnalysisPlan, metrics: Sequence[MetricSpec], inputs: AnalysisInputs) -> Exploration:
    """Return the exploration of these metrics; `plan` is their working plan and `inputs` were read for it."""
    card = build_scorecard(plan, inputs)
    return Exploration(
        experiment=card.experiment,
        metrics=tuple(metrics),
        dimensions=plan.dimensions,
        alpha=plan.alpha,
        window_start=card.window_start,
        window_end=card.window_end,
        received_before=card.received_before,
        variants=card.variants,
        exclusions=card.exclusions,
        comparisons=_corrected(_told(found) for found in card.comparisons),
        segments=tuple(_unclaimed(family) for family in card.segments),
    )


def _told(found: Comparison) -> Comparison:
    """Return the comparison without anything that a verdict could be read from."""
    return replace(
        found,
        role=MetricRole.DIAGNOSTIC,
        p_adjusted=None,
        sequential=None,
        non_inferiority=None,
        harm=None,
        futility=None,
        final=None,
    )


def _corrected(comparisons: Iterable[Comparison]) -> tuple[Comparison, ...]:
    listed = list(comparisons)
    tested = [found.p_value for found in listed if found.p_value is not None]
    adjusted = iter(benjamini_hochberg(tested))
    return tuple(found if found.p_value is None else replace(found, p_adjusted=next(adjusted)) for found in listed)


def _unclaimed(family: SegmentFamily) -> SegmentFamily:
    return replace(family, levels=tuple(replace(level, claimed=False) for level in family.levels))
