"""Storing events on a real Postgres: durable, once, and never half."""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta

import psycopg
import pytest

from decisions.ingest.rows import EventRow
from decisions.ingest.writer import EventWriter, IngestUnavailable
from tests.decisions.ingest.test_rows import row

DAY = date(2026, 6, 1)


@pytest.fixture
def database(database_url: str) -> Iterator[psycopg.Connection[tuple[object, ...]]]:
    """Return a connection of the test's own; the event log is empty before and after."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("TRUNCATE decisions_eventlog")
        yield connection
        connection.execute("TRUNCATE decisions_eventlog")


@pytest.fixture
def writer(database_url: str, database: object) -> Iterator[EventWriter]:
    """Return a writer with two connections to the test database."""
    writer = EventWriter(database_url, connections=2, connect_seconds=2)
    yield writer
    writer.close()


def rows(*numbers: int, **changes: object) -> list[EventRow]:
    return [row(message_id=f"m-{number}", **changes) for number in numbers]


def stored_ids(database: psycopg.Connection[tuple[object, ...]]) -> list[object]:
    return [found for (found,) in database.execute("SELECT message_id FROM decisions_eventlog ORDER BY message_id")]


def test_write__new_rows__are_there_for_others_when_it_returns(
    writer: EventWriter, database: psycopg.Connection[tuple[object, ...]]
) -> None:
    assert writer.write(rows(1, 2)) == {(DAY, "m-1"), (DAY, "m-2")}
    assert stored_ids(database) == ["m-1", "m-2"]


def test_write__every_column__comes_back_as_it_was(
    writer: EventWriter, database: psycopg.Connection[tuple[object, ...]]
) -> None:
    awkward = 'tab\t nl\n cr\r back\\slash "quote" \\N 用户 👩‍👩‍👧 \\.'
    whole = row(
        message_id=awkward,
        event=awkward,
        item=awkward,
        store="\\N",
        session="s",
        properties='{"a": "line\\nbreak \\\\ \\"q\\" 用", "b": 2.5}',
        enrolments='[{"slots": [null, 1, 2]}]',
    )
    writer.write([whole])

    found = database.execute(
        "SELECT message_id, event, item, store, session, customer, properties, enrolments, occurred_at, corrected_at,"
        " received_at <= clock_timestamp() AND received_at > clock_timestamp() - interval '1 minute'"
        " FROM decisions_eventlog"
    ).fetchone()
    assert found is not None
    assert found[:6] == (awkward, awkward, awkward, "\\N", "s", None)
    assert found[6] == {"a": 'line\nbreak \\ "q" 用', "b": 2.5}
    assert found[7] == [{"slots": [None, 1, 2]}]
    assert found[8] == whole.occurred_at
    assert found[9:] == (None, True)


def test_write__again_in_any_mixture__stores_nothing_twice(
    writer: EventWriter, database: psycopg.Connection[tuple[object, ...]]
) -> None:
    writer.write(rows(1, 2))

    assert writer.write(rows(2, 3, 3, 1)) == {(DAY, "m-3")}
    assert writer.write(rows(3, 2, 1)) == set()
    assert stored_ids(database) == ["m-1", "m-2", "m-3"]


def test_write__same_id_in_other_projects_or_days__is_another_message(
    writer: EventWriter, database: psycopg.Connection[tuple[object, ...]]
) -> None:
    writer.write(rows(1))
    writer.write(rows(1, project_id=2))

    assert writer.write(rows(1, day=DAY + timedelta(days=1))) == {(DAY + timedelta(days=1), "m-1")}
    assert len(stored_ids(database)) == 3


def test_write__nothing__asks_nobody() -> None:
    assert EventWriter("postgresql://nobody@127.0.0.1:1/none", connections=1, connect_seconds=1).write([]) == set()


def test_write__twenty_at_once_with_the_same_messages__store_each_once(
    writer: EventWriter, database: psycopg.Connection[tuple[object, ...]]
) -> None:
    def send(attempt: int) -> set[tuple[date, str]]:
        order = range(50) if attempt % 2 else reversed(range(50))
        while True:
            try:
                return writer.write(rows(*order))
            except IngestUnavailable as refused:
                if "busy" not in refused.message:
                    raise
                time.sleep(0.05)

    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(send, range(20)))

    assert len(stored_ids(database)) == 50
    assert sum(len(found) for found in results) == 50, "each message is new to exactly one request"


def test_write__first_message_of_a_day_in_several_processes_at_once__is_stored_by_each(
    writer: EventWriter, database_url: str, database: psycopg.Connection[tuple[object, ...]]
) -> None:
    writers = [EventWriter(database_url, connections=1, connect_seconds=2) for _ in range(3)]
    days = [date(2026, 2, 1) + timedelta(days=number) for number in range(15)]

    def send(number: int) -> int:
        return sum(len(writers[number].write([row(message_id=f"m-{number}", day=day)])) for day in days)

    with ThreadPoolExecutor(3) as pool:
        assert list(pool.map(send, range(3))) == [15, 15, 15]
    for other in writers:
        other.close()
    assert len(stored_ids(database)) == 45


def test_write__rows_in_any_order__takes_them_in_the_order_of_their_keys_so_that_nobody_deadlocks(
    writer: EventWriter, database_url: str, database: psycopg.Connection[tuple[object, ...]]
) -> None:
    writer.write(rows(0))
    insert = "INSERT INTO decisions_eventlog (project_id, day, message_id, kind) VALUES (1, %s, %s, 'track')"
    with psycopg.connect(database_url, options="-c lock_timeout=2000") as other, ThreadPoolExecutor(1) as pool:
        other.execute(insert, [DAY, "m-1"])
        waiting = pool.submit(writer.write, rows(2, 1))
        time.sleep(0.3)
        other.execute(insert, [DAY, "m-2"])
        other.commit()
        assert waiting.result(timeout=5) == set()
    assert stored_ids(database) == ["m-0", "m-1", "m-2"]


def test_write__all_connections_busy__refuses_within_a_second(
    writer: EventWriter, database_url: str, database: psycopg.Connection[tuple[object, ...]]
) -> None:
    writer.write(rows(0))
    with psycopg.connect(database_url) as other:
        other.execute(
            "INSERT INTO decisions_eventlog (project_id, day, message_id, kind) VALUES (1, %s, 'm-1', 'track')", [DAY]
        )
        waiting = [threading.Thread(target=lambda n=n: writer.write(rows(1, 100 + n))) for n in range(2)]
        for thread in waiting:
            thread.start()
        time.sleep(0.3)
        started = time.monotonic()
        with pytest.raises(IngestUnavailable, match="busy"):
            writer.write(rows(9))
        assert time.monotonic() - started < 1.0
        other.commit()
        for thread in waiting:
            thread.join(timeout=5)
    assert stored_ids(database) == ["m-0", "m-1", "m-100", "m-101"]


def test_write__transaction_that_took_too_long__is_rolled_back(
    writer: EventWriter, database_url: str, database: psycopg.Connection[tuple[object, ...]]
) -> None:
    writer.write(rows(0))
    with psycopg.connect(database_url) as other:
        other.execute(
            "INSERT INTO decisions_eventlog (project_id, day, message_id, kind) VALUES (1, %s, 'm-1', 'track')", [DAY]
        )
        release = threading.Timer(0.4, other.commit)
        release.start()
        with pytest.raises(IngestUnavailable, match="too long"):
            writer.write(rows(1, 2), within=0.2)
        release.join()

    assert stored_ids(database) == ["m-0", "m-1"]
    assert writer.write(rows(1, 2), within=0.2) == {(DAY, "m-2")}


def test_write__after_the_server_closed_the_connections__connects_again_unnoticed(
    writer: EventWriter, database: psycopg.Connection[tuple[object, ...]]
) -> None:
    writer.write(rows(1))
    ended = database.execute(
        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
        " WHERE application_name = 'tiltyard-edge-events' AND datname = current_database()"
    ).fetchone()

    assert ended is not None
    assert ended[0] >= 1
    assert writer.write(rows(2)) == {(DAY, "m-2")}
    assert stored_ids(database) == ["m-1", "m-2"]


def test_write__partition_dropped_behind_its_back__is_made_again(
    writer: EventWriter, database: psycopg.Connection[tuple[object, ...]]
) -> None:
    old = date(2025, 8, 1)
    writer.write(rows(1, day=old))
    database.execute("DROP TABLE decisions_eventlog_y2025m08d01")

    assert writer.write(rows(2, day=old)) == {(old, "m-2")}
    assert stored_ids(database) == ["m-2"]


def test_write__one_row_that_postgres_refuses__stores_none_of_the_request(
    writer: EventWriter, database: psycopg.Connection[tuple[object, ...]]
) -> None:
    with pytest.raises(psycopg.DataError):
        writer.write([*rows(1), row(message_id="bad", properties="{not json")])

    assert stored_ids(database) == []
    assert writer.write(rows(1)) == {(DAY, "m-1")}


def test_write__nobody_listens__refuses_at_once_and_then_without_trying() -> None:
    writer = EventWriter("postgresql://nobody@127.0.0.1:1/none", connections=1, connect_seconds=1)

    for said in ("does not store", "moment ago"):
        started = time.monotonic()
        with pytest.raises(IngestUnavailable, match=said):
            writer.write(rows(1))
        assert time.monotonic() - started < 1.0


def test_writer__sessions__commit_synchronously_and_give_up_after_ten_seconds(
    writer: EventWriter, database: psycopg.Connection[tuple[object, ...]]
) -> None:
    writer.write(rows(1))
    place = writer._take()
    assert place.connection is not None
    settings: dict[str, object] = {
        name: place.connection.execute(f"SHOW {name}").fetchone()
        for name in ("synchronous_commit", "statement_timeout", "timezone")
    }
    writer._places.put(place)

    assert settings == {"synchronous_commit": ("on",), "statement_timeout": ("10s",), "timezone": ("UTC",)}
