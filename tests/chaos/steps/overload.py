"""E7: far more events than can be stored are put off politely, in bounded memory, and assignments stay quick."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from benchmarks.load import Load, request_bytes
from benchmarks.open_load import run_open_load
from config.local.places import PROJECT
from tests.chaos.edges import EdgeProcess
from tests.chaos.flood import IMPOLITE, SENDERS
from tests.chaos.ground import SHOP_KEY, SHOPPER, Ground
from tests.chaos.promises import Finding

PER_SECOND = 50
MOST_MEGABYTES = 100.0
MOST_RATIO = 2.0
LEAST_P99_MS = 10.0
"""Below this the p99 of an idle machine is noise: twice of it is allowed at the least."""
POLITE = {"202", "429", "503"}


def back_pressure(ground: Ground) -> Finding:
    """E7: ten times as many senders as can be served; memory, and the latency of assignments beside them."""
    ground.forget_events()
    headers = {"Authorization": f"Bearer {SHOP_KEY}", "Content-Type": "application/json"}
    body = json.dumps({"units": {"visitor": "v"}, "attributes": SHOPPER}).encode()
    asked = [request_bytes("/v1/assignments", body, headers)]
    application = "benchmarks.fixed:application"
    with ground.edges(1) as (edge,), ground.edges(1, application=application, FIXED_BYTES="9000") as (fixed,):
        _both(edge, fixed, asked, seconds=3)
        calm, _ = _both(edge, fixed, asked, seconds=8)
        before = edge.resident_megabytes()
        with _flooded(edge, ground.store.client_key) as counts:
            storm, bare = _both(edge, fixed, asked, seconds=ground.seconds(15, 300))
            grown = edge.resident_megabytes() - before
    return judge(calm, storm, bare, counts, grown=grown)


def _both(edge: EdgeProcess, fixed: EdgeProcess, asked: Sequence[bytes], *, seconds: float) -> tuple[Load, Load]:
    """Return the loads of two servers that are asked at the same time."""
    with ThreadPoolExecutor(2) as pool:
        first, second = (
            pool.submit(run_open_load, one.port, asked, per_second=PER_SECOND, seconds=seconds) for one in (edge, fixed)
        )
        return first.result(), second.result()


def judge(calm: Load, storm: Load, bare: Load, counts: dict[str, int], *, grown: float) -> Finding:
    """Return whether overload was refused politely, without growth of memory (in MB) and without slower assignments.

    `bare` are fixed bytes of another process beside the same flood: how slow the machine has become by itself.
    """
    impolite = counts.pop(IMPOLITE, 0)
    calm_p99, storm_p99, bare_p99 = (load.milliseconds(0.99) for load in (calm, storm, bare))
    refused = counts.get("429", 0) + counts.get("503", 0)
    measured = (
        f"{SENDERS} senders, {sum(counts.values()):,} batches: {counts}, {impolite} refusals without Retry-After;"
        f" memory {grown:+.0f} MB; assignments p99 {calm_p99:.1f} -> {storm_p99:.1f} ms, {storm.statuses};"
        f" fixed bytes of another process meanwhile {bare_p99:.1f} ms"
    )
    polite = counts.keys() <= POLITE and impolite == 0 and refused > 0
    quick = storm.statuses.keys() == {200} and storm_p99 <= MOST_RATIO * max(calm_p99, bare_p99, LEAST_P99_MS)
    return Finding(polite and quick and grown < MOST_MEGABYTES, measured)


@contextmanager
def _flooded(edge: EdgeProcess, key: str) -> Iterator[dict[str, int]]:
    """Flood the edge while the block goes on; the counts are there afterwards."""
    counts: dict[str, int] = {}
    command = [sys.executable, "-m", "tests.chaos.flood", str(edge.port), key]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=PROJECT, stdin=pipe, stdout=pipe, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "flooding\n"
        time.sleep(1)
        yield counts
        told, _ = process.communicate(timeout=120)
        counts.update(json.loads(told))
