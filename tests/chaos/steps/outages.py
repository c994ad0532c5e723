"""A5, A6, A7: evaluation goes on without Postgres, without Redis, and from a cold start without both."""

import time
from pathlib import Path

from config.local.postgres import Shutdown
from decisions.serving.store import FILE_NAME
from tests.chaos.edges import FAULTS, Client, EdgeProcess
from tests.chaos.ground import SHOP_KEY, SHOPPER, VISITORS, Ground
from tests.chaos.promises import Finding
from tests.chaos.proxy import Line, Proxy
from tests.chaos.steady import Seen, Steadiness, questions

PER_SECOND = 50
COLD_START_SECONDS = 5.0
MOST_RATIO = 2.0
"""Of a start without servers beside one with them, where the machine is so busy that the latter takes long too."""


def without_postgres(ground: Ground) -> Finding:
    """A5: stop Postgres at once under load and compare every answer with the one before."""
    # Patient with Redis: it is Postgres that is examined, not whether this machine stalls for twenty milliseconds.
    with ground.edges(2, TILTYARD_EDGE_FEATURE_MS="1000") as edges:
        steady = Steadiness(edges, questions(units=VISITORS, decisions_stay=True))
        ground.postgres.shut_down(Shutdown.IMMEDIATE)
        seen = steady.watch(seconds=ground.seconds(25, 600), per_second=PER_SECOND)
        ground.heal()
    return Finding(_unmoved(seen), seen.told())


def without_redis(ground: Ground) -> Finding:
    """A6: kill Redis under load, then let it fall silent with the connections open."""
    with ground.edges(2) as edges:
        steady = Steadiness(edges, questions(units=VISITORS, decisions_stay=False))
        ground.valkey.kill()
        gone = steady.watch(seconds=ground.seconds(12, 300), per_second=PER_SECOND)
        ground.heal()
    with Proxy(ground.valkey.port) as proxy:
        address = ground.valkey.url.replace(f":{ground.valkey.port}/", f":{proxy.port}/")
        with ground.edges(2, REDIS_URL=address) as edges:
            steady = Steadiness(edges, questions(units=VISITORS, decisions_stay=False))
            assert proxy.connections, "the edge does not use the proxy"
            proxy.set(Line.HALF_OPEN)
            silent = steady.watch(seconds=ground.seconds(12, 300), per_second=PER_SECOND)
    return Finding(_unmoved(gone) and _unmoved(silent), f"killed: {gone.told()}; half-open: {silent.told()}")


def _unmoved(seen: Seen) -> bool:
    return seen.refused == 0 and seen.different == 0 and seen.asked > 0


def cold_start(ground: Ground) -> Finding:
    """A7: start with both servers down from the last-known-good file, then from a file with one byte flipped."""
    with ground.edges(1) as (edge,):
        steady = Steadiness([edge], questions(units=VISITORS, decisions_stay=False))
        file = edge.process.log.parent / FILE_NAME
        while not file.exists():
            time.sleep(0.05)
        edge.kill()
        edge.start()
        usual = edge.wait_until_ready()
        edge.kill()
        ground.postgres.shut_down(Shutdown.IMMEDIATE)
        ground.valkey.kill()
        edge.start()
        ready = edge.wait_until_ready()
        steady.reconnect()
        seen = steady.watch(seconds=3, per_second=PER_SECOND)
        edge.kill()
        _flip_a_byte(file)
        edge.start()
        answers = _answers_of(edge)
        ground.heal()
    harmless = answers == [200, 200, 503, 503]
    too_busy = usual > COLD_START_SECONDS / 2
    in_time = ready <= COLD_START_SECONDS or (too_busy and ready <= MOST_RATIO * usual)
    kept = in_time and _unmoved(seen) and harmless
    measured = (
        f"ready after {ready:.1f} s (with both up {usual:.1f} s), {seen.told()}; one byte flipped:"
        f" assignments {answers[0]} (empty, BUNDLE_MISSING),"
        f" decisions {answers[1]}, events {answers[2]}, ready {answers[3]}"
    )
    return Finding(kept, measured)


def _flip_a_byte(file: Path) -> None:
    raw = bytearray(file.read_bytes())
    raw[len(raw) // 2] ^= 1
    file.write_bytes(raw)


def _answers_of(edge: EdgeProcess) -> list[int]:
    """Return the statuses of an edge that has nothing to serve.

    Each request has a connection of its own: an answer that needs no body leaves it unread and closes.
    """
    until = time.monotonic() + 30
    while True:
        client = Client(edge.port, SHOP_KEY)
        try:
            assert client.get("/healthz/live").status == 200
            break
        except FAULTS:
            assert time.monotonic() < until, "the edge does not start from a damaged file"
            time.sleep(0.05)
    body = {"units": {"visitor": "visitor-1"}, "attributes": SHOPPER}
    assigned = Client(edge.port, SHOP_KEY).post("/v1/assignments", body)
    decided = Client(edge.port, SHOP_KEY).post("/v1/decisions/home", body)
    assert (assigned.json["assignments"], assigned.json["metadata"]) == ([], {"degraded": "BUNDLE_MISSING"})
    stored = Client(edge.port, SHOP_KEY).post("/v1/batch", {"batch": []})
    return [assigned.status, decided.status, stored.status, Client(edge.port).get("/healthz/ready").status]
