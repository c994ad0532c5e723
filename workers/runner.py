"""Runs one job: claim, keep the lease alive, do the work and mark it done in one transaction."""

import logging
import os
import socket
import threading
import traceback
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

from django.db import connection, transaction
from django.utils import timezone

from foundation.actions.jobs import ClaimedJob, claim, extend_lease, fail, finish
from workers.handlers import HANDLERS, LONG_HANDLERS, Effect

HEARTBEAT_SECONDS = 5.0

logger = logging.getLogger(__name__)


class LeaseLost(Exception):
    """Another worker may have taken the job, so its effect is rolled back here."""


class UnknownKind(Exception):
    """No handler knows this kind of job."""


def run(*, job_id: int) -> bool:
    """Run a job if it can be claimed; return whether its effect was committed here.

    The effect and `done` share a transaction that holds only while the lease does, so the effect happens once. A long
    job computes before that transaction. A failure is noted on the job, which comes back later or rests as DEAD.
    """
    owner = f"{socket.gethostname()}:{os.getpid()}:{uuid.uuid4().hex[:8]}"
    job = claim(job_id=job_id, owner=owner)
    if job is None:
        return False
    try:
        with _heartbeat(job):
            effect = _prepare(job)
            with transaction.atomic():
                effect(timezone.now())
                _finish(job)
    except LeaseLost:
        logger.warning("lease of job %s lost", job.id)
        return False
    except Exception as error:  # the job table, not the broker, decides what happens next
        logger.exception("job %s (%s) failed on attempt %s", job.id, job.kind, job.attempt)
        fail(job=job, error=f"{error!r}\n{traceback.format_exc(limit=5)}")
        return False
    return True


def _prepare(job: ClaimedJob) -> Effect:
    long_handler = LONG_HANDLERS.get(job.kind)
    if long_handler is not None:
        return long_handler(job, timezone.now())
    handler = HANDLERS.get(job.kind)
    if handler is None:
        raise UnknownKind(job.kind)
    return partial(handler, job)


def _finish(job: ClaimedJob) -> None:
    if not finish(job_id=job.id, owner=job.owner):
        raise LeaseLost(job.id)


@contextmanager
def _heartbeat(job: ClaimedJob) -> Iterator[None]:
    """Extend the lease from a second connection until the block ends."""
    ended = threading.Event()

    def beat() -> None:
        try:
            while not ended.wait(HEARTBEAT_SECONDS):
                if not extend_lease(job_id=job.id, owner=job.owner):
                    return
        finally:
            connection.close()

    thread = threading.Thread(target=beat, daemon=True, name=f"lease-{job.id}")
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
