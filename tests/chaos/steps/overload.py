"""E7: far more events than can be stored are put off politely, in bounded memory, and assignments stay quick."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass

from benchmarks.load import Load, request_bytes
from benchmarks.open_load import run_open_load
from config.local import processes
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


@dataclass(frozen=True, slots=True)
class Storm:
    """Assignments beside the flood: of the flooded intake, of the edge, and fixed bytes of a third process.

    Fixed bytes tell how slow the machine has become by itself.
    """

    flooded: Load
    apart: Load
    bare: Load


def back_pressure(ground: Ground) -> Finding:
    """E7: ten times as many senders as can be served; memory, and the latency of assignments beside them."""
    ground.forget_events()
    headers = {"Authorization": f"Bearer {SHOP_KEY}", "Content-Type": "application/json"}
    body = json.dumps({"units": {"visitor": "v"}, "attributes": SHOPPER}).encode()
    asked = [request_bytes("/v1/assignments", body, headers)]
    application = "benchmarks.fixed:application"
    with (
        ground.edges(1, kind=processes.intake) as (intake,),
        ground.edges(1) as (edge,),
        ground.edges(1, application=application, FIXED_BYTES="9000") as (fixed,),
    ):
        servers = (intake, edge, fixed)
        _together(servers, asked, seconds=3)
        calm = _together(servers, asked, seconds=8)
        before = intake.resident_megabytes()
        with _flooded(intake, ground.store.client_key) as counts:
            storm = _together(servers, asked, seconds=ground.seconds(15, 300))
            grown = intake.resident_megabytes() - before
    return judge(calm, storm, counts, grown=grown)


def _together(servers: Sequence[EdgeProcess], asked: Sequence[bytes], *, seconds: float) -> Storm:
    """Return the loads of servers that are asked at the same time."""
    with ThreadPoolExecutor(len(servers)) as pool:
        loads = [pool.submit(run_open_load, one.port, asked, per_second=PER_SECOND, seconds=seconds) for one in servers]
        return Storm(*(load.result() for load in loads))


def judge(calm: Storm, storm: Storm, counts: dict[str, int], *, grown: float) -> Finding:
    """Return whether overload was refused politely, without growth of memory (in MB) and without slower assignments.

    The edge decides about speed: as shipped, events go to processes of their own.
    """
    impolite = counts.pop(IMPOLITE, 0)
    refused = counts.get("429", 0) + counts.get("503", 0)
    before, beside, bare = (load.milliseconds(0.99) for load in (calm.apart, storm.apart, storm.bare))
    answered = storm.flooded.statuses.keys() == storm.apart.statuses.keys() == {200}
    measured = (
        f"{SENDERS} senders, {sum(counts.values()):,} batches: {counts}, {impolite} refusals without Retry-After;"
        f" memory {grown:+.0f} MB; {'all' if answered else 'NOT ALL'} assignments answered, p99 {before:.1f} ->"
        f" {beside:.1f} ms in the edge (fixed bytes {bare:.1f} ms),"
        f" {calm.flooded.milliseconds(0.99):.1f} -> {storm.flooded.milliseconds(0.99):.1f} ms in the flooded intake"
    )
    polite = counts.keys() <= POLITE and impolite == 0 and refused > 0
    quick = beside <= MOST_RATIO * max(before, bare, LEAST_P99_MS)
    return Finding(polite and answered and quick and grown < MOST_MEGABYTES, measured)


@contextmanager
def _flooded(intake: EdgeProcess, key: str) -> Iterator[dict[str, int]]:
    """Flood the intake while the block goes on; the counts are there afterwards."""
    counts: dict[str, int] = {}
    command = [sys.executable, "-m", "tests.chaos.flood", str(intake.port), key]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=PROJECT, stdin=pipe, stdout=pipe, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "flooding\n"
        time.sleep(1)
        yield counts
        told, _ = process.communicate(timeout=120)
        counts.update(json.loads(told))
