"""Unleash's client with a bootstrapped state: one call for each experiment, no polling and no metrics."""

import json
import tempfile
from collections.abc import Sequence
from importlib import import_module
from typing import Any

from benchmarks.peers.assigning import Assign, Attributes, run


def contestant(experiments: int) -> Assign:
    """Return what asks the client for each variant."""
    unleash = import_module("UnleashClient")
    cache = import_module("UnleashClient.cache").FileCache("bench", directory=tempfile.mkdtemp(prefix="unleash-"))
    keys = [f"experiment-{number}" for number in range(experiments)]
    state = {"version": 2, "features": [_feature(key) for key in keys]}
    cache.bootstrap_from_dict(json.loads(json.dumps(state)))
    client = unleash.UnleashClient(
        "http://127.0.0.1:1/api",
        "bench",
        disable_metrics=True,
        disable_registration=True,
        cache=cache,
    )
    client.initialize_client(fetch_toggles=False)
    ask = client.get_variant

    def assign(unit: str, attributes: Attributes) -> Sequence[str]:
        context = {"userId": unit, "properties": {name: str(value) for name, value in attributes.items()}}
        return [ask(key, context)["name"] for key in keys]

    return assign


def _feature(key: str) -> dict[str, Any]:
    constraints = [
        {"contextName": "country", "operator": "IN", "values": ["DE"]},
        {"contextName": "orders", "operator": "NUM_GTE", "value": "1"},
    ]
    variants: list[dict[str, Any]] = [
        {"name": name, "weight": 500, "weightType": "variable", "stickiness": "default", "overrides": []}
        for name in ("control", "treatment")
    ]
    strategy = {
        "name": "flexibleRollout",
        "parameters": {"rollout": "100", "stickiness": "default", "groupId": key},
        "constraints": constraints,
        "variants": variants,
    }
    return {"name": key, "type": "experiment", "enabled": True, "strategies": [strategy], "variants": []}


if __name__ == "__main__":
    run(contestant)
