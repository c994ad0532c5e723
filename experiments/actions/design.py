"""Experiments and what they are made of, before they start."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Max
from psycopg.types.range import Range

from experiments.models import Experiment, ExperimentMetric, Holdout, Layer, LayerRange, Metric, Variant
from experiments.queries.plans import spec_of
from foundation.actions.journal import write_journal
from foundation.errors import DomainError


class KeyTaken(DomainError):
    """Another row of the project has this key."""

    code = "KEY_TAKEN"
    hint = "Choose another key; keys are never reused within a project."


class LayerTaken(DomainError):
    """The slots belong to another experiment of the layer."""

    code = "LAYER_TAKEN"
    hint = "Choose a free range, or conclude the experiment that holds it."


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricDefinition:
    """A metric to create; see `experiments.analysis.metrics` for the meaning of the fields."""

    key: str
    name: str
    kind: str
    numerator_events: Sequence[str]
    numerator_what: str
    direction: str = "INCREASE"
    denominator_events: Sequence[str] = ()
    denominator_what: str = ""
    cap_micros: int | None = None
    window_hours: int = 168
    maturity_hours: int = 0
    covariate_days: int = 0
    description: str = ""


@dataclass(frozen=True, slots=True)
class VariantDraft:
    """A variant to create; weight in slots of 1 000 000."""

    key: str
    name: str
    weight: int
    control: bool = False
    parameters: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class MetricDraft:
    """A metric's part in an experiment to create; margin is relative."""

    metric_id: int
    role: str
    margin: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ExperimentDraft:
    """An experiment to create; coverage and layer ranges in slots of 1 000 000."""

    key: str
    name: str
    variants: Sequence[VariantDraft]
    metrics: Sequence[MetricDraft]
    source: str = "OWN"
    unit_kind: str = "visitor"
    hypothesis: str = ""
    layer_id: int | None = None
    layer_ranges: Sequence[tuple[int, int]] = ((0, 1_000_000),)
    holdout_id: int | None = None
    audience: Mapping[str, Any] | None = None
    coverage: int = 1_000_000
    horizon_days: int | None = 28
    minimum_effect: float = 0.05
    plan_overrides: Mapping[str, Any] = field(default_factory=dict)
    personalised: bool = False
    overrides: Mapping[str, str] = field(default_factory=dict)
    dimensions: Sequence[str] = ()
    period_minutes: int | None = None
    period_design: str = ""
    burn_in_minutes: int = 0
    budget: int | None = None
    payable: str = ""


@transaction.atomic
def create_metric(*, project_id: int, definition: MetricDefinition, acting_user: str, now: datetime) -> int:
    """Create the first or the next version of a metric and return its id.

    An existing version is never changed. Raises ValidationError, and ValueError for a definition without a meaning.
    """
    versions = Metric.objects.filter(project_id=project_id, key=definition.key)
    latest = versions.aggregate(latest=Max("version"))["latest"] or 0
    values = {**asdict(definition), "numerator_events": list(definition.numerator_events)}
    values["denominator_events"] = list(definition.denominator_events)
    metric = Metric(project_id=project_id, version=latest + 1, **values)
    metric.clean_fields()
    spec = spec_of(metric)
    metric.save(force_insert=True)
    key = f"{definition.key}:v{metric.version}"
    _journal_creation(project_id, now, acting_user, "metric", key, spec.to_dict())
    return int(metric.pk)


@transaction.atomic
def create_layer(*, project_id: int, key: str, name: str, acting_user: str, now: datetime) -> int:
    """Create a layer with a fresh salt and return its id. Raises KeyTaken, ValidationError."""
    layer = Layer(project_id=project_id, key=key, name=name)
    layer.clean_fields()
    _insert(layer, "layer_key")
    _journal_creation(project_id, now, acting_user, "layer", key, {"name": name})
    return int(layer.pk)


@transaction.atomic
def create_holdout(
    *, project_id: int, key: str, name: str, unit_kind: str, share: int, acting_user: str, now: datetime
) -> int:
    """Create a holdout of `share` slots of 1 000 000 and return its id. Raises KeyTaken, ValidationError."""
    holdout = Holdout(project_id=project_id, key=key, name=name, unit_kind=unit_kind, share=share)
    holdout.clean_fields()
    _insert(holdout, "holdout_key")
    _journal_creation(project_id, now, acting_user, "holdout", key, {"name": name, "share": share})
    return int(holdout.pk)


@transaction.atomic
def create_experiment(*, project_id: int, draft: ExperimentDraft, acting_user: str, now: datetime) -> int:
    """Create a draft with its variants and metrics and return its id. Raises KeyTaken, LayerTaken, ValidationError."""
    experiment = Experiment(
        project_id=project_id,
        key=draft.key,
        name=draft.name,
        source=draft.source,
        unit_kind=draft.unit_kind,
        hypothesis=draft.hypothesis,
        layer_id=draft.layer_id,
        holdout_id=draft.holdout_id,
        audience=dict(draft.audience) if draft.audience is not None else None,
        coverage=draft.coverage,
        horizon_days=draft.horizon_days,
        minimum_effect=draft.minimum_effect,
        plan_overrides=dict(draft.plan_overrides),
        personalised=draft.personalised,
        overrides=dict(draft.overrides),
        dimensions=list(draft.dimensions),
        period_minutes=draft.period_minutes,
        period_design=draft.period_design,
        burn_in_minutes=draft.burn_in_minutes,
        budget=draft.budget,
        payable=draft.payable,
    )
    experiment.clean_fields()
    _insert(experiment, "experiment_key")
    for position, variant in enumerate(draft.variants):
        Variant.objects.create(
            experiment=experiment,
            key=variant.key,
            name=variant.name,
            is_control=variant.control,
            weight=variant.weight,
            parameters=dict(variant.parameters),
            position=position,
        )
    for position, use in enumerate(draft.metrics):
        ExperimentMetric.objects.create(
            experiment=experiment,
            metric_id=use.metric_id,
            role=use.role,
            margin=use.margin,
            position=position,
        )
    if draft.layer_id is not None:
        hold_layer(experiment_id=int(experiment.pk), layer_id=draft.layer_id, ranges=draft.layer_ranges)
    after = {"name": draft.name, "source": draft.source}
    _journal_creation(project_id, now, acting_user, "experiment", draft.key, after)
    return int(experiment.pk)


@transaction.atomic
def hold_layer(*, experiment_id: int, layer_id: int, ranges: Sequence[tuple[int, int]]) -> None:
    """Give an experiment these slots of a layer in place of those it holds. Raises LayerTaken."""
    LayerRange.objects.filter(experiment_id=experiment_id).delete()
    try:
        with transaction.atomic():
            for lower, upper in ranges:
                LayerRange.objects.create(
                    layer_id=layer_id, experiment_id=experiment_id, slots=Range(lower, upper, bounds="[)")
                )
    except IntegrityError as error:
        raise LayerTaken("Some of these slots of the layer are taken.") from error


def record_design_change(
    *,
    experiment_id: int,
    acting_user: str,
    now: datetime,
    before: Mapping[str, Any],
    after: Mapping[str, Any],
    reason: str = "",
) -> None:
    """Journal an edit of a draft, in the transaction that made it."""
    row = Experiment.objects.only("project_id", "key").get(pk=experiment_id)
    write_journal(
        project_id=row.project_id,
        at=now,
        actor=acting_user,
        action="experiment.edit",
        subject=f"experiment:{row.key}",
        reason=reason,
        before=before,
        after=after,
    )


def _insert(row: Layer | Holdout | Experiment, key_constraint: str) -> None:
    try:
        with transaction.atomic():
            row.save(force_insert=True)
    except IntegrityError as error:
        if key_constraint in str(error):
            raise KeyTaken(f"The key {row.key} is taken.") from error
        raise


def _journal_creation(
    project_id: int, now: datetime, acting_user: str, kind: str, key: str, after: Mapping[str, Any]
) -> None:
    write_journal(
        project_id=project_id,
        at=now,
        actor=acting_user,
        action=f"{kind}.create",
        subject=f"{kind}:{key}",
        after=after,
    )
