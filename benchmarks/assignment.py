"""Microseconds of processor time of one in-process assignment with every feature in use. Prints one JSON object."""

import json
import statistics
import sys
import time
import tracemalloc
from bisect import bisect_right
from collections.abc import Callable
from datetime import UTC, datetime

from xxhash import xxh3_64_intdigest

from benchmarks.bundles import full_feature_content
from experiments.assignment.bucketing import SLOTS, Purpose, slot_prefix
from experiments.assignment.compiler import compile_snapshot
from experiments.assignment.engine import assign
from experiments.assignment.snapshot import Snapshot

AT = datetime(2026, 6, 1, tzinfo=UTC)
ATTRIBUTES = {"country": "DE", "orders": 3}
UNITS = [{"visitor": f"8f14e45f-ceea-467f-a8f3-{number:012d}"} for number in range(2_000)]
RUNS = 15
TARGET = 15.0


def main() -> int:
    """Measure and print."""
    results = {
        "one_experiment": _microseconds(_snapshot(live=1)),
        "twenty_experiments": _microseconds(_snapshot(live=20)),
        "twenty_experiments_each_with_an_audience_of_its_own": _microseconds(_snapshot(live=20, own_audiences=True)),
        "two_thousand_experiments_eligible_for_twenty": _microseconds(_snapshot(live=2_000)),
    }
    bare = _bare_microseconds()
    tracemalloc.start()
    kept = _snapshot(live=2_000)
    megabytes = tracemalloc.get_traced_memory()[0] / 1e6
    print(
        json.dumps(
            {
                "benchmark": "assignment",
                "microseconds_a_call": results,
                "target_for_twenty": TARGET,
                "twenty_bare_hashes_and_searches": bare,
                "twenty_to_bare": round(results["twenty_experiments"] / bare, 2),
                "growth_20_to_2000": round(
                    results["two_thousand_experiments_eligible_for_twenty"] / results["twenty_experiments"], 2
                ),
                "megabytes_of_2000_experiments": round(megabytes, 1),
                "experiments": len(kept.experiments),
            }
        )
    )
    return 0


def _snapshot(*, live: int, own_audiences: bool = False) -> Snapshot:
    return compile_snapshot(full_feature_content(live=live, own_audiences=own_audiences))


def _microseconds(snapshot: Snapshot) -> float:
    def all_units() -> None:
        for units in UNITS:
            assign(units, ATTRIBUTES, AT, None, snapshot)

    return _median(all_units)


def _bare_microseconds() -> float:
    """Return what twenty variant draws alone cost: the yardstick that makes machines comparable."""
    prefixes = [slot_prefix(f"experiment-salt{number:07d}", Purpose.VARIANT) for number in range(20)]
    boundaries = (0, 500_000, 1_000_000)

    def all_units() -> None:
        for units in UNITS:
            unit = units["visitor"].encode()
            for prefix in prefixes:
                bisect_right(boundaries, xxh3_64_intdigest(prefix + unit) % SLOTS)

    return _median(all_units)


def _median(all_units: Callable[[], None]) -> float:
    """Return the median over runs of the mean microseconds of a call over different visitors."""
    means = []
    for _ in range(RUNS):
        started = time.process_time()
        all_units()
        means.append((time.process_time() - started) / len(UNITS) * 1e6)
    return round(statistics.median(means), 2)


if __name__ == "__main__":
    sys.exit(main())
