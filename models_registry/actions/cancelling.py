"""Training runs that end without a result of their own: cancelled by a person, or left behind by their worker."""

from datetime import datetime

from django.db import transaction

from foundation.actions.jobs import open_keys
from foundation.actions.journal import write_journal
from foundation.errors import DomainError
from foundation.queries import project_facts
from models_registry.actions.training import OPEN, TRAIN, fail_run, job_key, locked_run
from models_registry.models import TrainingRun
from models_registry.vocabulary import RunState

ABANDONED = "TRAINING_ABANDONED"
"""The code of a run whose job was given up."""


class RunEnded(DomainError):
    """The training run has ended already."""

    code = "TRAINING_RUN_ENDED"
    hint = "What it registered stays; an alias that it should not hold can be taken back."


class RunCancelled(DomainError):
    """Somebody cancelled the training run while it trained."""

    code = "TRAINING_CANCELLED"
    hint = "Nothing was registered; the champion goes on serving."


@transaction.atomic
def cancel_run(*, run_id: int, acting_user: str, now: datetime, reason: str = "") -> None:
    """End a run that waits, and tell one that trains to end within seconds; neither will register anything.

    Cancelling again changes nothing. Raises RunUnknown, RunEnded.
    """
    run = locked_run(run_id)
    if run.state not in OPEN:
        raise RunEnded(f"The training run {run_id} has ended already.")
    if run.is_cancelled:
        return
    TrainingRun.objects.filter(pk=run_id).update(is_cancelled=True)
    write_journal(
        project_id=run.model.project_id,
        at=project_facts(run.model.project_id).clock.at(now),
        actor=acting_user,
        action="training.cancel",
        subject=f"model:{run.model.key}",
        reason=reason,
        after={"run": run_id, "step": run.step},
    )
    if run.state == RunState.QUEUED or job_key(run_id) not in open_keys(kind=TRAIN):
        end_cancelled(run_id=run_id, now=now)


@transaction.atomic
def end_cancelled(*, run_id: int, now: datetime) -> bool:
    """Mark an open run that was cancelled as ended; return whether it was one. Raises RunUnknown."""
    locked_run(run_id)
    live = TrainingRun.objects.filter(pk=run_id, state__in=OPEN, is_cancelled=True)
    return bool(live.update(state=RunState.CANCELLED, step="", finished_at=now))


def end_abandoned(*, now: datetime) -> int:
    """End the open runs whose job was given up after its last attempt; return how many.

    Otherwise they would seem to train for ever, and keep their schedule from its next training.
    """
    candidates = TrainingRun.objects.filter(state__in=OPEN).values_list("pk", flat=True)
    if not candidates:
        return 0
    promised = open_keys(kind=TRAIN)
    abandoned = [run_id for run_id in candidates if job_key(run_id) not in promised]
    for run_id in abandoned:
        if not end_cancelled(run_id=run_id, now=now):
            error = "Its worker died again and again; the job in the administration has more."
            fail_run(run_id=run_id, code=ABANDONED, error=error, now=now)
    return len(abandoned)
