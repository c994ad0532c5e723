"""Decisions under open load: 10 000 items, slates of 20, histories in Redis, a two-tower model, one edge process.

Prints one JSON object, and returns 1 when a figure is worse than promised. Latencies count from the scheduled moment
of each arrival; the ratio compares with the same server returning as many fixed bytes at the same rate.
"""

import json
import os
import socket
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

import psycopg

from benchmarks.database import own_database
from benchmarks.decision_material import ITEMS, SLATE, decision_requests, prepare_decisions
from benchmarks.load import Load
from benchmarks.open_load import run_open_load
from benchmarks.servers import OWN, resident_megabytes, serving
from config.local.embedded import Valkey

PER_SECOND = 200
SECONDS = 30.0
WARM_SECONDS = 5.0
LIMITS = {"p50": 2.0, "p99": 10.0}
LARGEST_MEGABYTES = 250


def main() -> int:
    """Measure, print, and return 1 when a promise is broken."""
    with own_database("decisions") as database, tempfile.TemporaryDirectory(prefix="ty-") as state:
        redis_server = Valkey(Path(state) / "valkey")
        redis_server.start()
        try:
            prepare_decisions(database, redis_server.url)
            environment = {"DATABASE_URL": database, "REDIS_URL": redis_server.url, "TILTYARD_STATE_DIR": state}
            result = _measured(database, environment)
        finally:
            redis_server.remove()
    print(json.dumps(result))
    return 0 if result["kept"] else 1


def _measured(database: str, environment: Mapping[str, str]) -> dict[str, object]:
    requests = decision_requests()
    with serving(OWN, environment) as (port, process):
        answer = _answer_of(port, requests[0])
        with serving("benchmarks.fixed:application", {"FIXED_BYTES": str(len(answer))}) as (fixed, _):
            run_open_load(port, requests, per_second=PER_SECOND, seconds=WARM_SECONDS)
            run_open_load(fixed, requests, per_second=PER_SECOND, seconds=WARM_SECONDS)
            load = run_open_load(port, requests, per_second=PER_SECOND, seconds=SECONDS)
            bare = run_open_load(fixed, requests, per_second=PER_SECOND, seconds=SECONDS / 3)
        assert load.statuses.keys() == bare.statuses.keys() == {200}, (load.statuses, bare.statuses)
        decided = 1 + int(PER_SECOND * WARM_SECONDS) + len(load.latencies)
        rows, reasons = _logged(database, decided)
        megabytes = resident_megabytes(process)
    milliseconds = _quantiles(load)
    return {
        "benchmark": "decisions",
        "items": ITEMS,
        "slate": SLATE,
        "per_second": PER_SECOND,
        "seconds": SECONDS,
        "milliseconds": milliseconds,
        "fixed_bytes_milliseconds": _quantiles(bare),
        "p50_to_fixed_bytes": round(milliseconds["p50"] / bare.milliseconds(0.5), 2),
        "decisions": decided,
        "rows": rows,
        "reasons": reasons,
        "server_milliseconds": _server_times(database),
        "resident_mb": megabytes,
        "kept": rows == decided
        and megabytes < LARGEST_MEGABYTES
        and all(milliseconds[name] < limit for name, limit in LIMITS.items()),
    }


def _quantiles(load: Load) -> dict[str, float]:
    return {"p50": load.milliseconds(0.5), "p90": load.milliseconds(0.9), "p99": load.milliseconds(0.99)} | {
        "max": load.milliseconds(1.0)
    }


def _answer_of(port: int, request: bytes) -> bytes:
    """Return the body of one answer."""
    with socket.create_connection(("127.0.0.1", port), timeout=5) as probe:
        probe.sendall(request)
        received = b""
        while b"\r\n\r\n" not in received or not received.endswith(b"}"):
            received += probe.recv(65_536)
    body = received.partition(b"\r\n\r\n")[2]
    assert len(json.loads(body)["actions"]) == SLATE
    return body


def _logged(database: str, expected: int) -> tuple[int, dict[str, int]]:
    """Return how many decisions are in the log, and their reasons, once all are there or 20 seconds have passed."""
    deadline = time.monotonic() + 20
    while True:
        with psycopg.connect(database) as session:
            found = session.execute(
                "SELECT properties->>'reason', count(*) FROM decisions_eventlog WHERE kind = 'decision' GROUP BY 1"
            ).fetchall()
        reasons = {str(reason): int(count) for reason, count in found}
        if sum(reasons.values()) >= expected or time.monotonic() > deadline:
            return sum(reasons.values()), reasons
        time.sleep(0.1)


def _server_times(database: str) -> dict[str, float]:
    """Return how long the edge itself says that decisions took."""
    with psycopg.connect(database) as session:
        found = session.execute(
            "SELECT percentile_cont(ARRAY[0.5, 0.99]) WITHIN GROUP (ORDER BY (properties->>'microseconds')::int)"
            " FROM decisions_eventlog WHERE kind = 'decision'"
        ).fetchone()
    assert found is not None
    return {name: round(value / 1_000, 3) for name, value in zip(("p50", "p99"), found[0], strict=True)}


if __name__ == "__main__":
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    sys.exit(main())
