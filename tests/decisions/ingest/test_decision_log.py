"""The decision log on a real Postgres: nothing lost while it is away, nothing twice when it is back."""

import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from config.local.embedded import Postgres, Shutdown
from decisions.ingest.decision_log import DecisionLog
from decisions.ingest.rows import EventRow
from decisions.ingest.spool import Spool
from decisions.ingest.writer import EventWriter
from tests.architecture.source import PROJECT
from tests.decisions.ingest.test_spool import rows

NOWHERE = "postgresql://nobody@127.0.0.1:1/none"
Make = Callable[..., DecisionLog]


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    """Return a function that makes a log; it is closed after the test."""
    made: list[DecisionLog] = []

    def begin(url: str | None, *, limit: int = 100_000_000) -> DecisionLog:
        writer = EventWriter(url, connections=1, connect_seconds=2) if url else None
        made.append(DecisionLog(writer, Spool(tmp_path, limit=limit), within=lambda _project: 20.0))
        return made[-1]

    yield begin
    for log in made:
        log.close()


def add(log: DecisionLog, *numbers: int, **changes: object) -> None:
    for one in rows(*numbers, **changes):
        log.add(one)


def eventually(holds: Callable[[], bool], *, seconds: float = 20.0) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "did not come true in time"
        time.sleep(0.01)


def stored(url: str) -> list[tuple[int, str]]:
    with psycopg.connect(url) as connection:
        return connection.execute("SELECT project_id, message_id FROM decisions_eventlog ORDER BY 1, 2").fetchall()


def test_add__rows_of_two_projects__are_written_in_the_background(breakable_postgres: Postgres, make: Make) -> None:
    log = make(breakable_postgres.url)
    add(log, 1, 2)
    add(log, 1, project_id=2)

    eventually(lambda: log.counts.written == 3)

    assert stored(breakable_postgres.url) == [(1, "m-1"), (1, "m-2"), (2, "m-1")]
    assert (log.queued, log.spool_bytes, log.counts.received) == (0, 0, 3)


def test_add__same_row_twice__is_stored_once(breakable_postgres: Postgres, make: Make) -> None:
    log = make(breakable_postgres.url)
    add(log, 1, 1)
    log.close()

    assert stored(breakable_postgres.url) == [(1, "m-1")]


def test_close__rows_still_queued__are_written_first(breakable_postgres: Postgres, make: Make) -> None:
    log = make(breakable_postgres.url)
    add(log, *range(1_200))
    log.close()

    assert len(stored(breakable_postgres.url)) == 1_200
    assert log.counts.written == 1_200


def test_close__without_postgres__keeps_everything_for_the_next_process(
    breakable_postgres: Postgres, make: Make, tmp_path: Path
) -> None:
    first = make(NOWHERE)
    add(first, *range(50))
    first.close()
    assert (first.counts.spooled, first.counts.written) == (50, 0)

    second = make(breakable_postgres.url)
    second.start()
    eventually(lambda: second.counts.written == 50)

    assert len(stored(breakable_postgres.url)) == 50
    assert second.counts.received == 50
    second.close()
    assert list((tmp_path / "spool").iterdir()) == []


def test_log__without_a_database_at_all__spools(make: Make) -> None:
    log = make(None)
    add(log, 1, 2, 3)

    eventually(lambda: log.counts.spooled == 3)
    assert log.counts.dropped == 0


def test_log__postgres_killed_and_started_again__has_every_row_once(breakable_postgres: Postgres, make: Make) -> None:
    log = make(breakable_postgres.url)
    add(log, *range(100))
    eventually(lambda: log.counts.written == 100)

    breakable_postgres.shut_down(Shutdown.IMMEDIATE)
    add(log, *range(100, 400))
    eventually(lambda: log.counts.spooled == 300)
    assert log.spool_bytes > 0
    breakable_postgres.start()
    add(log, *range(400, 500))

    eventually(lambda: log.counts.written == 500)
    assert [message_id for _, message_id in stored(breakable_postgres.url)] == sorted(f"m-{n}" for n in range(500))
    counts = log.counts
    assert (counts.received, counts.dropped, log.queued, log.spool_bytes) == (500, 0, 0, 0)


def test_log__process_killed_with_a_spool__is_replayed_by_the_next_one_without_duplicates(
    breakable_postgres: Postgres, make: Make, tmp_path: Path
) -> None:
    program = textwrap.dedent(
        """
        import sys, time
        from pathlib import Path
        from decisions.ingest.decision_log import DecisionLog
        from decisions.ingest.spool import Spool
        from decisions.ingest.writer import EventWriter
        from tests.decisions.ingest.test_spool import rows
        writer = EventWriter("postgresql://nobody@127.0.0.1:1/none", connections=1, connect_seconds=1)
        log = DecisionLog(writer, Spool(Path(sys.argv[1]), limit=10**8), within=lambda _project: 20.0)
        for row in rows(*range(500)):
            log.add(row)
        while log.counts.spooled < 500:
            time.sleep(0.01)
        print("spooled", flush=True)
        time.sleep(600)
        """
    )
    process = subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path)], cwd=PROJECT, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "spooled\n"
    other = make(breakable_postgres.url)
    other.start()
    add(other, 499)
    eventually(lambda: other.counts.written == 1)
    assert len(stored(breakable_postgres.url)) == 1, "what a living process keeps is its own"

    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    first, second = make(breakable_postgres.url), make(breakable_postgres.url)
    first.start()
    second.start()

    eventually(lambda: first.counts.written + second.counts.written == 500)
    assert len(stored(breakable_postgres.url)) == 500


def test_log__replay_interrupted_half_way__stores_nothing_twice(
    breakable_postgres: Postgres, make: Make, tmp_path: Path
) -> None:
    spool = Spool(tmp_path, limit=100_000_000)
    spool.append(rows(*range(600)))
    spool.close()
    writer = EventWriter(breakable_postgres.url, connections=1, connect_seconds=2)
    writer.write(rows(*range(300)))
    writer.close()

    log = make(breakable_postgres.url)
    log.start()

    eventually(lambda: log.counts.written == 600)
    assert len(stored(breakable_postgres.url)) == 600


def test_log__row_that_postgres_will_never_take__is_dropped_alone(breakable_postgres: Postgres, make: Make) -> None:
    log = make(breakable_postgres.url)
    poisoned: list[EventRow] = [*rows(1), *rows(2, properties="no json"), *rows(3)]
    for one in poisoned:
        log.add(one)

    eventually(lambda: log.counts.written + log.counts.dropped == 3)

    assert [message_id for _, message_id in stored(breakable_postgres.url)] == ["m-1", "m-3"]
    assert (log.counts.dropped, log.counts.spooled) == (1, 0)


def test_add__queue_full__goes_to_the_spool(
    breakable_postgres: Postgres, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("decisions.ingest.decision_log.MOST_QUEUED", 0)
    log = make(breakable_postgres.url)
    add(log, *range(20))
    assert log.counts.spooled == 20
    log.start()

    eventually(lambda: log.counts.written == 20)
    assert len(stored(breakable_postgres.url)) == 20


def test_add__spool_full_too__is_dropped_and_counted(make: Make) -> None:
    log = make(NOWHERE, limit=1_000)
    add(log, *range(100))
    log.close()

    counts = log.counts
    assert counts.received == 100
    assert 0 < counts.spooled < 100
    assert counts.spooled + counts.dropped == 100


def test_log__segment_with_a_torn_tail__gives_its_whole_rows_and_is_counted(
    breakable_postgres: Postgres, make: Make, tmp_path: Path
) -> None:
    spool = Spool(tmp_path, limit=100_000_000)
    spool.append(rows(1, 2))
    segment = spool.oldest()
    assert segment is not None
    segment.write_bytes(segment.read_bytes()[:-3])
    spool.close()

    log = make(breakable_postgres.url)
    log.start()

    eventually(lambda: log.counts.written == 1)
    assert (stored(breakable_postgres.url), log.counts.damaged) == ([(1, "m-1")], 1)
    eventually(lambda: log.spool_bytes == 0)
