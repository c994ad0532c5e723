"""The doorbell: one listener in all workers rings Celery when a job row is committed; the sweeper is the fall-back."""

import logging
import threading
from datetime import timedelta
from typing import Any, Final

import psycopg
from celery.signals import worker_ready, worker_shutting_down
from django.db import connection
from kombu.exceptions import OperationalError

from foundation.actions.jobs import bury_exhausted, due_jobs, kind_and_wait
from workers import runner
from workers.celery import app
from workers.queues import queue_of
from workers.schedule import SWEEP_SECONDS

RUN_JOB = "workers.tasks.run_job"
CHANNEL = "tiltyard_jobs"
URGENT = frozenset({"publish_bundle"})
"""Kinds that must not wait for the broker: a pause or a revoked key has to reach the edge within seconds."""

LONGEST_WAIT: Final = timedelta(seconds=SWEEP_SECONDS)
"""A job that may not run for longer than this is left to the sweeper."""
LATER: Final = timedelta(milliseconds=50)
"""By how much a job that waits is rung after its time: clocks of workers and database differ a little."""

LISTENER_LOCK = 7_205_001
RETRY_SECONDS = 5.0

logger = logging.getLogger(__name__)
_stopping = threading.Event()


def ring(job_id: int, kind: str, wait: timedelta = timedelta()) -> None:
    """Send a job's id to its queue, or run it here where it must not wait; a silent broker is left to the sweeper.

    wait: until it may run, so that it does then and not when the sweeper comes.
    """
    if kind in URGENT:
        runner.run(job_id=job_id)
        return
    countdown = (wait + LATER).total_seconds() if wait else None
    try:
        app.send_task(RUN_JOB, (job_id,), queue=queue_of(kind), countdown=countdown, retry=False)
    except (OperationalError, OSError) as error:
        logger.warning("job %s not rung: %s", job_id, error)


def sweep() -> int:
    """Bury jobs that used up their attempts, ring for every job that is due; return how many were rung."""
    bury_exhausted()
    due = due_jobs()
    for job_id, kind in due:
        ring(job_id, kind)
    return len(due)


def listen() -> None:
    """Ring for every job that is announced, until the worker shuts down; only one listener at a time is active."""
    while not _stopping.is_set():
        try:
            _listen_once()
        except psycopg.OperationalError as error:
            logger.warning("listener lost the database: %s", error)
        except Exception:  # the listener must outlive whatever happens; the sweeper rings meanwhile
            logger.exception("listener failed")
        finally:
            connection.close()
        _stopping.wait(RETRY_SECONDS)


def _listen_once() -> None:
    parameters = {**connection.get_connection_params(), "autocommit": True}
    parameters = {name: value for name, value in parameters.items() if name not in ("context", "cursor_factory")}
    with psycopg.connect(**parameters) as session:
        if not session.execute("SELECT pg_try_advisory_lock(%s)", [LISTENER_LOCK]).fetchone()[0]:  # type: ignore[index]
            return
        session.execute(f"LISTEN {CHANNEL}")
        sweep()
        while not _stopping.is_set():
            for notice in session.notifies(timeout=2.0):
                job_id = int(notice.payload)
                found = kind_and_wait(job_id=job_id)
                if found is not None and found[1] <= LONGEST_WAIT:
                    ring(job_id, *found)
            session.execute("SELECT 1")


@worker_ready.connect
def _start(**_: Any) -> None:
    _stopping.clear()
    threading.Thread(target=listen, daemon=True, name="job-listener").start()


@worker_shutting_down.connect
def _stop(**_: Any) -> None:
    _stopping.set()
