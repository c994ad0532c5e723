"""Due work: what the clock of each project has made necessary, written to the job table under unique keys."""

import logging
from collections.abc import Callable
from datetime import datetime, time
from zoneinfo import ZoneInfo

from django.db import connection

from decisions.actions.batches import promise_batches
from decisions.actions.catalogue_pace import promise_daily_catalogues
from decisions.actions.closing import held_looks, promise_closings
from decisions.actions.features import BEGINNING
from decisions.actions.feeds import promise_pulls
from decisions.actions.learning import promise_updates
from decisions.actions.pacing import promise_pacing
from decisions.actions.schedules import promise_trainings
from decisions.actions.stale_looks import promise_restatements
from decisions.models import ProjectionState
from experiments.queries.designs import RunFacts, observed_experiments
from foundation.actions.jobs import enqueue, has_open_job
from foundation.errors import DomainError
from foundation.queries import ProjectFacts, all_projects
from models_registry.actions.cancelling import end_abandoned

logger = logging.getLogger(__name__)

_WAITING = """
SELECT max(received_at) FROM decisions_eventlog
WHERE project_id = %s AND received_at > %s AND received_at <= now() - make_interval(secs => %s)
"""


def enqueue_due_work(*, now: datetime) -> int:
    """Promise each projection, look, restatement, catalogue, pull, training, update and batch that is due; return how
    many.

    What one project asks for and cannot have is logged, and keeps nobody else from being promised anything.
    """
    end_abandoned(now=now)
    steps = (
        promise_closings,
        _promise_looks,
        promise_daily_catalogues,
        promise_pulls,
        promise_restatements,
        promise_pacing,
        promise_trainings,
        promise_updates,
        promise_batches,
    )
    return sum(_promised(step, facts, now) for facts in all_projects() for step in steps)


def _promised(step: Callable[..., int], facts: ProjectFacts, now: datetime) -> int:
    try:
        return step(facts=facts, now=now)
    except DomainError as error:
        # A domain that is gone, or has changed, concerns those who use it: the projections of others go on.
        logger.warning("%s of project %s: %s: %s", step.__name__, facts.key, error.code, error.message)
        return 0


def latest_window_end(*, facts: ProjectFacts, now: datetime) -> datetime:
    """Return the last midnight of the project's zone that is over by the project's clock, guard included."""
    zone = ZoneInfo(facts.time_zone)
    certain = facts.clock.at(now - facts.receipt_guard - facts.report_guard).astimezone(zone)
    return datetime.combine(certain.date(), time(), tzinfo=zone)


def _promise_looks(*, facts: ProjectFacts, now: datetime) -> int:
    """Promise a project's work; a look is due once all that was received up to its window's end is projected.

    One at an experiment that is judged by its books waits for those of the periods that are over.
    """
    state = ProjectionState.objects.filter(project_id=facts.id).first()
    watermark = state.watermark if state else BEGINNING
    waiting = _newest_waiting(facts, watermark)
    promised = _enqueue_projection(facts, waiting) if waiting is not None else 0
    window_end = latest_window_end(facts=facts, now=now)
    if state is None or (waiting is not None and watermark < facts.clock.wall(window_end) + facts.report_guard):
        return promised
    held = held_looks(facts=facts, window_end=window_end, projected_until=watermark, now=now)
    return promised + sum(
        _enqueue_look(facts, run, window_end)
        for run in observed_experiments(facts.id, at=window_end)
        if run.id not in held
    )


def _newest_waiting(facts: ProjectFacts, watermark: datetime) -> datetime | None:
    with connection.cursor() as cursor:
        cursor.execute(_WAITING, [facts.id, watermark, facts.receipt_guard.total_seconds()])
        newest: datetime | None = cursor.fetchone()[0]
    return newest


def _enqueue_projection(facts: ProjectFacts, newest: datetime) -> int:
    if has_open_job(kind="project_events", project_id=facts.id):
        return 0
    key = f"project_events:{facts.id}:{newest.isoformat()}"
    return int(enqueue(kind="project_events", key=key, project_id=facts.id, payload={}))


def _enqueue_look(facts: ProjectFacts, run: RunFacts, window_end: datetime) -> int:
    at = window_end.isoformat()
    return int(
        enqueue(
            kind="analyse",
            key=f"analyse:{run.id}:{at}",
            project_id=facts.id,
            payload={"experiment_id": run.id, "window_end": at},
        )
    )
