"""Microseconds of processor time of one in-process assignment with every feature in use, alone and beside the SDKs of
others; how it grows with experiments and with units; and the rate of whole tables. Prints one JSON object.

The SDKs answer the same question (20 live experiments with two conditions) in environments of their own, in the same
run. They are compared with our figure for experiments that each have an audience of their own, as theirs do.
"""

import json
import statistics
import sys
import time
import tracemalloc
from bisect import bisect_right
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from xxhash import xxh3_64_intdigest

from benchmarks.bundles import full_feature_content
from benchmarks.peers.environments import ASSIGNMENT_PEERS, times_of
from config.local.places import state_directory
from experiments.assignment.bucketing import SLOTS, Purpose, slot_prefix
from experiments.assignment.bulk import assign_table
from experiments.assignment.bulk_table import AssignmentColumn, UnitTable
from experiments.assignment.compiler import compile_snapshot
from experiments.assignment.engine import assign
from experiments.assignment.snapshot import Snapshot

AT = datetime(2026, 6, 1, tzinfo=UTC)
ATTRIBUTES = {"country": "DE", "orders": 3}
RUNS = 15
LIVE = (1, 20, 200, 2_000)
UNITS = 2_000
MANY_UNITS = (1_000, 10_000, 100_000)
TABLE_ROWS = 100_000
PEER_UNITS = 500
TARGETS = {
    "microseconds_for_twenty": 15.0,
    "growth_1_to_2000_of_what_concerns_a_unit": 2.0,
    "megabytes_of_2000": 50.0,
    "million_cells_a_second_in_bulk": 5.0,
    "ratios": {"growthbook": 15.0, "eppo-server-sdk": 2.5, "UnleashClient": 50.0},
}


def main() -> int:
    """Measure and print."""
    print("  one by one", file=sys.stderr)
    by_live = {live: _microseconds(_snapshot(live=live), _units(UNITS)) for live in LIVE}
    own = _microseconds(_snapshot(live=20, own_audiences=True), _units(UNITS))
    bare = _bare_microseconds(_units(UNITS))
    megabytes = _megabytes(2_000)
    by_units = {
        units: _microseconds(_snapshot(live=20), _units(units), runs=max(3, 30_000 // units)) for units in MANY_UNITS
    }
    print("  whole tables", file=sys.stderr)
    bulk = {live: _bulk_rate(_snapshot(live=live)) for live in LIVE[1:]}
    with_slots = _bulk_rate(_snapshot(live=20), ask=lambda column: column.layer_slots)
    print(
        json.dumps(
            {
                "benchmark": "assign",
                "targets": TARGETS,
                "microseconds_by_live_experiments": by_live,
                "concerning_a_unit": {live: min(live, 20) for live in LIVE},
                "growth_20_to_2000": round(by_live[2_000] / by_live[20], 2),
                "microseconds_for_twenty_with_audiences_of_their_own": own,
                "twenty_bare_hashes_and_searches": bare,
                "twenty_to_bare": round(by_live[20] / bare, 2),
                "megabytes_of_2000_experiments": megabytes,
                "microseconds_by_different_units": by_units,
                "million_cells_a_second_in_bulk": bulk,
                "million_cells_a_second_in_bulk_with_the_slots_of_20_layers": with_slots,
                "million_cells_a_second_of_one_hash_a_cell": round(20 / bare, 2),
                "peers": _peers(own),
            }
        )
    )
    return 0


def _snapshot(*, live: int, own_audiences: bool = False) -> Snapshot:
    return compile_snapshot(full_feature_content(live=live, own_audiences=own_audiences))


def _units(count: int) -> list[dict[str, str]]:
    return [{"visitor": f"8f14e45f-ceea-467f-a8f3-{number:012d}"} for number in range(count)]


def _microseconds(snapshot: Snapshot, everybody: Sequence[dict[str, str]], *, runs: int = RUNS) -> float:
    def all_units() -> None:
        for units in everybody:
            assign(units, ATTRIBUTES, AT, None, snapshot)

    return _median(all_units, len(everybody), runs)


def _bare_microseconds(everybody: Sequence[dict[str, str]]) -> float:
    """Return what twenty variant draws alone cost: the yardstick that makes machines comparable."""
    prefixes = [slot_prefix(f"experiment-salt{number:07d}", Purpose.VARIANT) for number in range(20)]
    boundaries = (0, 500_000, 1_000_000)

    def all_units() -> None:
        for units in everybody:
            unit = units["visitor"].encode()
            for prefix in prefixes:
                bisect_right(boundaries, xxh3_64_intdigest(prefix + unit) % SLOTS)

    return _median(all_units, len(everybody), RUNS)


def _median(all_units: Callable[[], None], units: int, runs: int) -> float:
    """Return the median over runs of the mean microseconds of a call over different visitors."""
    means = []
    for _ in range(runs):
        started = time.process_time()
        all_units()
        means.append((time.process_time() - started) / units * 1e6)
    return round(statistics.median(means), 2)


def _megabytes(live: int) -> float:
    tracemalloc.start()
    kept = _snapshot(live=live)
    megabytes = tracemalloc.get_traced_memory()[0] / 1e6
    tracemalloc.stop()
    assert len(kept.experiments) == live
    return round(megabytes, 1)


def _bulk_rate(snapshot: Snapshot, *, ask: Callable[[AssignmentColumn], object] = lambda column: column.codes) -> float:
    """Return million units x experiments a second of one core, the audiences of five kinds of shoppers included.

    `ask` is what is wanted of each column.
    """
    ids = [units["visitor"] for units in _units(TABLE_ROWS)]
    table = UnitTable(
        units={"visitor": ids},
        attributes={"country": ["DE"] * TABLE_ROWS, "orders": [1 + number % 5 for number in range(TABLE_ROWS)]},
    )
    keys = list(snapshot.experiments)[:200]
    rates = []
    for _ in range(5):
        started = time.process_time()
        for column in assign_table(table, AT, snapshot, keys=keys):
            ask(column)
        rates.append(TABLE_ROWS * len(keys) / (time.process_time() - started) / 1e6)
    return round(statistics.median(rates), 2)


def _peers(ours: float) -> dict[str, object]:
    """Return each SDK's microseconds for the same question, and how many times ours that is."""
    units = [found["visitor"] for found in _units(PEER_UNITS)]
    question = json.dumps({"experiments": 20, "units": units, "attributes": ATTRIBUTES})
    found: dict[str, object] = {}
    for peer in ASSIGNMENT_PEERS:
        print(f"  {peer.package}", file=sys.stderr)
        times = times_of(peer, state_directory() / "peers", question)
        name = f"{peer.package} {peer.version}"
        found[name] = times if isinstance(times, str) else times | {"ratio": round(times["microseconds"] / ours, 1)}
    return found


if __name__ == "__main__":
    sys.exit(main())
