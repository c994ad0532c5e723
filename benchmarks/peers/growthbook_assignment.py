"""GrowthBook's shared client: features in memory, one call for each experiment, exposures tracked to nowhere."""

import asyncio
import json
import sys
from importlib import import_module
from time import process_time
from typing import Any

from benchmarks.peers.assigning import REPEATS, report


async def main() -> None:
    """Read the question, time the client in one event loop, and print."""
    question = json.load(sys.stdin)
    core = import_module("growthbook.growthbook_client")
    types = import_module("growthbook.common_types")
    client = core.GrowthBookClient(types.Options(client_key="none", api_host="http://127.0.0.1:1"))
    keys = [f"experiment-{number}" for number in range(question["experiments"])]
    await client.set_features({key: _feature(key) for key in keys})

    async def assign(unit: str) -> list[str]:
        user = types.UserContext(attributes={"id": unit, **question["attributes"]})
        return [(await client.eval_feature(key, user)).value for key in keys]

    answers = [await assign(unit) for unit in question["units"]]
    passes = [await _pass(assign, question["units"]) for _ in range(REPEATS)]
    report(answers, sorted(passes)[len(passes) // 2])


async def _pass(assign: Any, units: list[str]) -> float:
    started = process_time()
    for unit in units:
        await assign(unit)
    return round((process_time() - started) / len(units) * 1e6, 2)


def _feature(key: str) -> dict[str, Any]:
    rule = {
        "key": key,
        "seed": key,
        "hashAttribute": "id",
        "hashVersion": 2,
        "condition": {"country": "DE", "orders": {"$gte": 1}},
        "variations": ["control", "treatment"],
        "weights": [0.5, 0.5],
        "coverage": 1,
    }
    return {"defaultValue": "none", "rules": [rule]}


if __name__ == "__main__":
    asyncio.run(main())
