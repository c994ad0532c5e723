"""API keys that ask too often: told when to come again, in the form of the path, without harm to other keys."""

import io
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from config.edge import Edge
from config.local.embedded import Postgres
from decisions.serving.limits import LimitPolicy
from decisions.serving.settings import EdgeSettings
from decisions.serving.store import BundleFile
from tests.config.edges import BOTH, Answer, call, log_of, start_edge
from tests.decisions.published import SERVER_KEY, message, publish, text_of

FEW = LimitPolicy("requests", 0.1, 3.0)
MakeEdge = Callable[..., Edge]


@pytest.fixture
def cut_off(tmp_path: Path) -> Iterator[MakeEdge]:
    """Return a function that makes an edge that serves from its file, without servers."""
    made: list[Edge] = []

    def make(**changes: Any) -> Edge:
        BundleFile(tmp_path).write([text_of(*BOTH, version=12)])
        settings = EdgeSettings(database_url=None, redis_url=None, state_directory=tmp_path, **changes)
        made.append(Edge(settings))
        made[-1].runtime.start()
        return made[-1]

    yield make
    for edge in made:
        edge.close()


def refusals(answers: list[Answer]) -> list[Answer]:
    return [answer for answer in answers if answer.status == 429]


def test_requests__more_than_the_key_may__are_429_with_whole_seconds_and_the_policy(cut_off: MakeEdge) -> None:
    edge = cut_off(requests=FEW)

    answers = [call(edge, "/v1/assignments", {"units": {"visitor": f"v-{n}"}}) for n in range(5)]

    assert [answer.status for answer in answers] == [200, 200, 200, 429, 429]
    refused = answers[3]
    assert refused.json["code"] == "RATE_LIMITED"
    assert refused.headers["Content-Type"] == "application/problem+json"
    assert refused.headers["Retry-After"].isdigit()
    assert 1 <= int(refused.headers["Retry-After"]) <= 10
    assert refused.headers["RateLimit-Policy"] == '"requests";q=3;w=30'
    assert refused.headers["RateLimit"] == f'"requests";r=0;t={refused.headers["Retry-After"]}'
    assert "RateLimit" in refused.headers["Access-Control-Expose-Headers"]


def test_requests__one_key_used_up__others_and_probes_are_answered(cut_off: MakeEdge) -> None:
    edge = cut_off(requests=FEW)
    for number in range(10):
        call(edge, "/v1/assignments", {"units": {"visitor": f"v-{number}"}})

    assert call(edge, "/v1/assignments", {"units": {"visitor": "v"}}, key=SERVER_KEY).status == 200
    assert call(edge, "/v1/assignments", {"units": {"visitor": "v"}}, key="unknown").status == 401
    assert call(edge, "/healthz/ready", method="GET").status == 200


def test_requests__many_visitors_under_the_default_limit__are_never_refused(cut_off: MakeEdge) -> None:
    edge = cut_off()

    answers = [call(edge, "/v1/assignments", {"units": {"visitor": f"v-{n}"}}) for n in range(2_000)]

    assert refusals(answers) == []


@pytest.mark.parametrize("path", ["/ofrep/v1/evaluate/flags", "/ofrep/v1/evaluate/flags/colour"])
def test_requests__too_many_for_flags__are_refused_in_a_form_that_flag_clients_read(
    cut_off: MakeEdge, path: str
) -> None:
    edge = cut_off(requests=LimitPolicy("requests", 0.1, 1.0))
    call(edge, path, {"context": {"targetingKey": "v"}})

    refused = call(edge, path, {"context": {"targetingKey": "v"}})

    assert (refused.status, refused.headers["Content-Type"]) == (429, "application/json")
    assert refused.headers["Retry-After"].isdigit()
    assert refused.json["errorCode"] == "GENERAL"
    assert "Retry-After" in refused.json["errorDetails"]


def test_events__more_messages_or_bytes_than_the_key_may__are_refused_whole_and_nothing_is_stored(
    breakable_postgres: Postgres, tmp_path: Path
) -> None:
    publish(breakable_postgres.url, text_of(*BOTH, version=12))
    edge = start_edge(
        breakable_postgres.url,
        tmp_path,
        events=LimitPolicy("events", 0.1, 10.0),
        ingest_bytes=LimitPolicy("bytes", 1.0, 1_500.0),
    )
    try:
        first = call(edge, "/v1/batch", {"batch": [message(n) for n in range(5)]})
        many = call(edge, "/v1/batch", {"batch": [message(n) for n in range(10, 16)]})
        large = call(edge, "/v1/track", message(20, properties={"query": "x" * 1_000}))

        assert (first.status, many.status, large.status) == (202, 429, 429)
        assert "events" in many.headers["RateLimit-Policy"]
        assert "bytes" in large.headers["RateLimit-Policy"]
        assert len(log_of(breakable_postgres)) == 5
        assert call(edge, "/v1/assignments", {"units": {"visitor": "v"}}).status == 200
    finally:
        edge.close()


class Held:
    """A request body that does not come before it is let go."""

    def __init__(self) -> None:
        self.entered, self.released = threading.Event(), threading.Event()

    def read(self, size: int) -> bytes:
        self.entered.set()
        self.released.wait(60)
        return b""


def test_events__all_places_taken__the_next_is_503_at_once_and_assignments_go_on(cut_off: MakeEdge) -> None:
    edge = cut_off(connections=1)
    bodies = [Held() for _ in range(3)]
    environ = {"REQUEST_METHOD": "POST", "PATH_INFO": "/v1/batch"}
    waiting = [
        threading.Thread(target=lambda body=body: list(edge(environ | {"wsgi.input": body}, lambda *_: None)))
        for body in bodies
    ]
    for thread, body in zip(waiting, bodies, strict=True):
        thread.start()
        assert body.entered.wait(10)

    refused = call(edge, "/v1/batch", {"batch": [message(1)]})
    served = call(edge, "/v1/assignments", {"units": {"visitor": "v"}})

    for thread, body in zip(waiting, bodies, strict=True):
        body.released.set()
        thread.join()
    assert (refused.status, refused.json["code"]) == (503, "INGEST_UNAVAILABLE")
    assert refused.headers["Retry-After"].isdigit()
    assert served.status == 200
    after = call(edge, "/v1/batch", {"batch": [message(1)]})
    assert "DATABASE_URL" in after.json["detail"], "the places are free again"


def test_requests__too_many_with_a_large_body__are_read_so_that_the_refusal_arrives(cut_off: MakeEdge) -> None:
    edge = cut_off(requests=LimitPolicy("requests", 0.1, 1.0))
    call(edge, "/v1/assignments", {"units": {"visitor": "v"}})
    body = io.BytesIO(b"x" * 900_000)

    refused = call(edge, "/v1/batch", **{"wsgi.input": body})  # type: ignore[arg-type]

    assert refused.status == 429
    assert body.read() == b""
