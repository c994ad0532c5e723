"""Drawing and checking a schedule of 10 000 items in 26 periods on one core; the same through the engine. JSON."""

import json
import sys
import time
from datetime import UTC, datetime
from typing import Any, Final

from experiments.assignment.bucketing import SLOTS
from experiments.assignment.compiler import compile_snapshot
from experiments.assignment.engine import assign
from experiments.assignment.schedule import write_out
from experiments.assignment.schedule_balance import balance_of
from experiments.assignment.snapshot import Snapshot

ITEMS: Final = 10_000
PERIODS: Final = 26
REPEATS: Final = 3
ENGINE_ITEMS: Final = 200
TARGETS: Final = {"seconds": 5.0}
WEEK: Final = 7 * 1_440
KEY: Final = "prices"


def main() -> int:
    """Measure and print."""
    snapshot = _snapshot()
    items = [f"item-{number}" for number in range(ITEMS)]
    drawing, checking = [], []
    for _ in range(REPEATS):
        begun = time.perf_counter()
        found = write_out(snapshot, KEY, items, PERIODS)
        drawn = time.perf_counter()
        balance = balance_of(found.cells, {"control": SLOTS // 2, "treatment": SLOTS // 2}, 2)
        drawing.append(drawn - begun)
        checking.append(time.perf_counter() - drawn)
    assert balance.uneven == 0
    assert len(found.cells) == ITEMS * PERIODS
    report: dict[str, Any] = {
        "benchmark": "schedules",
        "items": ITEMS,
        "periods": PERIODS,
        "seconds": round(min(drawing) + min(checking), 3),
        "drawing_seconds": round(min(drawing), 3),
        "checking_seconds": round(min(checking), 3),
        "engine_seconds_for_as_many": round(_one_by_one(snapshot, items[:ENGINE_ITEMS]) * ITEMS / ENGINE_ITEMS, 3),
        "furthest_standard_errors": round(balance.furthest, 2),
        "targets": TARGETS,
    }
    report["met"] = report["seconds"] <= TARGETS["seconds"]
    json.dump(report, sys.stdout, indent=2)
    sys.stdout.write("\n")
    return 0 if report["met"] else 1


def _one_by_one(snapshot: Snapshot, items: list[str]) -> float:
    """Return the seconds that the engine takes for these items in all periods, asked cell by cell."""
    calendar = snapshot.experiments[KEY].periods
    assert calendar is not None
    begun = time.perf_counter()
    for item in items:
        for index in range(PERIODS):
            assign({"item": item}, {}, calendar.counts_from(index), None, snapshot, keys=(KEY,))
    return time.perf_counter() - begun


def _snapshot() -> Snapshot:
    """Return the snapshot of one balanced experiment on items by week."""
    anchor = datetime(2026, 1, 5, tzinfo=UTC).isoformat()
    half = SLOTS // 2
    variants = [
        {
            "key": key,
            "control": key == "control",
            "state": "OPEN",
            "weight": half,
            "ranges": [[first, first + half]],
            "parameters": {"step": 0 if key == "control" else 5},
        }
        for key, first in (("control", 0), ("treatment", half))
    ]
    experiment = {
        "id": 1,
        "key": KEY,
        "status": "RUNNING",
        "salt": "5f8a4c1e9b7d4e20",
        "unit_kind": "item",
        "layer": None,
        "layer_ranges": [],
        "holdout": None,
        "audience": None,
        "coverage": SLOTS,
        "epoch": 1,
        "epoch_opened_at": anchor,
        "personalised": False,
        "overrides": {},
        "variants": variants,
        "period": {"minutes": WEEK, "anchor": anchor, "design": "BALANCED", "burn_in": 1_440, "block": 2},
    }
    return compile_snapshot(
        {
            "schema": 1,
            "project": {"id": 1, "key": "shop"},
            "version": 1,
            "holdouts": [],
            "layers": [],
            "experiments": [experiment],
        }
    )


if __name__ == "__main__":
    sys.exit(main())
