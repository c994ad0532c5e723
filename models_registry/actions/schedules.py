"""Training schedules: created, switched on and off, started when due or when drift asks for it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction

from foundation.actions.journal import write_journal
from foundation.errors import DomainError
from foundation.queries import project_facts
from models_registry.actions.training import OPEN, SYSTEM, TrainingOrder, request_training
from models_registry.drift import DriftBounds
from models_registry.gates import GateRule
from models_registry.models import RegisteredModel, TrainingRun, TrainingSchedule
from models_registry.queries.schedules import ScheduleUnknown, schedule_facts
from models_registry.queries.versions import ModelUnknown
from models_registry.vocabulary import DataPolicy, RunCause

LONGEST_WINDOW_DAYS = 400
LONGEST_CADENCE_HOURS = 24 * 366


class ScheduleExists(DomainError):
    """The model has a schedule with this key."""

    code = "TRAINING_SCHEDULE_EXISTS"
    hint = "Choose another key; what a schedule trains never changes, so a change is a new schedule."


class ScheduleInvalid(DomainError):
    """A schedule cannot be as it was said."""

    code = "TRAINING_SCHEDULE_INVALID"
    hint = "Train every 1 to 8784 hours on 1 to 400 days of data."


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleDraft:
    """What a schedule is to train, and when; parameters, search and gate as in a training order."""

    key: str
    recipe: str
    window_days: int = 28
    every_hours: int = 24
    parameters: Mapping[str, Any] = field(default_factory=dict)
    search: Mapping[str, Any] = field(default_factory=dict)
    gate: Mapping[str, Any] = field(default_factory=dict)
    drift: Mapping[str, Any] = field(default_factory=dict)
    data_policy: DataPolicy = DataPolicy.POOLED


def create_schedule(*, model_id: int, draft: ScheduleDraft, acting_user: str, now: datetime) -> int:
    """Create a schedule that is due at once, and return its id.

    Raises:
        ModelUnknown, ScheduleInvalid, ScheduleExists, GateMalformed, DriftBoundsInvalid, ValidationError.
    """
    model = RegisteredModel.objects.filter(pk=model_id).first()
    if model is None:
        raise ModelUnknown(f"There is no model {model_id}.")
    if not 1 <= draft.window_days <= LONGEST_WINDOW_DAYS or not 1 <= draft.every_hours <= LONGEST_CADENCE_HOURS:
        raise ScheduleInvalid("The window or the cadence is out of bounds.")
    GateRule.from_dict(draft.gate)
    DriftBounds.from_dict(draft.drift)
    at = project_facts(model.project_id).clock.at(now)
    row = TrainingSchedule(
        model=model,
        key=draft.key,
        recipe=draft.recipe,
        parameters=dict(draft.parameters),
        search=dict(draft.search),
        gate=dict(draft.gate),
        data_policy=draft.data_policy,
        window_days=draft.window_days,
        every_hours=draft.every_hours,
        drift=dict(draft.drift),
        due_at=at,
    )
    row.clean_fields(exclude=["created_at"])
    after = {"recipe": draft.recipe, "every_hours": draft.every_hours, "data_policy": draft.data_policy}
    try:
        with transaction.atomic():
            row.save(force_insert=True)
            _journal(row, at=at, acting_user=acting_user, action="training.schedule", after=after)
    except IntegrityError as error:
        if "training_schedule_key" in str(error):
            raise ScheduleExists(f"The model has a schedule with the key {draft.key} already.") from error
        raise
    return int(row.pk)


@transaction.atomic
def enable_schedule(*, schedule_id: int, acting_user: str, now: datetime, reason: str = "") -> None:
    """Let a schedule train again, at once; nothing changes where it does. Raises ScheduleUnknown."""
    row = _locked(schedule_id)
    if row.is_enabled:
        return
    at = project_facts(row.model.project_id).clock.at(now)
    TrainingSchedule.objects.filter(pk=schedule_id).update(is_enabled=True, due_at=at)
    _journal(row, at=at, acting_user=acting_user, action="training.schedule_enable", reason=reason)


@transaction.atomic
def disable_schedule(*, schedule_id: int, acting_user: str, now: datetime, reason: str = "") -> None:
    """Let a schedule rest; what it made goes on serving, and an open run of it goes on. Raises ScheduleUnknown."""
    row = _locked(schedule_id)
    if not row.is_enabled:
        return
    at = project_facts(row.model.project_id).clock.at(now)
    TrainingSchedule.objects.filter(pk=schedule_id).update(is_enabled=False, due_at=None)
    _journal(row, at=at, acting_user=acting_user, action="training.schedule_disable", reason=reason)


@transaction.atomic
def start_due(*, schedule_id: int, now: datetime, warnings: Sequence[str] = ()) -> int | None:
    """Promise the training that a schedule is due for and return the run's id; None where it is not due.

    The row is locked, so that two callers promise one training. Its data end now (project time); trainings that were
    missed are not made up for. warnings: codes of what people should know of its data.
    """
    row = _free(schedule_id)
    if row is None or row.due_at is None:
        return None
    at = project_facts(row.model.project_id).clock.at(now)
    if row.due_at > at or _has_open_run(schedule_id):
        return None
    every = timedelta(hours=row.every_hours)
    missed = (at - row.due_at) // every
    TrainingSchedule.objects.filter(pk=schedule_id).update(due_at=row.due_at + every * (missed + 1))
    trigger = {"due_at": row.due_at.isoformat(), "warnings": list(warnings)}
    return _request(row, cause=RunCause.SCHEDULE, trigger=trigger, at=at, now=now)


@transaction.atomic
def note_drift(
    *, schedule_id: int, findings: Mapping[str, Any], exceeded: Sequence[str], now: datetime, warnings: Sequence[str]
) -> int | None:
    """Keep what a drift check found, and promise a training where something is beyond its bound; return its id.

    None where nothing is, the schedule is off, or one of its trainings is open already. Raises ScheduleUnknown.
    """
    row = _locked(schedule_id)
    at = project_facts(row.model.project_id).clock.at(now)
    check = {"at": at.isoformat(), **findings, "exceeded": list(exceeded)}
    TrainingSchedule.objects.filter(pk=schedule_id).update(drift_check=check)
    if not exceeded or not row.is_enabled or _has_open_run(schedule_id):
        return None
    return _request(row, cause=RunCause.DRIFT, trigger={**check, "warnings": list(warnings)}, at=at, now=now)


def _request(row: TrainingSchedule, *, cause: RunCause, trigger: Mapping[str, Any], at: datetime, now: datetime) -> int:
    facts = schedule_facts(row)
    order = TrainingOrder(
        recipe=facts.recipe,
        data_start=at - facts.window,
        data_end=at,
        parameters=facts.parameters,
        margin=facts.margin,
        search=facts.search,
        rule=facts.gate,
        data_policy=facts.data_policy,
        schedule_id=facts.id,
        cause=cause,
        trigger=trigger,
    )
    return request_training(model_id=facts.model.id, order=order, acting_user=SYSTEM, now=now)


def _has_open_run(schedule_id: int) -> bool:
    return TrainingRun.objects.filter(schedule_id=schedule_id, state__in=OPEN).exists()


def _free(schedule_id: int) -> TrainingSchedule | None:
    """Return an enabled schedule, locked; None where somebody else holds it."""
    rows = TrainingSchedule.objects.select_for_update(of=("self",), skip_locked=True).select_related("model")
    return rows.filter(pk=schedule_id, is_enabled=True).first()


def _locked(schedule_id: int) -> TrainingSchedule:
    rows = TrainingSchedule.objects.select_for_update(of=("self",)).select_related("model")
    row = rows.filter(pk=schedule_id).first()
    if row is None:
        raise ScheduleUnknown(f"There is no training schedule {schedule_id}.")
    return row


def _journal(
    row: TrainingSchedule,
    *,
    at: datetime,
    acting_user: str,
    action: str,
    reason: str = "",
    after: Mapping[str, Any] | None = None,
) -> None:
    write_journal(
        project_id=row.model.project_id,
        at=at,
        actor=acting_user,
        action=action,
        subject=f"model:{row.model.key}",
        reason=reason,
        after={"schedule": row.key, **(after or {})},
    )
