"""Bundles of any size for the benchmarks, with every feature of assignment in use."""

import json
from base64 import b64encode
from collections.abc import Mapping
from hashlib import sha256

import psycopg

from foundation.ids import digest_api_key, format_api_key

CLIENT_KEY = format_api_key("client", b"benchmark client key of 32 bytes")


def full_feature_content(*, live: int, eligible: int = 20, own_audiences: bool = False) -> dict[str, object]:
    """Return a bundle's content with `live` running experiments of which a shopper in DE is in `eligible`.

    Each experiment has a layer, a holdout, an audience of two conditions and a parameter. Layers are shared
    by live / eligible experiments, each with its own part of the slots. Audiences are the same for all unless
    each shall have its own.
    """
    crowd = max(1, live // eligible)
    layers = -(-live // crowd)
    return {
        "schema": 1,
        "project": {"id": 1, "key": "bench"},
        "version": 1,
        "holdouts": [{"id": 1, "key": "long-term", "salt": "h" * 22, "unit_kind": "visitor", "share": 0}],
        "layers": [{"id": n, "key": f"layer-{n}", "salt": f"layer-salt-{n:011d}"} for n in range(1, layers + 1)],
        "experiments": [
            _experiment(n, n // crowd + 1, _part(n % crowd, crowd), least_orders=-n if own_audiences else 1)
            for n in range(live)
        ],
    }


def _part(position: int, crowd: int) -> list[int]:
    return [1_000_000 * position // crowd, 1_000_000 * (position + 1) // crowd]


def _experiment(number: int, layer: int, part: list[int], *, least_orders: int) -> Mapping[str, object]:
    def variant(key: str, start: int) -> Mapping[str, object]:
        return {
            "key": key,
            "control": key == "control",
            "state": "OPEN",
            "weight": 500_000,
            "ranges": [[start, start + 500_000]],
            "parameters": {"free_shipping_from": 49.0 if key == "control" else 0.0},
        }

    return {
        "id": number + 1,
        "key": f"experiment-{number}",
        "status": "RUNNING",
        "salt": f"experiment-salt{number:07d}",
        "unit_kind": "visitor",
        "layer": layer,
        "layer_ranges": [part],
        "holdout": 1,
        "audience": {
            "all": [
                {"attribute": "country", "op": "eq", "value": "DE"},
                {"attribute": "orders", "op": "gte", "value": least_orders},
            ]
        },
        "coverage": 1_000_000,
        "epoch": 1,
        "epoch_opened_at": "2026-01-01T00:00:00Z",
        "personalised": False,
        "variants": [variant("control", 0), variant("treatment", 500_000)],
        "overrides": {},
    }


def publish(database_url: str, content: Mapping[str, object], *, version: int = 1) -> None:
    """Insert a version of a project's bundle with one client key, as the publisher would."""
    companion = {
        "schema": 1,
        "project_id": 1,
        "pepper": b64encode(b"p" * 32).decode(),
        "signing_keys": [{"kid": "1", "secret": b64encode(b"s" * 32).decode()}],
        "api_keys": [{"id": 1, "kind": "client", "sha256": digest_api_key(CLIENT_KEY)}],
        "clock": {"kind": "REAL", "origin": None, "speed": 1.0, "started_at": None},
        "attributes": ["country"],
        "currency": "USD",
    }
    text = json.dumps({**content, "version": version})
    with psycopg.connect(database_url) as session:
        session.execute(
            "INSERT INTO decisions_publishedbundle (project_id, version, sha256, content, companion)"
            " VALUES (1, %s, %s, %s, %s)",
            (version, sha256(text.encode()).hexdigest(), text, json.dumps(companion)),
        )
