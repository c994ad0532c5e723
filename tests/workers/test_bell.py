"""Ringing: while the broker is silent what must not wait is done at once; what may not run yet is run at its time."""

import os
import secrets
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from config.local.processes import Role
from decisions.models import PublishedBundle
from foundation.actions.jobs import enqueue
from foundation.models import Job
from tests.fixtures.records import make_project

pytestmark = pytest.mark.django_db(transaction=True)

PROJECT = Path(__file__).resolve().parents[2]
NOBODY_LISTENS = "redis://127.0.0.1:1/0"


def ring_without_a_broker(job_id: int, kind: str, database_url: str) -> None:
    environment = {
        **os.environ,
        "DATABASE_URL": database_url,
        "REDIS_URL": NOBODY_LISTENS,
        "SECRET_KEY": secrets.token_urlsafe(50),
    }
    program = f"from workers.bell import ring; ring({job_id}, {kind!r})"
    subprocess.run(
        [sys.executable, "manage.py", "shell", "--no-imports", "-c", program], cwd=PROJECT, env=environment, check=True
    )


def test_ring__broker_is_silent__publishes_the_bundle_itself(database_url):
    project_id = make_project()
    job = Job.objects.get(kind="publish_bundle", project_id=project_id)
    ring_without_a_broker(job.pk, job.kind, database_url)
    job.refresh_from_db()
    assert job.state == "DONE"
    assert PublishedBundle.objects.filter(project_id=project_id).count() == 1


def test_ring__broker_is_silent__leaves_other_jobs_for_the_sweeper(database_url):
    project_id = make_project()
    enqueue(kind="project_events", key="project_events:test", project_id=project_id, payload={})
    job = Job.objects.get(kind="project_events")
    ring_without_a_broker(job.pk, job.kind, database_url)
    job.refresh_from_db()
    assert (job.state, job.attempts) == ("READY", 0)


def test_listen__job_that_may_not_run_yet__is_run_at_its_time_without_any_sweeper(make_site):
    project_id = make_project()
    make_site(roles=(Role.WORKER,))
    done("publish_bundle", "the listener does not listen")
    due = datetime.now(UTC) + timedelta(seconds=3)
    enqueue(kind="project_events", key="project_events:test", project_id=project_id, payload={}, run_after=due)
    job = done("project_events", "nobody ran the job")
    assert job.attempts == 1
    assert job.finished_at > due


def done(kind: str, otherwise: str) -> Job:
    """Return the job of a kind once it is done."""
    ends = time.monotonic() + 60
    while (job := Job.objects.get(kind=kind)).state != Job.State.DONE:
        assert time.monotonic() < ends, otherwise
        time.sleep(0.2)
    return job
