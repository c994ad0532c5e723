"""A worker is killed in the middle of an analysis: another finishes it within a minute, and its effect happens once."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import psycopg
import pytest
from django.db import connection

from decisions.actions.projection import project_events
from decisions.models import ProjectionState
from experiments.models import Scorecard
from foundation.actions.jobs import enqueue
from foundation.models import Job
from tests.fixtures.messages import log, log_exposure
from tests.fixtures.records import NOW, make_project, make_running

pytestmark = pytest.mark.slow


def wait_until(condition, seconds: float, what: str) -> float:
    """Return after how many seconds the condition held."""
    start = time.monotonic()
    while not condition():
        assert time.monotonic() - start < seconds, f"{what} did not come in {seconds} s"
        time.sleep(0.1)
    return time.monotonic() - start


def test_worker_killed__in_the_middle_of_an_analysis__another_finishes_it_once(make_site):
    project_id = make_project()
    experiment_id = make_running(project_id)
    for index in range(40):
        variant = "treatment" if index % 2 else "control"
        at = NOW + timedelta(minutes=index)
        log_exposure(project_id, experiment_id, message_id=f"e{index}", at=at, visitor=f"v{index}", variant=variant)
        order = {"order_id": f"A{index}", "revenue": 5}
        log(project_id, message_id=f"o{index}", event="Order Completed", at=at, visitor=f"v{index}", properties=order)
    project_events(project_id=project_id)
    assert ProjectionState.objects.exists()
    site = make_site(roles=("worker", "second", "beat"))
    site.stop_process("second")
    window_end = NOW + timedelta(days=9)
    key = f"analyse:{experiment_id}:test"
    with held_row(experiment_id):
        enqueue(
            kind="analyse",
            key=key,
            project_id=project_id,
            payload={"experiment_id": experiment_id, "window_end": window_end.isoformat()},
        )
        wait_until(lambda: _state(key) == "RUNNING", 30, "the start of the analysis")
        site.kill_process("worker")
    assert not Scorecard.objects.filter(experiment_id=experiment_id, window_end=window_end).exists()
    site.start_process("second")
    wait_until(lambda: _state(key) == "DONE", 60, "the analysis by the other worker")
    job = Job.objects.get(key=key)
    assert job.attempts == 2
    assert Scorecard.objects.filter(experiment_id=experiment_id, window_end=window_end).count() == 1


@contextmanager
def held_row(experiment_id: int) -> Iterator[None]:
    """Keep the experiment's row locked from a session of its own, so that its analysis has to wait in the middle."""
    parameters = {**connection.get_connection_params(), "autocommit": False}
    parameters.pop("context", None)
    parameters.pop("cursor_factory", None)
    with psycopg.connect(**parameters) as session:
        session.execute("SELECT 1 FROM experiments_experiment WHERE id = %s FOR UPDATE", [experiment_id])
        yield
        session.rollback()


def _state(key: str) -> str | None:
    """Return the state of the job with this key."""
    return Job.objects.filter(key=key).values_list("state", flat=True).first()
