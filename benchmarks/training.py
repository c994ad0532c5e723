"""Training on a million interactions, one recipe to a process: seconds and peak memory of each. Prints JSON.

`python -m benchmarks.training` runs every recipe; `python -m benchmarks.training RECIPE` one of them, in this process.
The log is made: 50 000 users, 20 000 items (the most EASE takes) with titles, tastes by category, popularity by Zipf.
"""

import config.arithmetic  # noqa: F401 - before NumPy is imported, so that it has one thread

# isort: split
import json
import resource
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta

import numpy as np

from decisions.domain import InteractionLog
from decisions.domains.recommendation.training import RECIPES
from models_registry.gates import GateRule
from models_registry.pipeline import run_pipeline

INTERACTIONS = 1_000_000
USERS, ITEMS, CATEGORIES = 50_000, 20_000, 50
LIMITS = {"seconds": 600.0, "megabytes": 4_000.0}
SEED = 1
START = datetime(2026, 3, 1, tzinfo=UTC)
DAYS = 30


def main(arguments: list[str]) -> int:
    """Measure, print, and return 1 when a figure is worse than promised."""
    if arguments:
        print(json.dumps(_measured(arguments[0])))
        return 0
    found = {name: _in_its_own_process(name) for name in RECIPES}
    kept = all(figures[name] < limit for figures in found.values() for name, limit in LIMITS.items())
    print(
        json.dumps(
            {
                "benchmark": "training",
                "interactions": INTERACTIONS,
                "users": USERS,
                "items": ITEMS,
                "recipes": found,
                "limits": LIMITS,
                "kept": kept,
            }
        )
    )
    return 0 if kept else 1


def _in_its_own_process(name: str) -> dict[str, float]:
    command = [sys.executable, "-m", "benchmarks.training", name]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{name} failed:\n{done.stderr[-2000:]}")
    figures: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return figures


def _measured(name: str) -> dict[str, float]:
    log = million()
    started, used = time.perf_counter(), time.process_time()
    trained = run_pipeline(
        RECIPES[name], log, parameters={}, seed=SEED, gate=GateRule(), tell=lambda _step, _share: None
    )
    return {
        "seconds": round(time.perf_counter() - started, 1),
        "processor_seconds": round(time.process_time() - used, 1),
        "megabytes": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 0),
        "ndcg_at_10": round(trained.metrics["ndcg_at_10"], 4),
        "popularity_ndcg_at_10": round(trained.metrics["popularity_ndcg_at_10"], 4),
    }


def million() -> InteractionLog:
    """Return a log in which three of four interactions are in the user's category and the most popular items lead."""
    rng = np.random.default_rng(SEED)
    units = rng.integers(0, USERS, INTERACTIONS)
    taste = rng.integers(0, CATEGORIES, USERS)[units]
    category = np.where(rng.random(INTERACTIONS) < 0.75, taste, rng.integers(0, CATEGORIES, INTERACTIONS))
    each = ITEMS // CATEGORIES
    chance = 1.0 / np.arange(1, each + 1)
    rank = np.searchsorted(np.cumsum(chance) / chance.sum(), rng.random(INTERACTIONS))
    at = np.sort(START.timestamp() + rng.random(INTERACTIONS) * DAYS * 86_400.0)
    return InteractionLog(
        units=units.astype(np.int32),
        items=(category * each + rank).astype(np.int32),
        kinds=rng.choice(3, INTERACTIONS, p=[0.8, 0.15, 0.05]).astype(np.int8),
        at=at,
        item_ids=tuple(f"item-{place}" for place in range(ITEMS)),
        categories=tuple(f"category {place // each}" for place in range(ITEMS)),
        prices=rng.uniform(1.0, 100.0, ITEMS).astype(np.float32),
        ratings=rng.uniform(3.0, 5.0, ITEMS).astype(np.float32),
        start=START,
        end=START + timedelta(days=DAYS),
        titles=tuple(f"thing {place % 997} of kind {place // each}" for place in range(ITEMS)),
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
