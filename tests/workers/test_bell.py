"""Ringing while the broker is silent: what must not wait is done at once, the rest is left to the sweeper."""

import os
import secrets
import subprocess
import sys
from pathlib import Path

import pytest

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
