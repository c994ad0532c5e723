"""The OpenFeature protocol under load: one flag, all 50 flags, and 304, each beside the same server with fixed bytes.

Prints one JSON object. 20 experiments with layer, holdout and audience set the 50 flags. Ratios are medians of five
runs that took turns with fixed bytes of the same length.
"""

import json
import socket
import statistics
import sys
import tempfile
from collections.abc import Callable, Iterator
from itertools import count
from typing import Any

from benchmarks.bundles import full_feature_content, publish
from benchmarks.database import insert_project, own_database
from benchmarks.edge import CONNECTIONS, RUNS, SECONDS
from benchmarks.event_batches import HEADERS
from benchmarks.load import Load, request_bytes, run_load
from benchmarks.servers import OWN, serving

FLAGS = 50
EXPERIMENTS = 20
ALL = "/ofrep/v1/evaluate/flags"
_VALUES: tuple[tuple[str, object, object], ...] = (
    ("BOOLEAN", False, True),
    ("FLOAT", 49, 39.5),
    ("STRING", "green", "blue"),
    ("INTEGER", 3, 5),
    ("OBJECT", {"columns": 3, "dense": False}, {"columns": 4, "dense": True}),
)


def main() -> int:
    """Measure and print."""
    with own_database("ofrep") as database, tempfile.TemporaryDirectory(prefix="tiltyard-ofrep-") as state:
        insert_project(database)
        publish(database, _content())
        environment = {"DATABASE_URL": database, "TILTYARD_STATE_DIR": state, "TILTYARD_EDGE_REQUEST_RATE": "1000000"}
        with serving(OWN, environment) as (port, _):
            result = {
                "benchmark": "ofrep",
                "flags": FLAGS,
                "experiments": EXPERIMENTS,
                "single": _beside_fixed(port, _requests(f"{ALL}/flag-0"), 200),
                "bulk": _beside_fixed(port, _requests(ALL), 200),
                "not_modified": _beside_fixed(port, _conditional(port), 304),
            }
    print(json.dumps(result))
    return 0


def _content() -> dict[str, Any]:
    """Return a bundle whose experiments each set the flags of their layer, one in the control, all in the treatment."""
    content: dict[str, Any] = dict(full_feature_content(live=EXPERIMENTS))
    content["schema"] = 3
    content["flags"] = []
    for number in range(FLAGS):
        kind, default, other = _VALUES[number % len(_VALUES)]
        experiment = content["experiments"][number % EXPERIMENTS]
        experiment["variants"][1]["parameters"][f"flag-{number}"] = other
        content["flags"].append(
            {"key": f"flag-{number}", "kind": kind, "default": default, "layer": experiment["layer"]}
        )
    return content


def _requests(path: str) -> Iterator[bytes]:
    for number in count():
        yield request_bytes(path, _body(number), HEADERS)


def _body(number: int) -> bytes:
    context = {"targetingKey": f"visitor-{number % 50_000}", "country": "DE", "orders": 3, "plan": "club"}
    return json.dumps({"context": context}).encode()


def _conditional(port: int) -> Iterator[bytes]:
    """Yield requests of a thousand visitors who have the flags already, as their first answers tagged them."""
    requests = []
    for number in range(1_000):
        head, _ = _answer(port, request_bytes(ALL, _body(number), HEADERS))
        lines = dict(line.split(": ", 1) for line in head.decode().split("\r\n")[1:])
        tag = next(value for name, value in lines.items() if name.lower() == "etag")
        requests.append(request_bytes(ALL, _body(number), {**HEADERS, "If-None-Match": tag}))
    while True:
        yield from requests


def _answer(port: int, request: bytes) -> tuple[bytes, bytes]:
    """Return head and body of an answer."""
    with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
        connection.sendall(request.replace(b"\r\n", b"\r\nConnection: close\r\n", 1))
        received = b""
        while block := connection.recv(1 << 20):
            received += block
    head, _, body = received.partition(b"\r\n\r\n")
    return head, body


def _beside_fixed(port: int, requests: Iterator[bytes], status: int) -> dict[str, object]:
    one = next(requests)
    _, body = _answer(port, one)
    ours, fixed = list[Load](), list[Load]()
    with serving("benchmarks.fixed:application", {"FIXED_BYTES": str(len(body))}) as (fixed_port, _):
        for run in range(RUNS + 1):
            pair = (_load(port, lambda: next(requests)), _load(fixed_port, lambda: one))
            if run:  # The first one warms up.
                ours.append(pair[0])
                fixed.append(pair[1])
    assert all(load.statuses.keys() == {status} for load in ours), ours[0].statuses
    assert all(load.statuses.keys() == {200} for load in fixed)
    return {
        "answer_bytes": len(body),
        "per_second": round(statistics.median(load.per_second for load in ours)),
        "ms": {"p50": ours[-1].milliseconds(0.5), "p99": ours[-1].milliseconds(0.99)},
        "fixed_bytes_per_second": round(statistics.median(load.per_second for load in fixed)),
        "to_fixed": round(statistics.median(a.per_second / b.per_second for a, b in zip(ours, fixed, strict=True)), 3),
    }


def _load(port: int, next_request: Callable[[], bytes]) -> Load:
    return run_load(port, next_request, connections=CONNECTIONS, seconds=SECONDS)


if __name__ == "__main__":
    sys.exit(main())
