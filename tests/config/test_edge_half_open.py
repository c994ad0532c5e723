"""The edge while Redis is silent with the line open, and when it starts with nothing but a file, good or damaged."""

import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import redis

from config.edge import Edge
from config.local.embedded import Postgres, Valkey
from decisions.serving.settings import EdgeSettings
from decisions.serving.store import BundleFile
from tests.chaos.proxy import Line, Proxy
from tests.config.decision_edges import BASIC, RANKED, TREATED, MakeEdge, ask, publish_point, shown
from tests.config.edges import BOTH, call
from tests.decisions.published import ab_point, message, text_of

CLOSED = "postgresql://nobody@127.0.0.1:1/none"
CLOSED_REDIS = "redis://127.0.0.1:1/0"


def eventually(holds: Callable[[], bool], *, seconds: float = 30.0) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "did not come true in time"
        time.sleep(0.02)


def test_redis_half_open__assignments_stay_decisions_are_the_baseline_and_new_bundles_come_by_the_poll(
    postgres: Postgres, make_edge: MakeEdge, own_valkey: Valkey, history: redis.Redis
) -> None:
    publish_point(postgres, TREATED, at=ab_point(RANKED), version=1)
    port = urlsplit(own_valkey.url).port
    with Proxy(int(port or 0)) as line:
        edge = make_edge(own_valkey.url.replace(f":{port}/", f":{line.port}/"), feature_seconds=0.2)
        visitors = [{"visitor": f"v-{number}"} for number in range(30)]
        before = [call(edge, "/v1/assignments", {"units": units}).json["assignments"] for units in visitors]
        eventually(lambda: ask(edge).json["reason"] == "MODEL")

        line.set(Line.HALF_OPEN)
        during = [call(edge, "/v1/assignments", {"units": units}) for units in visitors]
        decided = [ask(edge) for _ in range(30)]
        publish_point(postgres, TREATED, at=ab_point(RANKED), version=2)
        eventually(lambda: edge.runtime.live.by_project[1].version == 2)

        assert {answer.status for answer in (*during, *decided)} == {200}
        assert [answer.json["assignments"] for answer in during] == before
        assert {answer.json["reason"] for answer in decided} == {"FEATURES_UNAVAILABLE"}
        assert {tuple(shown(answer)) for answer in decided} == {tuple(BASIC)}

        line.set(Line.OPEN)
        eventually(lambda: ask(edge).json["reason"] == "MODEL")


def cold_edge(directory: Path) -> Edge:
    """Return an edge that was started while neither Postgres nor Redis answered."""
    edge = Edge(EdgeSettings(database_url=CLOSED, redis_url=CLOSED_REDIS, state_directory=directory))
    edge.start()
    return edge


def test_cold_start__both_down__serves_the_last_known_good_file(tmp_path: Path) -> None:
    BundleFile(tmp_path).write([text_of(*BOTH, version=12)])
    edge = cold_edge(tmp_path)
    try:
        answer = call(edge, "/v1/assignments", {"units": {"visitor": "v-1"}})

        assert (answer.status, answer.json["source"], answer.json["bundle_version"]) == (200, "file", 12)
        assert call(edge, "/healthz/ready", method="GET").status == 200
        assert call(edge, "/v1/batch", {"batch": [message(1)]}).status == 503
    finally:
        edge.close()


def flipped(place: int) -> Callable[[bytes], bytes]:
    """Return what flips one bit at a place, from the end where it is negative."""
    return lambda raw: raw[:place] + bytes([raw[place] ^ 1]) + (raw[place + 1 :] if place != -1 else b"")


DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "first byte": flipped(0),
    "digest": flipped(30),
    "inside": flipped(500),
    "last byte": flipped(-1),
    "torn": lambda raw: raw[: len(raw) // 2],
    "empty": lambda _raw: b"",
    "something else": lambda _raw: b"\x00\xff" * 5_000,
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_cold_start__both_down_and_the_file_damaged__answers_defaults_with_a_reason_and_never_500(
    tmp_path: Path, damage: Callable[[bytes], bytes]
) -> None:
    file = BundleFile(tmp_path)
    file.write([text_of(*BOTH, version=12)])
    file.path.write_bytes(damage(file.path.read_bytes()))
    edge = cold_edge(tmp_path)
    try:
        assigned = call(edge, "/v1/assignments", {"units": {"visitor": "v-1"}})
        decided = call(edge, "/v1/decisions/home", {"units": {"visitor": "v-1"}})
        flags = call(edge, "/ofrep/v1/evaluate/flags", {"context": {"targetingKey": "v-1"}})
        events = call(edge, "/v1/batch", {"batch": [message(1)]})
        ready = call(edge, "/healthz/ready", method="GET")

        assert (assigned.status, assigned.json["metadata"]) == (200, {"degraded": "BUNDLE_MISSING"})
        assert (decided.status, decided.json["reason"]) == (200, "BUNDLE_MISSING")
        assert (flags.status, events.status, ready.status) == (503, 503, 503)
        assert "file" in str(edge.runtime.status().last_error)
    finally:
        edge.close()
