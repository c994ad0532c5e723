"""Requests a second of one, two .. edge processes on a port, as ratios to one of them, in one run.

The load comes from processes of its own, which need cores too: on two cores two edge processes cannot be twice as fast
as one. `cores` tells how many there were.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import psycopg

from benchmarks.bundles import CLIENT_KEY, full_feature_content, publish
from benchmarks.database import own_database
from benchmarks.load import request_bytes, run_load
from config.local.processes import EVALUATION_THREADS, Role
from config.local.supervisor import Site

WORKERS = (1, 2)
RUNS = 5
SECONDS = 3.0
CONNECTIONS = 8
CLIENTS = 2
PROJECT = """
INSERT INTO foundation_project
(id, key, name, currency, time_zone, pepper, signing_key, attributes, clock_kind, clock_speed, revision)
VALUES (1, 'bench', 'Bench', 'USD', 'UTC', '\\x00', '\\x00', '[]', 'REAL', 1.0, 1)
"""


def main() -> int:
    """Measure and print."""
    with own_database("scaling") as database, tempfile.TemporaryDirectory(prefix="tiltyard-") as folder:
        with psycopg.connect(database) as session:
            session.execute(PROJECT)
        publish(database, full_feature_content(live=20))
        rates: dict[int, list[float]] = {workers: [] for workers in WORKERS}
        with _edges(Path(folder), database) as ports:
            for run in range(RUNS + 1):
                for workers, port in ports.items():
                    rate = _rate(port)
                    if run:  # The first one warms up.
                        rates[workers].append(rate)
    one = statistics.median(rates[1])
    result = {
        "benchmark": "scaling",
        "cores": os.cpu_count(),
        "load_processes": CLIENTS,
        "requests_per_second": {workers: round(statistics.median(found)) for workers, found in rates.items()},
        "ratio_to_one": {workers: round(statistics.median(found) / one, 3) for workers, found in rates.items()},
        "runs": {workers: [round(rate) for rate in found] for workers, found in rates.items()},
    }
    print(json.dumps(result))
    return 0


@contextmanager
def _edges(state: Path, database: str) -> Iterator[Mapping[int, int]]:
    """Run an edge with each number of processes, all at the same time and all but one idle; yield their ports."""
    sites = {
        workers: Site(
            state / f"edge-{workers}",
            environment={
                "DATABASE_URL": database,
                "REDIS_URL": os.environ["REDIS_URL"],
                "SECRET_KEY": os.environ["SECRET_KEY"],
                "TILTYARD_EDGE_WORKERS": str(workers),
                "TILTYARD_EDGE_THREADS": str(EVALUATION_THREADS),
                "TILTYARD_EDGE_REQUEST_RATE": "1000000",
            },
            roles=(Role.EDGE,),
        )
        for workers in WORKERS
    }
    try:
        for site in sites.values():
            site.start()
        yield {workers: int(site.edge_url.rpartition(":")[2]) for workers, site in sites.items()}
    finally:
        for site in sites.values():
            site.stop()


def _rate(port: int) -> float:
    """Return the requests a second that some processes together got answered."""
    command = [sys.executable, "-m", "benchmarks.scaling", str(port)]
    clients = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(CLIENTS)]
    return sum(float(client.communicate()[0]) for client in clients)


def _load(port: int) -> int:
    """Put load on a port and print how many requests a second were answered."""
    headers = {"Authorization": f"Bearer {CLIENT_KEY}", "Content-Type": "application/json"}
    numbers = count(os.getpid() * 1_000_000)

    def request() -> bytes:
        body = {"units": {"visitor": f"visitor-{next(numbers)}"}, "attributes": {"country": "DE", "orders": 3}}
        return request_bytes("/v1/assignments", json.dumps(body).encode(), headers)

    load = run_load(port, request, connections=CONNECTIONS, seconds=SECONDS)
    assert load.statuses.keys() == {200}, load.statuses
    print(load.per_second)
    return 0


if __name__ == "__main__":
    sys.exit(_load(int(sys.argv[1])) if len(sys.argv) > 1 else main())
