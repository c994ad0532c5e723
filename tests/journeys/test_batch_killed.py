"""A worker is killed in the middle of writing a batch: nothing of it is left, and another worker writes all of it."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import psycopg
import pytest
from django.db import connection

from decisions.actions.batches import DECIDE
from decisions.actions.ledger_lock import LEDGER_LOCK
from decisions.actions.publishing import publish_bundle
from decisions.models import BatchDecision, DecisionBatch, PriceOffer
from foundation.actions.jobs import enqueue
from foundation.models import Job
from tests.fixtures.batches import make_batch_point, make_priced, waits_for_the_ledger
from tests.fixtures.records import make_project
from tests.journeys.test_worker_killed import wait_until

pytestmark = pytest.mark.slow

ITEMS = {f"item-{number:03d}": 20.0 for number in range(300)}


def test_worker_killed__in_the_middle_of_writing_a_batch__another_writes_all_of_it_once(make_site, database_url):
    project_id = make_project()
    make_priced(project_id, ITEMS)
    point_id = make_batch_point(project_id, every_minutes=None)
    publish_bundle(project_id=project_id)
    site = make_site(roles=("worker", "second", "beat"))
    site.stop_process("second")
    key = f"{DECIDE}:{point_id}:test"
    with held_ledger(database_url, project_id):
        payload = {"point_id": point_id, "due_at": datetime(2026, 3, 3, tzinfo=UTC).isoformat()}
        enqueue(kind=DECIDE, key=key, project_id=project_id, payload=payload)
        wait_until(waits_for_the_ledger, 60, "the writing of the batch")
        site.kill_process("worker")
    assert left(project_id) == (0, 0, 0, 0)
    site.start_process("second")
    wait_until(lambda: Job.objects.get(key=key).state == "DONE", 60, "the batch by the other worker")
    assert left(project_id) == (1, len(ITEMS), len(ITEMS), len(ITEMS))
    assert Job.objects.get(key=key).attempts == 2
    batch = DecisionBatch.objects.get()
    assert (batch.decisions, batch.fault, len(batch.sha256)) == (len(ITEMS), "", 64)


@contextmanager
def held_ledger(url: str, project_id: int) -> Iterator[None]:
    """Hold the lock of a project's ledger, which a batch takes once most of it is written."""
    with psycopg.connect(url) as holder:
        holder.execute("SELECT pg_advisory_xact_lock(%s, %s::int)", (LEDGER_LOCK, project_id))
        yield


def left(project_id: int) -> tuple[int, int, int, int]:
    """Return how many batches, decisions, rows of the log and offers there are."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM decisions_eventlog WHERE project_id = %s", [project_id])
        logged = cursor.fetchone()[0]
    return DecisionBatch.objects.count(), BatchDecision.objects.count(), logged, PriceOffer.objects.count()
