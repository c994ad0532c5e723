"""One edge process under load: assignments beside fixed bytes and beside REST framework, and while the intake works.

Prints one JSON object. Figures are medians of five runs; ratios compare runs that took turns. Latencies are of an open
model: requests leave by a fixed schedule, and a stall is charged to everybody who had to wait.
"""

import json
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from itertools import count, islice
from pathlib import Path

import psutil

from benchmarks.bundles import full_feature_content, publish
from benchmarks.database import insert_project, own_database
from benchmarks.event_batches import HEADERS, event_batches
from benchmarks.load import Load, request_bytes, run_load
from benchmarks.open_load import run_open_load
from benchmarks.servers import OWN, resident_megabytes, serving
from config.local import processes

RUNS = 5
SECONDS = 3.0
CONNECTIONS = 8
PER_SECOND = 200
OPEN_SECONDS = 20.0
LIVE = (1, 20, 200, 2_000)


def main() -> int:
    """Measure and print."""
    with own_database("edge") as database, tempfile.TemporaryDirectory(prefix="tiltyard-edge-") as state:
        insert_project(database)
        publish(database, full_feature_content(live=20))
        environment = {"DATABASE_URL": database, "TILTYARD_STATE_DIR": state}
        with serving(OWN, environment) as (port, process):
            result = {"benchmark": "edge", "experiments": 20} | _compared(port, process, Path(state))
            with serving(OWN, environment, kind=processes.intake) as (intake_port, intake):
                idle, meanwhile = _assignments_during_ingest(port, intake_port)
                result |= {
                    "resident_mb": {"edge": resident_megabytes(process), "intake": resident_megabytes(intake)},
                    "lone_assignments_ms": {
                        "idle": idle.milliseconds(0.99),
                        "during_events": meanwhile.milliseconds(0.99),
                    },
                }
        result["by_live_experiments"] = _by_live(database)
    print(json.dumps(result))
    return 0


def _compared(port: int, process: subprocess.Popen[bytes], folder: Path) -> dict[str, object]:
    """Return assignments beside fixed bytes of the same length and beside the same answer through REST framework."""
    answer = _answer(port)
    files = {name: str(folder / name) for name in ("ANSWER", "BUNDLE")}
    Path(files["ANSWER"]).write_bytes(answer)
    Path(files["BUNDLE"]).write_text(json.dumps(full_feature_content(live=20)))
    length = {"FIXED_BYTES": str(len(answer))}
    with (
        serving("benchmarks.fixed:application", length) as (fixed_port, fixed_process),
        serving("benchmarks.framework:application", files) as (framework_port, framework_process),
    ):
        servers = {"assignments": process, "fixed_bytes": fixed_process, "framework": framework_process}
        before = {name: _processor_seconds(one.pid) for name, one in servers.items()}
        loads = dict(zip(servers, _taking_turns(port, fixed_port, framework_port), strict=True))
        spent = {name: _processor_seconds(one.pid) - before[name] for name, one in servers.items()}
        own = loads["assignments"]
        return {
            "answer_bytes": len(answer),
            "per_second": {
                name: round(statistics.median(one.per_second for one in all_)) for name, all_ in loads.items()
            },
            "assignments_to_fixed": _ratio(own, loads["fixed_bytes"]),
            "assignments_to_framework": _ratio(own, loads["framework"]),
            "processor_microseconds": {name: round(1e6 * spent[name] / _answered(loads[name]), 1) for name in servers},
            "open_model_ms": {
                "per_second": PER_SECOND,
                "assignments": _quantiles(_open(port)),
                "fixed_bytes": _quantiles(_open(fixed_port)),
            },
        }


def _assignment_requests() -> Iterator[bytes]:
    for number in count():
        body = {"units": {"visitor": f"visitor-{number % 50_000}"}, "attributes": {"country": "DE", "orders": 3}}
        yield request_bytes("/v1/assignments", json.dumps(body).encode(), HEADERS)


def _answer(port: int) -> bytes:
    """Return the body of one answer."""
    with socket.create_connection(("127.0.0.1", port), timeout=5) as probe:
        probe.sendall(next(_assignment_requests()))
        received = b""
        while not received.endswith(b"}}"):
            received += probe.recv(65_536)
    assert b'"decision_token":"' in received
    return received.partition(b"\r\n\r\n")[2]


def _taking_turns(*ports: int) -> list[list[Load]]:
    """Return the loads of each port, measured one after the other in every run."""
    requests = _assignment_requests()
    loads: list[list[Load]] = [[] for _ in ports]
    for run in range(RUNS + 1):
        for port, own in zip(ports, loads, strict=True):
            load = run_load(port, lambda: next(requests), connections=CONNECTIONS, seconds=SECONDS)
            assert load.statuses.keys() == {200}, load.statuses
            if run:  # The first one warms up.
                own.append(load)
    return loads


def _answered(loads: list[Load]) -> float:
    """Return how many answers there were, those of the warming run too, which is as long as the others."""
    return sum(len(load.latencies) for load in loads) * (len(loads) + 1) / len(loads)


def _ratio(loads: list[Load], others: list[Load]) -> float:
    return round(statistics.median(a.per_second / b.per_second for a, b in zip(loads, others, strict=True)), 3)


def _open(port: int) -> Load:
    requests = list(islice(_assignment_requests(), 1_000))
    load = run_open_load(port, requests, per_second=PER_SECOND, seconds=OPEN_SECONDS)
    assert load.statuses.keys() == {200}, load.statuses
    return load


def _quantiles(load: Load) -> dict[str, float]:
    return {f"p{round(100 * share)}": load.milliseconds(share) for share in (0.5, 0.9, 0.99)}


def _by_live(database: str) -> dict[str, dict[str, float]]:
    """Return assignments to fixed bytes, and memory, with ever more experiments of which twenty concern a visitor."""
    found = {}
    for version, live in enumerate(LIVE, start=2):
        publish(database, full_feature_content(live=live), version=version)
        with tempfile.TemporaryDirectory(prefix="tiltyard-edge-") as state:
            environment = {"DATABASE_URL": database, "TILTYARD_STATE_DIR": state}
            with serving(OWN, environment) as (port, process):
                size = len(_answer(port))
                with serving("benchmarks.fixed:application", {"FIXED_BYTES": str(size)}) as (fixed_port, _):
                    assigned, fixed = _taking_turns(port, fixed_port)
                found[str(live)] = {
                    "assignments_per_second": round(statistics.median(load.per_second for load in assigned)),
                    "to_fixed": _ratio(assigned, fixed),
                    "resident_mb": resident_megabytes(process),
                }
    return found


def _assignments_during_ingest(port: int, intake_port: int) -> tuple[Load, Load]:
    """Return one connection's assignments alone, and while the intake beside the edge stores events."""
    requests = _assignment_requests()
    alone = run_load(port, lambda: next(requests), connections=1, seconds=SECONDS)
    batches = iter(event_batches(600))
    thread = threading.Thread(
        target=lambda: run_load(intake_port, lambda: next(batches), connections=1, seconds=SECONDS), daemon=True
    )
    thread.start()
    beside = run_load(port, lambda: next(requests), connections=1, seconds=SECONDS - 0.5)
    thread.join()
    return alone, beside


def _processor_seconds(parent: int) -> float:
    """Return how long a server and its workers have computed: it says what a request costs on a busy machine too."""
    found = psutil.Process(parent)
    spent = [one.cpu_times() for one in (found, *found.children(recursive=True))]
    return float(sum(one.user + one.system for one in spent))


if __name__ == "__main__":
    sys.exit(main())
