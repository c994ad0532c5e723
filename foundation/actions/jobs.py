"""The job table: work is a row, written in the transaction that needs it, and leased while it runs."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection, transaction
from django.db.models import F, Q
from django.db.models.functions import Now

from foundation.models import Job

LEASE = timedelta(seconds=20)
BACKOFF = timedelta(seconds=2)


@dataclass(frozen=True, slots=True)
class ClaimedJob:
    """A job that this worker may run until its lease ends."""

    id: int
    kind: str
    project_id: int | None
    payload: Mapping[str, object]
    attempt: int
    owner: str


def enqueue(
    *,
    kind: str,
    key: str,
    project_id: int | None,
    payload: Mapping[str, object],
    run_after: datetime | None = None,
) -> bool:
    """Promise work; return False when a job with this key exists already. A trigger rings the workers on commit."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO foundation_job (kind, key, project_id, payload, state, attempts, max_attempts,
                                        run_after, lease_owner, last_error, created_at)
            SELECT %(kind)s, %(key)s, %(project)s, %(payload)s::jsonb, 'READY', 0, 5,
                   coalesce(%(after)s::timestamptz, now()), '', '', now()
            WHERE NOT EXISTS (SELECT 1 FROM foundation_job WHERE key = %(key)s)
            ON CONFLICT (key) DO NOTHING
            """,
            {
                "kind": kind,
                "key": key,
                "project": project_id,
                "payload": json.dumps(payload, sort_keys=True),
                "after": run_after,
            },
        )
        return bool(cursor.rowcount)


def claim(*, job_id: int, owner: str) -> ClaimedJob | None:
    """Lease a job that is due, or whose lease has run out; None when another worker has it or it is finished.

    The attempt is counted before the work starts, so that a worker that is killed has used one.
    """
    with transaction.atomic():
        job = (
            Job.objects.select_for_update(skip_locked=True)
            .filter(_due(), pk=job_id, attempts__lt=F("max_attempts"))
            .first()
        )
        if job is None:
            return None
        Job.objects.filter(pk=job_id).update(
            state=Job.State.RUNNING,
            attempts=F("attempts") + 1,
            lease_until=Now() + LEASE,
            lease_owner=owner,
        )
    return ClaimedJob(
        id=int(job.pk),
        kind=job.kind,
        project_id=job.project_id,
        payload=job.payload,
        attempt=job.attempts + 1,
        owner=owner,
    )


def extend_lease(*, job_id: int, owner: str) -> bool:
    """Prolong a lease that is still held; return whether it was."""
    held = Job.objects.filter(pk=job_id, lease_owner=owner, state=Job.State.RUNNING)
    return bool(held.update(lease_until=Now() + LEASE))


def finish(*, job_id: int, owner: str) -> bool:
    """Mark a job done, in the transaction of its effect; False when the lease was lost, so that the effect must go."""
    held = Job.objects.filter(pk=job_id, lease_owner=owner, state=Job.State.RUNNING)
    return bool(held.update(state=Job.State.DONE, finished_at=Now(), lease_until=None, last_error=""))


def fail(*, job: ClaimedJob, error: str) -> None:
    """Put a failed job back with a growing delay, or to rest as DEAD after its last attempt."""
    held = Job.objects.filter(pk=job.id, lease_owner=job.owner, state=Job.State.RUNNING)
    held.filter(attempts__gte=F("max_attempts")).update(
        state=Job.State.DEAD, finished_at=Now(), lease_until=None, last_error=error
    )
    held.update(
        state=Job.State.READY,
        run_after=Now() + BACKOFF * 2 ** (job.attempt - 1),
        lease_until=None,
        last_error=error,
    )


def bury_exhausted() -> int:
    """Mark as DEAD the jobs whose worker died on their last attempt; return how many."""
    exhausted = Job.objects.filter(state=Job.State.RUNNING, lease_until__lt=Now(), attempts__gte=F("max_attempts"))
    return exhausted.update(
        state=Job.State.DEAD,
        finished_at=Now(),
        lease_until=None,
        last_error="The worker died on the last attempt.",
    )


def due_jobs(*, limit: int = 500) -> list[tuple[int, str]]:
    """Return (id, kind) of the jobs that may be claimed now, oldest first."""
    due = Job.objects.filter(_due(), attempts__lt=F("max_attempts")).order_by("run_after", "id")
    return list(due.values_list("id", "kind")[:limit])


def kind_and_wait(*, job_id: int) -> tuple[str, timedelta] | None:
    """Return a job's kind and how long it may not be claimed yet, or None when there is no such job."""
    found = Job.objects.filter(pk=job_id).values_list("kind", F("run_after") - Now()).first()
    return None if found is None else (found[0], max(timedelta(), found[1]))


def has_open_job(*, kind: str, project_id: int) -> bool:
    """Return whether a job of this kind is waiting or running for the project."""
    return Job.objects.filter(kind=kind, project_id=project_id, state__in=[Job.State.READY, Job.State.RUNNING]).exists()


def open_keys(*, kind: str) -> frozenset[str]:
    """Return the keys of the jobs of a kind that are waiting or running."""
    open_jobs = Job.objects.filter(kind=kind, state__in=[Job.State.READY, Job.State.RUNNING])
    return frozenset(open_jobs.values_list("key", flat=True))


def retry(*, job_id: int) -> bool:
    """Give a dead job another set of attempts; return whether it was dead."""
    dead = Job.objects.filter(pk=job_id, state=Job.State.DEAD)
    revived = bool(dead.update(state=Job.State.READY, attempts=0, run_after=Now(), finished_at=None))
    if revived:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_notify('tiltyard_jobs', %s)", [str(job_id)])
    return revived


def retry_dead(*, key: str) -> bool:
    """Give the job with this key another set of attempts; return whether it was dead."""
    job_id = Job.objects.filter(key=key, state=Job.State.DEAD).values_list("pk", flat=True).first()
    return job_id is not None and retry(job_id=job_id)


def forget_finished(*, older_than: timedelta) -> int:
    """Delete done jobs that ended longer ago than this; return how many."""
    return Job.objects.filter(state=Job.State.DONE, finished_at__lt=Now() - older_than).delete()[0]


def _due() -> Q:
    return Q(state=Job.State.READY, run_after__lte=Now()) | Q(state=Job.State.RUNNING, lease_until__lt=Now())
