"""Durable events through one intake process beside bare Postgres: raw COPY, and COPY into a staging table with INSERT.

Prints one JSON object. The three take turns; figures are medians of five runs, ratios compare what was measured in the
same turn. Processor time is that of the intake and of its connections in Postgres, in microseconds an event: it says
where the time goes, on a machine that has other work too. Afterwards decisions of an edge are timed, idle and while the
intake beside it stores events at the promised rate.
"""

import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import psycopg

from benchmarks.database import own_database
from benchmarks.decision_material import prepare_decisions
from benchmarks.event_batches import BATCH, event_batches
from benchmarks.load import run_load
from benchmarks.meanwhile import decisions_meanwhile, send_events
from benchmarks.servers import OWN, serving, worker_of
from config.local import processes
from config.local.embedded import Valkey

RUNS = 5
SECONDS = 3.0
CONNECTIONS = 2
BARE_EVENTS = 30_000
COLUMNS = "project_id, day, message_id, kind, event, occurred_at, corrected_at, visitor, item, properties"

_numbers = count()


@dataclass(frozen=True, slots=True)
class Turn:
    """Events a second by each way, and microseconds of processor time an event of ours took in intake and Postgres."""

    ours: float
    bare: float
    copied: float
    intake_us: float
    postgres_us: float


def main() -> int:
    """Measure and print."""
    with own_database("ingest") as database, tempfile.TemporaryDirectory(prefix="ty-") as state:
        redis_server = Valkey(Path(state) / "valkey")
        redis_server.start()
        try:
            prepare_decisions(database, redis_server.url)
            result = _measured(database, redis_server.url, state)
        finally:
            redis_server.remove()
    print(json.dumps(result))
    return 0


def _measured(database: str, redis_url: str, state: str) -> dict[str, object]:
    environment = {"DATABASE_URL": database, "REDIS_URL": redis_url, "TILTYARD_STATE_DIR": state}
    with serving(OWN, environment, kind=processes.intake) as (port, process):
        worker = worker_of(process).pid
        _ours(port, worker, database)  # warms up
        turns = [_turn(port, worker, database) for _ in range(RUNS)]
        return _summary(turns) | {"decisions_meanwhile": decisions_meanwhile(port, environment)}


def _turn(port: int, worker: int, database: str) -> Turn:
    copied = _raw_copy(database)
    bare = _copy_and_insert(database)
    ours, intake_us, postgres_us = _ours(port, worker, database)
    return Turn(ours=ours, bare=bare, copied=copied, intake_us=intake_us, postgres_us=postgres_us)


def _summary(turns: Sequence[Turn]) -> dict[str, object]:
    return {
        "benchmark": "ingest",
        "batch": BATCH,
        "events_per_second": round(statistics.median(turn.ours for turn in turns)),
        "copy_and_insert_per_second": round(statistics.median(turn.bare for turn in turns)),
        "raw_copy_per_second": round(statistics.median(turn.copied for turn in turns)),
        "to_copy_and_insert": round(statistics.median(turn.ours / turn.bare for turn in turns), 3),
        "to_raw_copy": round(statistics.median(turn.ours / turn.copied for turn in turns), 3),
        "intake_processor_us": round(statistics.median(turn.intake_us for turn in turns), 1),
        "postgres_processor_us": round(statistics.median(turn.postgres_us for turn in turns), 1),
        "load_of_the_machine": round(os.getloadavg()[0], 1),
    }


def _ours(port: int, worker: int, database: str) -> tuple[float, float, float]:
    """Return events a second that were durably stored, and the processor time of an event in intake and Postgres."""
    waiting = iter(event_batches(400))
    before, intake_before, postgres_before = _count(database), _processor(worker), _postgres_processor(database)
    load = run_load(port, lambda: next(waiting), connections=CONNECTIONS, seconds=SECONDS)
    intake, postgres = _processor(worker) - intake_before, _postgres_processor(database) - postgres_before
    assert load.statuses.keys() == {202}, load.statuses
    events = BATCH * len(load.latencies)
    assert _count(database) - before == events
    return BATCH * load.per_second, intake / events * 1e6, postgres / events * 1e6


def _copy_and_insert(database: str) -> float:
    """Return events a second by COPY into a staging table and INSERT, a batch a transaction, without anything else."""
    blocks = _blocks()
    with psycopg.connect(database, autocommit=True) as session:
        session.execute("SELECT tiltyard_ensure_partition('decisions_eventlog', %s)", (_today(),))
        session.execute(
            "CREATE TEMPORARY TABLE bare (LIKE decisions_eventlog INCLUDING DEFAULTS) ON COMMIT DELETE ROWS"
        )
        started = time.perf_counter()
        for block in blocks:
            with session.transaction(), session.cursor() as cursor:
                with cursor.copy(f"COPY bare ({COLUMNS}) FROM STDIN") as copy:
                    copy.write(block)
                cursor.execute(
                    f"INSERT INTO decisions_eventlog ({COLUMNS}) SELECT {COLUMNS} FROM bare ON CONFLICT DO NOTHING"
                )
        return BARE_EVENTS / (time.perf_counter() - started)


def _raw_copy(database: str) -> float:
    """Return events a second by COPY into a table without an index, a batch a transaction."""
    blocks = _blocks()
    with psycopg.connect(database, autocommit=True) as session:
        session.execute("CREATE TABLE IF NOT EXISTS bench_raw (LIKE decisions_eventlog INCLUDING DEFAULTS)")
        started = time.perf_counter()
        for block in blocks:
            with session.cursor() as cursor, cursor.copy(f"COPY bench_raw ({COLUMNS}) FROM STDIN") as copy:
                copy.write(block)
        seconds = time.perf_counter() - started
        session.execute("TRUNCATE bench_raw")
    return BARE_EVENTS / seconds


def _blocks() -> list[str]:
    day = _today()
    lines = [
        f"1\t{day}\tb-{next(_numbers)}\ttrack\tProduct Viewed\t{day}T00:00:00Z\t{day}T00:00:00Z\t{'v' * 22}\t"
        f"p-{n % BATCH}\t"
        f'{{"product_id":"p-{n % BATCH}","price":19.99,"currency":"USD"}}'
        for n in range(BARE_EVENTS)
    ]
    return ["\n".join(lines[start : start + BATCH]) + "\n" for start in range(0, BARE_EVENTS, BATCH)]


def _today() -> str:
    return time.strftime("%Y-%m-%d", time.gmtime())


def _count(database: str) -> int:
    with psycopg.connect(database) as session:
        row = session.execute("SELECT count(*) FROM decisions_eventlog").fetchone()
    assert row is not None
    return int(row[0])


def _postgres_processor(database: str) -> float:
    """Return the seconds of processor time that the edge's connections for events have taken in Postgres."""
    with psycopg.connect(database) as session:
        found = session.execute(
            "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND application_name = %s",
            ("tiltyard-edge-events",),
        ).fetchall()
    return sum(_processor(int(pid)) for (pid,) in found)


def _processor(pid: int) -> float:
    """Return the seconds of processor time that a process of this machine has taken."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        send_events(int(sys.argv[1]))
    else:
        sys.exit(main())
