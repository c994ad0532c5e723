"""What benches decide about: a shop of 10 000 items, a two-tower model, visitors with histories in Redis."""

import json
from collections.abc import Sequence
from hashlib import sha256

import numpy as np
import psycopg
import redis

from benchmarks.bundles import CLIENT_KEY, full_feature_content, publish
from benchmarks.database import insert_project
from benchmarks.load import request_bytes
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
CHUNK = 1_000_000
SEED = 20_260_301
HEADERS = {"Authorization": f"Bearer {CLIENT_KEY}", "Content-Type": "application/json"}
PEPPER, SECRET = b"p" * 32, b"s" * 32
"""Those of `benchmarks.bundles.publish`."""


def prepare_decisions(database: str, redis_url: str) -> None:
    """Publish the decision point, and give every visitor a history."""
    random = np.random.default_rng(SEED)
    items = [f"item-{number:05d}" for number in range(ITEMS)]
    _remember(redis_url, items, random)
    _publish(database, items, random)


def decision_requests() -> list[bytes]:
    """Return a request of each visitor, as it travels."""
    attributes = {"country": "DE", "orders": 3}
    bodies = ({"units": {"visitor": f"visitor-{number}"}, "attributes": attributes} for number in range(VISITORS))
    return [request_bytes("/v1/decisions/home", json.dumps(body).encode(), HEADERS) for body in bodies]


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
