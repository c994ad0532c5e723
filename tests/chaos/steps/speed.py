"""A8: how long an assignment takes while requests arrive at a fixed rate, beside the same server with fixed bytes."""

import json

from benchmarks.load import Load, request_bytes
from benchmarks.open_load import run_open_load
from tests.chaos.edges import Client
from tests.chaos.ground import SHOP_KEY, SHOPPER, Ground
from tests.chaos.promises import Finding

PER_SECOND = 200
SLICE_SECONDS = 2.0
"""Both servers take turns, so that both meet the machine as it is."""
P50_MS, P99_MS = 3.0, 25.0
LARGEST_SHARE = 0.5
"""Of the median's limit that an answer may take of a processor, where the machine is so busy that fixed bytes alone
take half of a limit: latencies then tell of the machine."""


def latency(ground: Ground) -> Finding:
    """A8: an open model, so that a stall is charged to everybody who had to wait."""
    headers = {"Authorization": f"Bearer {SHOP_KEY}", "Content-Type": "application/json"}
    bodies = [{"units": {"visitor": f"visitor-{n}"}, "attributes": SHOPPER} for n in range(1_000)]
    asked = [request_bytes("/v1/assignments", json.dumps(body).encode(), headers) for body in bodies]
    with ground.edges(1) as (edge,):
        size = len(Client(edge.port, SHOP_KEY).post("/v1/assignments", bodies[0]).body)
        with ground.edges(1, application="benchmarks.fixed:application", FIXED_BYTES=str(size)) as (fixed,):
            run_open_load(edge.port, asked, per_second=PER_SECOND, seconds=3)
            before = edge.processor_seconds()
            measured, bare = Load(), Load()
            for _ in range(ground.count(10, 150)):
                for port, load in ((edge.port, measured), (fixed.port, bare)):
                    _add(load, run_open_load(port, asked, per_second=PER_SECOND, seconds=SLICE_SECONDS))
            each = 1_000 * (edge.processor_seconds() - before) / len(measured.latencies)
    return judge(measured, bare, each=each)


def _add(load: Load, slice_: Load) -> None:
    load.latencies += slice_.latencies
    for status, count in slice_.statuses.items():
        load.statuses[status] = load.statuses.get(status, 0) + count


def judge(measured: Load, bare: Load, *, each: float) -> Finding:
    """Return whether the limits were met; `each` is the processor's milliseconds for one answer.

    Where fixed bytes alone take half of a limit, that time decides.
    """
    p50, p99 = measured.milliseconds(0.5), measured.milliseconds(0.99)
    bare_p50, bare_p99 = bare.milliseconds(0.5), bare.milliseconds(0.99)
    within = p50 <= P50_MS and p99 <= P99_MS
    too_busy = bare_p50 > P50_MS / 2 or bare_p99 > P99_MS / 2
    comparable = too_busy and each <= LARGEST_SHARE * P50_MS
    told = (
        f"p50 {p50:.2f} ms, p99 {p99:.1f} ms at {PER_SECOND}/s; fixed bytes {bare_p50:.2f} and {bare_p99:.1f} ms;"
        f" {each:.2f} ms of a processor an answer"
        f"{' (which decides: the machine is too busy for latencies)' if too_busy and not within else ''}"
    )
    return Finding(measured.statuses.keys() == {200} and (within or comparable), told)
