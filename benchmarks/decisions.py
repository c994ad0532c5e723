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
from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path

import numpy as np
import psycopg
import redis

from benchmarks.bundles import CLIENT_KEY, full_feature_content, publish
from benchmarks.database import insert_project, own_database
from benchmarks.load import Load, request_bytes
from benchmarks.open_load import run_open_load
from benchmarks.servers import OWN, resident_megabytes, serving
from config.local.embedded import Valkey
from decisions.serving.feature_keys import bought_key, seen_key
from foundation.ids import hash_unit
from models_registry.artifacts import digest, pack, seal
from models_registry.predictors.dense import Activation, Layer, write_layers
from models_registry.predictors.popularity import write_items
from models_registry.predictors.two_tower import USER_TOWER
from models_registry.vocabulary import PredictorKind

ITEMS = 10_000
SLATE = 20
WIDTH = 32
HIDDEN = 64
VISITORS = 5_000
SEEN, BOUGHT = 30, 8
PER_SECOND = 200
SECONDS = 30.0
WARM_SECONDS = 5.0
CHUNK = 1_000_000
SEED = 20_260_301
LIMITS = {"p50": 2.0, "p99": 10.0}
LARGEST_MEGABYTES = 250
HEADERS = {"Authorization": f"Bearer {CLIENT_KEY}", "Content-Type": "application/json"}
PEPPER, SECRET = b"p" * 32, b"s" * 32
"""Those of `benchmarks.bundles.publish`."""


def main() -> int:
    """Measure, print, and return 1 when a promise is broken."""
    random = np.random.default_rng(SEED)
    items = [f"item-{number:05d}" for number in range(ITEMS)]
    with own_database("decisions") as database, tempfile.TemporaryDirectory(prefix="ty-") as state:
        redis_server = Valkey(Path(state) / "valkey")
        redis_server.start()
        try:
            _remember(redis_server.url, items, random)
            _publish(database, items, random)
            environment = {"DATABASE_URL": database, "REDIS_URL": redis_server.url, "TILTYARD_STATE_DIR": state}
            result = _measured(database, environment)
        finally:
            redis_server.remove()
    print(json.dumps(result))
    return 0 if result["kept"] else 1


def _measured(database: str, environment: Mapping[str, str]) -> dict[str, object]:
    requests = _requests()
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


def _remember(url: str, items: Sequence[str], random: np.random.Generator) -> None:
    """Give every visitor a history, as the worker keeps it."""
    client = redis.Redis.from_url(url)
    trip = client.pipeline(transaction=False)
    for number in range(VISITORS):
        unit = hash_unit(PEPPER, "visitor", f"visitor-{number}")
        seen = random.integers(0, ITEMS, SEEN)
        trip.zadd(seen_key(1, "visitor", unit), {items[item]: float(at) for at, item in enumerate(seen)})
        trip.zadd(bought_key(1, "visitor", unit), {items[item]: float(at) for at, item in enumerate(seen[:BOUGHT])})
        if number % 500 == 499:
            trip.execute()
    client.close()


def _artifact(items: Sequence[str], random: np.random.Generator) -> bytes:
    def floats(*shape: int) -> np.ndarray:
        return random.normal(0.0, 0.1, shape).astype(np.float32)

    layers = (
        Layer(floats(WIDTH, HIDDEN), floats(HIDDEN), Activation.RELU),
        Layer(floats(HIDDEN, WIDTH), floats(WIDTH), Activation.LINEAR),
    )
    tower, settings = write_layers(USER_TOWER, layers)
    tensors = {
        "item_ids": write_items(tuple(items)),
        "inputs": floats(ITEMS, WIDTH),
        "vectors": floats(ITEMS, WIDTH),
        "bias": floats(ITEMS),
        **tower,
    }
    return pack(
        kind=PredictorKind.TWO_TOWER,
        inputs=("history",),
        tensors=tensors,
        settings={**settings, "half_life": 10.0},
    )


def _publish(database: str, items: Sequence[str], random: np.random.Generator) -> None:
    """Publish a bundle of twenty experiments, one of which sets the model against the baseline."""
    artifact = _artifact(items, random)
    catalogue = json.dumps(
        {
            "schema": 1,
            "items": list(items),
            "in_stock": (random.random(ITEMS) < 0.95).astype(int).tolist(),
            "baseline": random.random(ITEMS).tolist(),
        }
    ).encode()
    named = {"sha256": digest(artifact), "size": len(artifact)}
    model = {"version": 1, "model": "ranker", "number": 1, "kind": "two_tower", "seal": seal(digest(artifact), SECRET)}
    arms = {
        "control": {"policy": "baseline", "version": None, "actions": []},
        "treatment": {"policy": "model_ranked", "version": 1, "actions": []},
    }
    at = {
        "id": 1,
        "key": "home",
        "domain": "recommendation",
        "personal": True,
        "slate_size": SLATE,
        "largest_slate": 100,
        "deadline_ms": 30,
        "champions": [{"version": 1, "audience": None, "unit_kind": None}],
        "experiments": [{"id": 1, "variants": arms}],
    }
    content = full_feature_content(live=20) | {
        "schema": 2,
        "decision_points": [at],
        "models": [model | named],
        "catalogue": {"sha256": sha256(catalogue).hexdigest(), "size": len(catalogue)},
    }
    insert_project(database)
    with psycopg.connect(database) as session:
        for raw in (artifact, catalogue):
            for position, start in enumerate(range(0, len(raw), CHUNK)):
                session.execute(
                    "INSERT INTO decisions_publishedchunk (sha256, position, content) VALUES (%s, %s, %s)",
                    (sha256(raw).hexdigest(), position, raw[start : start + CHUNK]),
                )
    publish(database, content)


def _requests() -> list[bytes]:
    attributes = {"country": "DE", "orders": 3}
    bodies = ({"units": {"visitor": f"visitor-{number}"}, "attributes": attributes} for number in range(VISITORS))
    return [request_bytes("/v1/decisions/home", json.dumps(body).encode(), HEADERS) for body in bodies]


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
