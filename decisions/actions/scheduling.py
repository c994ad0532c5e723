"""Due work: what the clock of each project has made necessary, written to the job table under unique keys."""

from datetime import UTC, datetime, time
from zoneinfo import ZoneInfo

from django.db import connection

from decisions.models import ProjectionState
from experiments.queries.designs import RunFacts, observed_experiments
from foundation.actions.jobs import enqueue, has_open_job
from foundation.queries import ProjectFacts, all_projects

_WAITING = """
SELECT max(received_at) FROM decisions_eventlog
WHERE project_id = %s AND received_at > %s AND received_at <= now() - make_interval(secs => %s)
"""


def enqueue_due_work(*, now: datetime) -> int:
    """Promise every projection and look that is due, and return how many were new."""
    return sum(_enqueue_projection(facts) + _enqueue_looks(facts, now) for facts in all_projects())


def latest_window_end(*, facts: ProjectFacts, now: datetime) -> datetime:
    """Return the last midnight of the project's zone that is over by the project's clock, guard included."""
    zone = ZoneInfo(facts.time_zone)
    certain = facts.clock.at(now - facts.receipt_guard - facts.report_guard).astimezone(zone)
    return datetime.combine(certain.date(), time(), tzinfo=zone)


def _enqueue_projection(facts: ProjectFacts) -> int:
    if has_open_job(kind="project_events", project_id=facts.id):
        return 0
    state = ProjectionState.objects.filter(project_id=facts.id).first()
    with connection.cursor() as cursor:
        after = state.watermark if state else datetime(2000, 1, 1, tzinfo=UTC)
        cursor.execute(_WAITING, [facts.id, after, facts.receipt_guard.total_seconds()])
        newest = cursor.fetchone()[0]
    if newest is None:
        return 0
    key = f"project_events:{facts.id}:{newest.isoformat()}"
    return int(enqueue(kind="project_events", key=key, project_id=facts.id, payload={}))


def _enqueue_looks(facts: ProjectFacts, now: datetime) -> int:
    """Promise the look at the last full day of each experiment; while messages wait to be projected, looks wait too."""
    if has_open_job(kind="project_events", project_id=facts.id):
        return 0
    window_end = latest_window_end(facts=facts, now=now)
    return sum(_enqueue_look(facts, run, window_end) for run in observed_experiments(facts.id, at=window_end))


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
