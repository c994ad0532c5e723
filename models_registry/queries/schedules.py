"""Training schedules: what they train, when they are due, and what they made."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from foundation.errors import DomainError
from models_registry.models import ModelVersion, TrainingRun, TrainingSchedule
from models_registry.queries.versions import ModelFacts, VersionFacts, model_facts, version_facts
from models_registry.vocabulary import DataPolicy, RunState


class ScheduleUnknown(DomainError):
    """There is no such training schedule."""

    code = "TRAINING_SCHEDULE_UNKNOWN"
    hint = "Check the number; the admin lists the schedules of each model."


@dataclass(frozen=True, slots=True)
class ScheduleFacts:
    """A training schedule; `due_at` is project time, `drift_check` what the newest check found, with its time."""

    id: int
    model: ModelFacts
    key: str
    recipe: str
    parameters: Mapping[str, Any]
    search: Mapping[str, Any]
    gate: Mapping[str, Any]
    data_policy: DataPolicy
    window: timedelta
    every: timedelta
    drift: Mapping[str, Any]
    drift_check: Mapping[str, Any]
    is_enabled: bool
    due_at: datetime | None

    @property
    def margin(self) -> float:
        """How far a candidate may fall behind the reference that needs no model."""
        return float(self.gate.get("margin", 0.0))


def schedule_by_id(schedule_id: int) -> ScheduleFacts:
    """Return a schedule. Raises ScheduleUnknown."""
    row = TrainingSchedule.objects.select_related("model").filter(pk=schedule_id).first()
    if row is None:
        raise ScheduleUnknown(f"There is no training schedule {schedule_id}.")
    return schedule_facts(row)


def schedules_of(model_id: int) -> Sequence[ScheduleFacts]:
    """Return the schedules of a model, newest first."""
    rows = TrainingSchedule.objects.select_related("model").filter(model_id=model_id).order_by("-pk")
    return [schedule_facts(row) for row in rows]


def enabled_schedules(project_id: int) -> Sequence[ScheduleFacts]:
    """Return the schedules of a project that are switched on, oldest first."""
    rows = TrainingSchedule.objects.filter(model__project_id=project_id, is_enabled=True)
    return [schedule_facts(row) for row in rows.select_related("model").order_by("pk")]


def due_schedules(project_id: int, *, at: datetime) -> tuple[int, ...]:
    """Return the schedules of a project that are due at this time of it and have no open run, the longest due first."""
    due = TrainingSchedule.objects.filter(model__project_id=project_id, is_enabled=True, due_at__lte=at)
    open_runs = TrainingRun.objects.filter(state__in=[RunState.QUEUED, RunState.RUNNING], schedule__isnull=False)
    rows = due.exclude(pk__in=open_runs.values("schedule_id")).order_by("due_at", "pk")
    return tuple(rows.values_list("pk", flat=True))


def newest_passed(schedule_id: int, *, registered_before: datetime | None = None) -> VersionFacts | None:
    """Return the newest version that a schedule made and its gate let pass; None where there is none.

    registered_before: only versions that were there at this wall time.
    """
    rows = ModelVersion.objects.filter(run__schedule_id=schedule_id, gate__passed=True)
    if registered_before is not None:
        rows = rows.filter(created_at__lt=registered_before)
    row = rows.select_related("model").order_by("-number").first()
    return None if row is None else version_facts(row)


def schedule_facts(row: TrainingSchedule) -> ScheduleFacts:
    """Return a row, selected with its model, as a record."""
    return ScheduleFacts(
        id=int(row.pk),
        model=model_facts(row.model),
        key=row.key,
        recipe=row.recipe,
        parameters=row.parameters,
        search=row.search,
        gate=row.gate,
        data_policy=DataPolicy(row.data_policy),
        window=timedelta(days=row.window_days),
        every=timedelta(hours=row.every_hours),
        drift=row.drift,
        drift_check=row.drift_check,
        is_enabled=row.is_enabled,
        due_at=row.due_at,
    )
