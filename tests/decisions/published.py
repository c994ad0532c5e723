"""Published bundles for tests: content and companion as the publisher writes them, keys included."""

import json
from base64 import b64encode
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

import psycopg

from decisions.ingest.exposure import Intake
from decisions.serving.bundle import LiveBundle, PublishedText, open_bundle
from decisions.vocabulary import BundleSource, KeyKind
from foundation.ids import digest_api_key, format_api_key
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
