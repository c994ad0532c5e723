"""Published bundles for tests: content and companion as the publisher writes them, keys included."""

import json
from base64 import b64encode
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

import numpy as np
import psycopg

from decisions.ingest.exposure import Intake
from decisions.serving.bundle import LiveBundle, PublishedText, open_bundle
from decisions.vocabulary import BundleSource, KeyKind
from foundation.ids import digest_api_key, format_api_key
from models_registry.artifacts import digest, pack, seal
from models_registry.predictors.popularity import write_items
from models_registry.vocabulary import PredictorKind
from tests.experiments.assignment.builders import AT, content, experiment

PEPPER = bytes(range(32))
SECRET = bytes(range(32, 64))
CLIENT_KEY = format_api_key("client", b"c" * 32)
SERVER_KEY = format_api_key("server", b"s" * 32)
REAL_CLOCK = {"kind": "REAL", "origin": None, "speed": 1.0, "started_at": None}


def companion(**changes: Any) -> dict[str, Any]:
    """Return the private companion of a bundle of project 1."""
    return {
        "schema": 1,
        "project_id": 1,
        "pepper": b64encode(PEPPER).decode(),
        "signing_keys": [{"kid": "1", "secret": b64encode(SECRET).decode()}],
        "api_keys": [
            {"id": 1, "kind": "client", "sha256": digest_api_key(CLIENT_KEY)},
            {"id": 2, "kind": "server", "sha256": digest_api_key(SERVER_KEY)},
        ],
        "clock": REAL_CLOCK,
        "attributes": ["country"],
        "currency": "USD",
    } | changes


def published(bundle: Mapping[str, Any], secrets: Mapping[str, Any]) -> PublishedText:
    """Return the texts of a bundle, with their digest."""
    text = json.dumps(bundle)
    digest = sha256(text.encode()).hexdigest()
    return PublishedText(bundle["project"]["id"], bundle["version"], digest, text, json.dumps(secrets))


def text_of(
    *experiments: Mapping[str, Any], version: int = 1, secrets: Mapping[str, Any] | None = None
) -> PublishedText:
    """Return a published bundle with these experiments."""
    return published(content(*experiments, version=version), companion() if secrets is None else secrets)


def live(*experiments: Mapping[str, Any], secrets: Mapping[str, Any] | None = None, **parts: Any) -> LiveBundle:
    """Return the live bundle of these experiments, or of one plain experiment."""
    bundle = content(*(experiments or (experiment(1),)), **parts)
    return open_bundle(published(bundle, companion() if secrets is None else secrets), source=BundleSource.POSTGRES)


def intake(
    bundle: LiveBundle | None = None,
    *,
    key: KeyKind = KeyKind.SERVER,
    now: datetime = AT,
    age: timedelta = timedelta(days=400),
) -> Intake:
    """Return the circumstances of a request to a bundle."""
    return Intake(bundle=live() if bundle is None else bundle, key_kind=key, now=now, token_age=age)


def message(number: int = 1, **changes: Any) -> dict[str, Any]:
    """Return a track message in good form."""
    return {
        "type": "track",
        "messageId": f"message-{number}",
        "anonymousId": "v-1",
        "event": "Product Viewed",
        "timestamp": AT.isoformat(),
        "properties": {"product_id": "p-1", "price": 19.99},
    } | changes


def raws(*messages: Mapping[str, Any]) -> Sequence[bytes]:
    """Return messages as they travel."""
    return [json.dumps(entry).encode() for entry in messages]


def publish(url: str, *texts: PublishedText) -> None:
    """Insert published bundles as the publisher does, whether or not their project has a record."""
    with psycopg.connect(url) as connection:
        connection.execute("SET session_replication_role = replica")
        for text in texts:
            connection.execute(
                "INSERT INTO decisions_publishedbundle (project_id, version, sha256, content, companion)"
                " VALUES (%s, %s, %s, %s, %s)",
                (text.project_id, text.version, text.sha256, text.content, text.companion),
            )


ITEMS = tuple(f"item-{number:02d}" for number in range(30))
"""The catalogue of tests: baseline scores fall with the number, item-03 is out of stock."""
OUT_OF_STOCK = "item-03"


def catalogue_bytes(items: Sequence[str] = ITEMS, **changes: Any) -> bytes:
    """Return a published catalogue in which the baseline prefers the items in their order."""
    columns = {
        "schema": 1,
        "items": list(items),
        "in_stock": [int(item != OUT_OF_STOCK) for item in items],
        "baseline": [float(len(items) - place) for place in range(len(items))],
    }
    return json.dumps(columns | changes).encode()


def popularity_bytes(scores: Mapping[str, float] | None = None) -> bytes:
    """Return the artifact of a popularity predictor; by default it likes the items in the reverse of their order."""
    liked = {item: float(place) for place, item in enumerate(ITEMS)} if scores is None else scores
    return pack(
        kind=PredictorKind.POPULARITY,
        inputs=("history",),
        tensors={
            "item_ids": write_items(tuple(liked)),
            "popularity": np.array(list(liked.values()), dtype=np.float32),
        },
        settings={},
    )


def file_record(raw: bytes) -> dict[str, Any]:
    """Return how a bundle names a published file."""
    return {"sha256": sha256(raw).hexdigest(), "size": len(raw)}


def model_record(version: int, raw: bytes, **changes: Any) -> dict[str, Any]:
    """Return how a bundle names a model version, sealed with the key of `companion`."""
    record = {"version": version, "model": "home-ranker", "number": version - 9, "kind": "popularity"}
    return record | file_record(raw) | {"seal": seal(digest(raw), SECRET)} | changes


def policy(
    kind: str = "baseline", *, version: int | None = None, actions: Sequence[str] = (), learner: int | None = None
) -> dict[str, Any]:
    """Return the policy of a variant."""
    return {"policy": kind, "version": version, "actions": list(actions), "learner": learner}


def learner_record(learner_id: int, raw: bytes, **changes: Any) -> dict[str, Any]:
    """Return how a bundle names a learning policy, its state sealed with the key of `companion`."""
    record = {"id": learner_id, "key": "home-learner", "kind": "beta", "number": 3, "floor": 0.1, "holdback": 0.0}
    return record | {"salt": "some-salt"} | file_record(raw) | {"seal": seal(digest(raw), SECRET)} | changes


def point(**changes: Any) -> dict[str, Any]:
    """Return a personal decision point without experiments and champions."""
    return {
        "id": 7,
        "key": "home",
        "domain": "recommendation",
        "personal": True,
        "slate_size": 5,
        "largest_slate": 20,
        "deadline_ms": 500,
        "champions": [],
        "experiments": [],
    } | changes


def ab_point(treatment: Mapping[str, Any], *, experiment_id: int = 1, **changes: Any) -> dict[str, Any]:
    """Return a decision point whose experiment (of the arms control and arm-1) sets the baseline against a policy."""
    arms = {"control": policy(), "arm-1": dict(treatment)}
    return point(experiments=[{"id": experiment_id, "variants": arms}], **changes)


def decision_content(
    *experiments: Mapping[str, Any],
    points: Sequence[Mapping[str, Any]] = (),
    models: Sequence[Mapping[str, Any]] = (),
    catalogue: Mapping[str, Any] | None = None,
    learners: Sequence[Mapping[str, Any]] = (),
    catalogues: Sequence[Mapping[str, Any]] = (),
    **parts: Any,
) -> dict[str, Any]:
    """Return a bundle's content of schema 2."""
    more = {"decision_points": list(points), "models": list(models), "catalogue": catalogue}
    more |= {"learners": list(learners)} if learners else {}
    more |= {"catalogues": list(catalogues)} if catalogues else {}
    return content(*experiments, **parts) | {"schema": 2} | more


def publish_files(url: str, *files: bytes, chunk: int = 1_000) -> None:
    """Insert files as the publisher does, in chunks."""
    with psycopg.connect(url) as connection:
        for raw in files:
            for position, start in enumerate(range(0, len(raw), chunk)):
                connection.execute(
                    "INSERT INTO decisions_publishedchunk (sha256, position, content) VALUES (%s, %s, %s)"
                    " ON CONFLICT (sha256, position) DO UPDATE SET content = EXCLUDED.content",
                    (sha256(raw).hexdigest(), position, raw[start : start + chunk]),
                )


def forget_files(url: str) -> None:
    """Remove all published files."""
    with psycopg.connect(url) as connection:
        connection.execute("TRUNCATE decisions_publishedchunk")
