"""From a manifest to the drafts of an experiment: its variants, the metric versions it uses, and its plan."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from experiments.actions.design import (
    ExperimentDraft,
    MetricDefinition,
    MetricDraft,
    VariantDraft,
    create_metric,
)
from experiments.allocation import SLOTS
from experiments.analysis.metrics import What
from experiments.analysis.plan import Family, Objective
from experiments.models import Metric
from experiments.recorded.manifest import Manifest
from experiments.recorded.manifest_parts import (
    ObjectiveKind,
    OutcomeKind,
    OutcomePart,
    SourceKind,
    ValueKind,
    VariantPart,
)
from experiments.recorded.recording import Part
from experiments.vocabulary import MetricKind, Source
from foundation.errors import DomainError
from foundation.money import to_micros

EVENT_PREFIX = "recorded:"
"""Marks metrics whose values came with an import, so that no event of a shop ever counts for them."""

_KINDS = {
    OutcomeKind.BINARY: (MetricKind.CONVERSION, What.ANY),
    OutcomeKind.COUNT: (MetricKind.COUNT, What.COUNT),
    OutcomeKind.MONEY: (MetricKind.SUM, What.SUM_VALUE),
}


class MetricTaken(DomainError):
    """The project measures something of its own under an outcome's name."""

    code = "METRIC_TAKEN"
    hint = "Give the outcome another name in the manifest, such as recorded-revenue."


def experiment_draft(
    manifest: Manifest, part: Part, *, variants: Sequence[VariantPart], metrics: Sequence[MetricDraft]
) -> ExperimentDraft:
    """Return the draft of an experiment with these variants of the manifest."""
    rows = manifest.source is SourceKind.ROWS
    weights = slots_of([1.0 if variant.weight is None else variant.weight for variant in variants])
    return ExperimentDraft(
        key=part.key,
        name=part.name,
        source=Source.EXTERNAL if rows else Source.AGGREGATE,
        unit_kind=manifest.columns.unit_kind,
        hypothesis=manifest.experiment.hypothesis,
        variants=[
            VariantDraft(variant.key, variant.title, weight, control=variant.control)
            for variant, weight in zip(variants, weights, strict=True)
        ],
        metrics=metrics,
        horizon_days=None,
        plan_overrides=plan_overrides(manifest),
    )


def plan_overrides(manifest: Manifest) -> dict[str, Any]:
    """Return what the manifest says about the analysis plan."""
    found: dict[str, Any] = {"family": Family[manifest.adjust.name].value}
    if manifest.dimensions:
        found["dimensions"] = list(manifest.dimensions)
    objective = manifest.objective
    if objective.kind is ObjectiveKind.NON_INFERIORITY_WITH_SAVING:
        found |= {
            "objective": Objective.NON_INFERIORITY_WITH_SAVING.value,
            "objective_margin": objective.margin,
            "declared_saving": objective.saving,
        }
    return found


def slots_of(weights: Sequence[float]) -> list[int]:
    """Return the slots of 1 000 000 that shares in any unit stand for, by largest remainder."""
    total = sum(weights)
    exact = [SLOTS * weight / total for weight in weights]
    slots = [int(value) for value in exact]
    by_remainder = sorted(range(len(weights)), key=lambda index: (slots[index] - exact[index], index))
    for index in by_remainder[: SLOTS - sum(slots)]:
        slots[index] += 1
    return slots


def metric_drafts(manifest: Manifest, *, project_id: int, acting_user: str, now: datetime) -> list[MetricDraft]:
    """Return the part of each outcome's metric; versions that do not exist yet are created. Raises MetricTaken."""
    return [
        MetricDraft(
            _version_of(definition_of(manifest, outcome), project_id=project_id, acting_user=acting_user, now=now),
            outcome.role,
            outcome.margin,
        )
        for outcome in manifest.outcomes
    ]


def definition_of(manifest: Manifest, outcome: OutcomePart) -> MetricDefinition:
    """Return the metric that an outcome is. Outcomes of clustered units are ratios over clusters."""
    event = f"{EVENT_PREFIX}{outcome.name}"
    common: dict[str, Any] = {
        "key": outcome.name,
        "name": outcome.title or outcome.name,
        "direction": outcome.direction,
        "cap_micros": None if outcome.cap is None else to_micros(outcome.cap),
        "covariate_days": 1 if any(part.before is not None for part in outcome.parts) else 0,
        "numerator_events": [event],
    }
    if outcome.kind is OutcomeKind.RATIO or manifest.columns.cluster is not None:
        kinds = [part.kind for part in outcome.parts]
        return MetricDefinition(
            kind=MetricKind.RATIO,
            numerator_what=_what(kinds[0]),
            denominator_events=[f"{event}:per"],
            denominator_what=_what(kinds[1]) if len(kinds) > 1 else What.COUNT,
            **common,
        )
    kind, what = _KINDS[outcome.kind]
    return MetricDefinition(kind=kind, numerator_what=what, **common)


def _what(kind: ValueKind) -> What:
    return What.SUM_VALUE if kind is ValueKind.MONEY else What.COUNT


def _version_of(definition: MetricDefinition, *, project_id: int, acting_user: str, now: datetime) -> int:
    """Return the newest version of the metric if it is the same, or else the next version."""
    newest = Metric.objects.filter(project_id=project_id, key=definition.key).order_by("-version").first()
    if newest is not None:
        if not all(event.startswith(EVENT_PREFIX) for event in newest.numerator_events):
            raise MetricTaken(f"The project has a metric {definition.key} that is measured from its own events.")
        if all(_plain(getattr(newest, name)) == _plain(value) for name, value in _fields(definition).items()):
            return int(newest.pk)
    return create_metric(project_id=project_id, definition=definition, acting_user=acting_user, now=now)


def _fields(definition: MetricDefinition) -> dict[str, Any]:
    return {name: getattr(definition, name) for name in definition.__slots__}


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value
