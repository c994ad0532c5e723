"""Retention: old days go, needed ones stay, reports say what was erased, and nobody who writes waits."""

import threading
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import psycopg
import pytest
from django.core.management import call_command
from django.db import connection, transaction

from decisions.actions import retention
from decisions.actions.retention import (
    TABLES,
    drop_old_days,
    make_days_ahead,
    promise_partitions,
    retention_plan,
)
from decisions.ingest.writer import EventWriter
from experiments.actions.lifecycle import stop
from experiments.actions.verification import verify_report
from foundation.actions.partitions import PartitionInTransaction, drop_day, ensure_days, partitions_of
from foundation.models import Job, JournalEntry
from tests.decisions.actions.test_stale_looks import vouched
from tests.decisions.ingest.test_rows import row
from tests.expert.population import arm, exposure, look, order, receive
from tests.fixtures.records import ACTOR, NOW, make_project, make_running
from workers.runner import run

pytestmark = pytest.mark.django_db(transaction=True)

TODAY = NOW.date()


@pytest.fixture(autouse=True)
def _no_days() -> Iterator[None]:
    _drop_all()
    yield
    _drop_all()


def _drop_all() -> None:
    with connection.cursor() as cursor:
        for table in TABLES:
            for part in partitions_of(table):
                cursor.execute(f'DROP TABLE "{part.table}"')


def days_of(table: str = TABLES[0]) -> list[date]:
    return [part.day for part in partitions_of(table)]


def make(*ages: int) -> None:
    for table in TABLES:
        ensure_days(table, [TODAY - timedelta(days=age) for age in ages])


def test_drop__days_older_than_the_policy__go_from_both_tables_and_the_journal_knows():
    project_id = make_project()
    make(0, 399, 400, 401, 500)

    gone = drop_old_days(now=NOW)

    assert [part.day for part in gone] == [TODAY - timedelta(days=age) for age in (500, 500, 401, 401)]
    for table in TABLES:
        assert days_of(table) == [TODAY - timedelta(days=age) for age in (400, 399, 0)]
    entry = JournalEntry.objects.get(project_id=project_id, action="retention.drop")
    assert entry.after["before"] == (TODAY - timedelta(days=400)).isoformat()
    assert drop_old_days(now=NOW) == []
    assert JournalEntry.objects.filter(action="retention.drop").count() == 1


def test_drop__running_experiment_needs_them__they_are_kept_and_told():
    project_id = make_project()
    make_running(project_id, now=NOW - timedelta(days=450))
    make(440, 500)

    plan = retention_plan(now=NOW)
    assert plan is not None
    (kept,) = plan.kept_for
    assert (kept[0], kept[1].experiment_key) == ("shop", "button")
    assert drop_old_days(now=NOW) != []
    assert days_of() == [TODAY - timedelta(days=440)]


def test_drop__inside_a_transaction__is_refused_and_nothing_changes():
    make_project()
    make(500)
    with pytest.raises(PartitionInTransaction), transaction.atomic():
        drop_day(partitions_of(TABLES[0])[0])
    assert days_of() == [TODAY - timedelta(days=500)]


def test_drop__begun_and_broken_off__is_finished_by_the_next_one():
    make_project()
    make(500)
    (part,) = partitions_of(TABLES[0])
    holder = psycopg.connect(**_address())
    with holder:
        holder.execute(f"SELECT count(*) FROM {TABLES[0]}")
        with connection.cursor() as cursor:
            cursor.execute("SET lock_timeout = '50ms'")
            with pytest.raises(Exception, match="lock timeout"):
                cursor.execute(f'ALTER TABLE {TABLES[0]} DETACH PARTITION "{part.table}" CONCURRENTLY')
            cursor.execute("RESET lock_timeout")
    assert partitions_of(TABLES[0])[0].is_leaving
    assert drop_old_days(now=NOW)[0].table == part.table
    assert days_of() == []


def test_verify__evidence_was_erased__is_named_and_no_difference():
    project_id = make_project()
    experiment_id = make_running(project_id)
    with transaction.atomic():
        receive(
            project_id,
            [vouched(exposure(experiment_id, f"u{n}", arm(n), NOW + timedelta(hours=n / 10))) for n in range(40)]
            + [order(f"u{n}", NOW + timedelta(hours=n / 10 + 1)) for n in range(0, 40, 3)],
        )
    look(experiment_id, days=9)
    assert verify_report(experiment_id).erased_before is None
    call_command("partitions", "list")
    later = NOW + timedelta(days=420)
    stop(experiment_id=experiment_id, acting_user=ACTOR, now=NOW + timedelta(days=9), reason="It is over.")
    assert drop_old_days(now=later) != []

    found = verify_report(experiment_id)

    assert (found.holds, found.erased_before) == (True, (later - timedelta(days=400)).date())


def test_make_days_ahead__today_and_the_next_days__are_there_before_anybody_writes():
    make_project()
    assert make_days_ahead(now=NOW) == 2 * retention.DAYS_AHEAD
    assert make_days_ahead(now=NOW) == 0
    assert days_of() == [TODAY + timedelta(days=number) for number in range(retention.DAYS_AHEAD)]
    assert (promise_partitions(now=NOW), promise_partitions(now=NOW)) == (1, 0)
    job = Job.objects.get(kind="keep_partitions")
    assert job.project_id is None
    assert run(job_id=job.pk)
    assert Job.objects.get(pk=job.pk).state == Job.State.DONE


def _address() -> dict[str, str]:
    told = connection.get_connection_params()
    return {name: str(told[name]) for name in ("host", "port", "user", "password", "dbname") if told.get(name)}


def test_drop__while_events_are_stored__no_writer_waits_for_a_lock(database_url: str):
    make_project()
    now = datetime.now(UTC)
    for table in TABLES:
        ensure_days(table, [now.date() - timedelta(days=age) for age in (0, *range(401, 409))])
    ended = threading.Event()
    stored, waits = [0], [0.0]

    def write() -> None:
        writer = EventWriter(database_url, connections=1, connect_seconds=5)
        while not ended.is_set():
            number = stored[0]
            writer.write([row(message_id=f"m-{number}-{n}", day=now.date()) for n in range(20)])
            stored[0] += 20
        writer.close()

    def sample() -> None:
        """Note how long a writer has been waiting for a lock at any moment."""
        with psycopg.connect(database_url, autocommit=True) as watcher:
            while not ended.is_set():
                found = watcher.execute(
                    "SELECT extract(epoch FROM clock_timestamp() - l.waitstart) FROM pg_locks l JOIN pg_stat_activity a"
                    " USING (pid) WHERE NOT l.granted AND a.application_name = 'tiltyard-edge-events'"
                ).fetchall()
                waits[0] = max([waits[0], *(float(seconds) for (seconds,) in found if seconds is not None)])
                time.sleep(0.002)

    threads = [threading.Thread(target=work) for work in (write, sample)]
    for thread in threads:
        thread.start()
    while stored[0] < 40:
        time.sleep(0.01)
    gone = drop_old_days(now=now)
    reached = stored[0]
    while stored[0] < reached + 40:
        time.sleep(0.01)
    ended.set()
    for thread in threads:
        thread.join()
    assert len(gone) == 16
    assert waits[0] <= 0.2, f"a writer waited {waits[0]:.3f} s"
