"""Eppo's server SDK (its core is Rust): a configuration in memory, one call for each experiment."""

import json
from collections.abc import Sequence
from importlib import import_module
from typing import Any

from benchmarks.peers.assigning import Assign, Attributes, run

SHARDS = 10_000


def contestant(experiments: int) -> Assign:
    """Return what asks the client for each flag."""
    eppo = import_module("eppo_client")
    keys = [f"experiment-{number}" for number in range(experiments)]
    configuration = {
        "createdAt": "2026-01-01T00:00:00Z",
        "format": "SERVER",
        "environment": {"name": "bench"},
        "flags": {key: _flag(key) for key in keys},
    }
    client = eppo.init(
        eppo.ClientConfig(
            api_key="none",
            base_url="http://127.0.0.1:1",
            assignment_logger=eppo.AssignmentLogger(),
            poll_interval_seconds=None,
            initial_configuration=eppo.Configuration(flags_configuration=json.dumps(configuration).encode()),
        )
    )
    ask = client.get_string_assignment

    def assign(unit: str, attributes: Attributes) -> Sequence[str]:
        return [ask(key, unit, attributes, "none") for key in keys]

    return assign


def _flag(key: str) -> dict[str, Any]:
    def split(variant: str, start: int) -> dict[str, Any]:
        ranges = [{"start": start, "end": start + SHARDS // 2}]
        return {"variationKey": variant, "shards": [{"salt": key, "ranges": ranges}]}

    conditions = [
        {"attribute": "country", "operator": "ONE_OF", "value": ["DE"]},
        {"attribute": "orders", "operator": "GTE", "value": 1},
    ]
    return {
        "key": key,
        "enabled": True,
        "variationType": "STRING",
        "variations": {name: {"key": name, "value": name} for name in ("control", "treatment")},
        "totalShards": SHARDS,
        "allocations": [
            {
                "key": "half",
                "rules": [{"conditions": conditions}],
                "splits": [split("control", 0), split("treatment", SHARDS // 2)],
                "doLog": True,
            }
        ],
    }


if __name__ == "__main__":
    run(contestant)
