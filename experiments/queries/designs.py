"""Experiments as designed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import F, Max

from experiments.launch_checks import Design, MetricUse, VariantDesign
from experiments.models import Experiment, RecordedImport, Variant
from experiments.queries.flags import flag_uses
from experiments.queries.payable import implied_payable, override_of
from experiments.queries.plans import counted_hours, draft_plan
from experiments.vocabulary import MetricRole, Payable, PeriodDesign, Source, Status, UnitKind
from foundation.errors import DomainError

_SETTLED = F("metrics__metric__window_hours") + F("metrics__metric__maturity_hours")


class ExperimentUnknown(DomainError):
    """There is no such experiment."""

    code = "EXPERIMENT_UNKNOWN"
    hint = "Check the id or the key."


@dataclass(frozen=True, slots=True)
class RunFacts:
    """What scheduling and analysis need to know of an experiment that has started."""

    id: int
    project_id: int
    key: str
    source: Source
    status: Status
    unit_kind: UnitKind
    started_at: datetime
    stopped_at: datetime | None
    periods_from: datetime | None = None
    is_reported: bool = False
    """Whether a platform's report on its schedule came in: then that is its evidence, and there is one look."""

    @property
    def looks_at_events(self) -> bool:
        """Whether its looks are taken at the project's own events."""
        return self.source is Source.OWN and not self.is_reported


def design_of(experiment_id: int) -> Design:
    """Return the design as the launch checks read it. Raises ExperimentUnknown."""
    row = (
        Experiment.objects.select_related("layer", "holdout")
        .prefetch_related("variants", "metrics__metric", "layer_ranges")
        .filter(pk=experiment_id)
        .first()
    )
    if row is None:
        raise ExperimentUnknown(f"There is no experiment {experiment_id}.")
    override = override_of(experiment_id)
    return Design(
        id=experiment_id,
        project_id=row.project_id,
        key=row.key,
        source=Source(row.source),
        unit_kind=UnitKind(row.unit_kind),
        hypothesis=row.hypothesis,
        variants=tuple(_variant(variant) for variant in row.variants.all()),
        metrics=tuple(
            MetricUse(
                key=use.metric.key,
                project_id=use.metric.project_id,
                role=MetricRole(use.role),
                margin=use.margin,
                settled_hours=counted_hours(use.metric.window_hours, row.period_minutes) + use.metric.maturity_hours,
            )
            for use in row.metrics.all()
        ),
        layer_project_id=row.layer.project_id if row.layer else None,
        layer_ranges=tuple((held.slots.lower, held.slots.upper) for held in row.layer_ranges.all()),
        holdout_project_id=row.holdout.project_id if row.holdout else None,
        holdout_unit_kind=UnitKind(row.holdout.unit_kind) if row.holdout else None,
        audience=row.audience,
        coverage=row.coverage,
        overrides=row.overrides,
        horizon_days=row.horizon_days,
        build_plan=lambda: draft_plan(experiment_id),
        layer_key=row.layer.key if row.layer else None,
        flags=flag_uses(row),
        period_minutes=row.period_minutes,
        period_design=PeriodDesign(row.period_design) if row.period_design else None,
        burn_in_minutes=row.burn_in_minutes,
        dimensions=tuple(row.dimensions),
        personalised=row.personalised,
        payable=Payable(row.payable),
        implied_payable=implied_payable(experiment_id),
        payable_in=override.jurisdictions if override else (),
    )


def run_facts(experiment_id: int) -> RunFacts:
    """Return the facts of an experiment that has started. Raises ExperimentUnknown."""
    row = Experiment.objects.filter(pk=experiment_id, started_at__isnull=False).first()
    if row is None:
        raise ExperimentUnknown(f"There is no started experiment {experiment_id}.")
    return _run_facts(row)


def observed_experiments(project_id: int, *, at: datetime) -> Sequence[RunFacts]:
    """Return the experiments of our own that are looked at at this project time, oldest first.

    They started before it, and are live, or stopped so lately that units were not complete a day ago.
    """
    started = Experiment.objects.filter(project_id=project_id, source=Source.OWN, started_at__lt=at)
    rows = started.exclude(status=Status.CONCLUDED).annotate(longest=Max(_SETTLED))
    return [
        _run_facts(row)
        for row in rows.order_by("pk")
        if row.stopped_at is None or at <= row.stopped_at + timedelta(hours=row.longest + 24)
    ]


def variants_of(experiment_id: int) -> tuple[VariantDesign, ...]:
    """Return the variants in order."""
    return tuple(_variant(row) for row in Variant.objects.filter(experiment_id=experiment_id))


def _variant(row: Variant) -> VariantDesign:
    return VariantDesign(
        id=int(row.pk),
        key=row.key,
        name=row.name,
        control=row.is_control,
        weight=row.weight,
        parameters=row.parameters,
    )


def _run_facts(row: Experiment) -> RunFacts:
    if row.started_at is None:
        raise ExperimentUnknown(f"Experiment {row.key} has not started.")
    return RunFacts(
        id=int(row.pk),
        project_id=row.project_id,
        key=row.key,
        source=Source(row.source),
        status=Status(row.status),
        unit_kind=UnitKind(row.unit_kind),
        started_at=row.started_at,
        stopped_at=row.stopped_at,
        periods_from=row.periods_from,
        is_reported=row.period_minutes is not None and RecordedImport.objects.filter(experiment_id=row.pk).exists(),
    )
