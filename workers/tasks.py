"""Celery tasks: each translates a message and makes one call."""

from datetime import timedelta

from celery import shared_task
from django.utils import timezone

from decisions.actions.chunks import forget_unnamed_chunks
from decisions.actions.remembering import promise_refills
from decisions.actions.retention import promise_partitions
from decisions.actions.scheduling import enqueue_due_work
from foundation.actions.jobs import forget_finished
from workers import bell, runner

KEEP_FINISHED = timedelta(days=7)


@shared_task
def run_job(job_id: int) -> None:
    """Run the job with this id, unless another worker has it."""
    runner.run(job_id=job_id)


@shared_task
def tick() -> None:
    """Promise the work that has come due."""
    enqueue_due_work(now=timezone.now())


@shared_task
def sweep() -> None:
    """Ring again for jobs that nobody has started or whose worker is gone."""
    bell.sweep()


@shared_task
def remember() -> None:
    """Promise to write again what Redis lost of what units met."""
    promise_refills(now=timezone.now())


@shared_task
def clean() -> None:
    """Forget jobs that were done long ago, and what no bundle names any more; promise to look after old days."""
    promise_partitions(now=timezone.now())
    forget_finished(older_than=KEEP_FINISHED)
    forget_unnamed_chunks()
