"""Flagsmith's engine: one evaluation of all features, each with a segment of its own that overrides it."""

from collections.abc import Sequence
from importlib import import_module
from typing import Any

from benchmarks.peers.assigning import Assign, Attributes, run


def contestant(experiments: int) -> Assign:
    """Return what evaluates the whole context for a shopper."""
    evaluate = import_module("flag_engine.engine").get_evaluation_result
    keys = [f"experiment-{number}" for number in range(experiments)]
    environment = {"key": "bench", "name": "bench"}
    features = {key: {"key": key, "name": key, "enabled": True, "value": "none"} for key in keys}
    segments = {key: _segment(key) for key in keys}

    def assign(unit: str, attributes: Attributes) -> Sequence[str]:
        context: dict[str, Any] = {
            "environment": environment,
            "identity": {"identifier": unit, "key": unit, "traits": attributes},
            "features": features,
            "segments": segments,
        }
        flags = evaluate(context)["flags"]
        return [flags[key]["value"] for key in keys]

    return assign


def _segment(key: str) -> dict[str, Any]:
    conditions = [
        {"property": "country", "operator": "EQUAL", "value": "DE"},
        {"property": "orders", "operator": "GREATER_THAN_INCLUSIVE", "value": "1"},
    ]
    variants = [
        {"value": "control", "weight": 50.0, "priority": 1},
        {"value": "treatment", "weight": 50.0, "priority": 2},
    ]
    override = {"key": key, "name": key, "enabled": True, "value": "none", "variants": variants, "priority": 0}
    return {
        "key": key,
        "name": key,
        "rules": [{"type": "ALL", "conditions": conditions, "rules": []}],
        "overrides": [override],
    }


if __name__ == "__main__":
    run(contestant)
