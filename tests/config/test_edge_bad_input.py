"""Bad input on every route of the edge: the prescribed answer, counted, and nothing stored."""

import gzip
import re
import time
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import psycopg
import pytest

from config.edge import Edge
from config.local.embedded import Postgres
from decisions.ingest.bodies import LARGEST_BODY
from foundation.ids import format_api_key
from tests.config.edges import Answer, call, idle_edge, start_edge
from tests.contracts.surroundings import publish_everything
from tests.decisions.published import CLIENT_KEY, SERVER_KEY, companion, message, publish, text_of
from tests.experiments.assignment.builders import experiment

ROUTES = dict(idle_edge(Path("/nonexistent")).routes)
POSTS = sorted(name for name, method in ROUTES.items() if method == "POST")
GETS = sorted(name for name, method in ROUTES.items() if method == "GET")
OFREP = "/ofrep/"
"""Routes of a protocol that has its own form of errors, and 400 for whatever is wrong with a body."""
UNKNOWN_KEY = format_api_key("client", b"u" * 32)


def path_of(name: str) -> str:
    """Return an address of a route whose last part may be a key."""
    return re.sub(r"\{[a-z_]+\}", "home", name)


@cache
def bomb(megabytes: int) -> bytes:
    """Return a gzip stream of so many megabytes of zeros, made without ever holding them."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 16 + zlib.MAX_WBITS)
    zeros = bytes(1_000_000)
    return b"".join(packer.compress(zeros) for _ in range(megabytes)) + packer.flush()


@dataclass(frozen=True)
class Bad:
    """A body that no route can use, and the statuses that may be answered."""

    name: str
    body: Callable[[], bytes]
    statuses: frozenset[int]
    headers: dict[str, str]


def bad(name: str, body: bytes | Callable[[], bytes], *statuses: int, **headers: str) -> Bad:
    made = (lambda: body) if isinstance(body, bytes) else body
    return Bad(name, made, frozenset(statuses), headers)


def deep(levels: int) -> bytes:
    return b'{"units":' + b"[" * levels + b"]" * levels + b"}"


BODIES = [
    bad("cut off", b'{"units":{"visitor":"v-1"', 400),
    bad("no JSON", b"units=visitor", 400),
    bad("a list", b"[]", 400),
    bad("a number", b"5", 400),
    bad("a text", b'"visitor"', 400),
    bad("null", b"null", 400),
    bad("two documents", b"{}{}", 400),
    bad("not UTF-8", b'{"units":{"visitor":"\xff\xfe"},"type":"\xff"}', 400),
    bad("1e400 and nothing else", b'{"units":1e400,"type":1e400}', 400),
    bad("depth 1000", deep(1_000), 400),
    bad("depth 100,000", deep(100_000), 400),
    bad("10 MB", lambda: b" " * 10_000_000, 413),
    bad("a byte too many", lambda: b" " * (LARGEST_BODY + 1), 413),
    bad("gzip bomb", lambda: bomb(900), 413, HTTP_CONTENT_ENCODING="gzip"),
    bad("gzip that is none", b"{}", 400, HTTP_CONTENT_ENCODING="gzip"),
    bad("gzip cut off", gzip.compress(b"{}" * 100)[:-4], 400, HTTP_CONTENT_ENCODING="gzip"),
    bad("other encoding", b"{}", 415, HTTP_CONTENT_ENCODING="br"),
]


@pytest.fixture(scope="module")
def serving(_migrated_postgres: Postgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Edge]:
    """Return a running edge with two experiments and the decision point `home`."""
    _migrated_postgres.start()
    with psycopg.connect(_migrated_postgres.url, autocommit=True) as connection:
        connection.execute("TRUNCATE decisions_eventlog, decisions_publishedbundle, decisions_publishedchunk")
    publish_everything(_migrated_postgres)
    edge = start_edge(_migrated_postgres.url, tmp_path_factory.mktemp("edge"))
    yield edge
    edge.close()


def rows(edge: Edge) -> int:
    """Return how many rows the edge has written, decisions left out, which answer with 200."""
    with psycopg.connect(str(edge.settings.database_url)) as connection:
        found = connection.execute("SELECT count(*) FROM decisions_eventlog WHERE kind <> 'decision'").fetchone()
    return int(found[0])


def counted(edge: Edge, route: str, status: int) -> float:
    """Return how many requests to a route were counted with a status."""
    text = call(edge, "/metrics", method="GET").body.decode()
    wanted = f'tiltyard_requests_total{{route="{route}",status="{status}"}} '
    return sum(float(line.removeprefix(wanted)) for line in text.splitlines() if line.startswith(wanted))


def is_refusal(name: str, answer: Answer) -> bool:
    """Return whether an answer has the form that the protocol of its route prescribes for refusals."""
    told = answer.json
    if name.startswith(OFREP) and answer.status != 405:
        return isinstance(told["errorCode"], str) and isinstance(told["errorDetails"], str)
    is_problem = answer.headers["Content-Type"] == "application/problem+json"
    return is_problem and told["status"] == answer.status and {"code", "detail", "hint"} <= told.keys()


@pytest.mark.parametrize("name", POSTS)
@pytest.mark.parametrize("wrong", BODIES, ids=lambda one: one.name)
def test_body_of_no_use__on_every_route__is_refused_counted_and_not_stored(serving: Edge, name: str, wrong: Bad):
    before = rows(serving)

    answer = call(serving, path_of(name), wrong.body(), key=SERVER_KEY, **wrong.headers)

    expected = {400} if name.startswith(OFREP) else wrong.statuses
    assert answer.status in expected, (answer.status, answer.body[:300])
    assert is_refusal(name, answer), answer.body[:300]
    assert counted(serving, name, answer.status) >= 1
    assert rows(serving) == before


@pytest.mark.parametrize("name", POSTS)
@pytest.mark.parametrize(
    "key", [None, "", "nonsense", UNKNOWN_KEY, CLIENT_KEY[:-1], CLIENT_KEY + "A", "\u7c73", "x" * 10_000]
)
def test_key_of_no_use__on_every_route__is_401_with_a_challenge(serving: Edge, name: str, key: str | None):
    before = rows(serving)

    answer = call(serving, path_of(name), {"units": {"visitor": "v-1"}}, key=key)

    assert (answer.status, "WWW-Authenticate" in answer.headers) == (401, True)
    assert is_refusal(name, answer)
    assert counted(serving, name, 401) >= 1
    assert rows(serving) == before


@pytest.mark.parametrize("name", [*POSTS, *GETS])
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH", "TRACE", "post"])
def test_other_method__on_every_route__is_405_and_says_which_is_allowed(serving: Edge, name: str, method: str):
    if method == ROUTES[name]:
        return
    answer = call(serving, path_of(name), b"x", key=SERVER_KEY, method=method)

    assert (answer.status, answer.headers["Allow"].split(", ")[0]) == (405, ROUTES[name])
    assert is_refusal(name, answer)


@pytest.mark.parametrize(
    "path", ["/", "/v1", "/v1/", "/v1/batch/", "/V1/BATCH", "/v1/decisions/", "/v1/../metrics", "/" + "x" * 8_000]
)
def test_address_that_is_not_there__is_404_and_counted_under_one_name(serving: Edge, path: str):
    answer = call(serving, path, b"{}")

    assert (answer.status, answer.json["code"]) == (404, "ROUTE_UNKNOWN")
    assert len(answer.body) < 1_000
    assert counted(serving, "other", 404) >= 1


UNITS_OF_NO_USE: list[Any] = [5, 1.5, True, None, [], ["v-1"], {"id": "v-1"}, "", "x" * 10_241]


@pytest.mark.parametrize("unit", UNITS_OF_NO_USE, ids=lambda one: repr(one)[:20])
@pytest.mark.parametrize("path", ["/v1/assignments", "/v1/decisions/home"])
def test_unit_of_no_use__is_answered_with_the_control_and_no_token(serving: Edge, path: str, unit: object):
    more = {"expose": True} if path == "/v1/decisions/home" else {}
    answer = call(serving, path, {"units": {"visitor": unit}} | more)

    assert answer.status == 200
    assert answer.json["decision_token"] is None
    if path == "/v1/assignments":
        told = answer.json["assignments"][0]
        assert (told["enrolled"], told["variant"]) == (False, "control")
        assert told["reason"] in ("UNIT_INVALID", "UNIT_MISSING")


@pytest.mark.parametrize("visitor", ["\\ud800", "\\udc00\\ud800", "\\u0000", "v\\u0000", "\\uffff", "\u7c73" * 3_413])
def test_unit_of_strange_text__is_answered_without_a_fault(serving: Edge, visitor: str):
    """A lone surrogate is no text: refused as unreadable or as a unit; everything else is an id like any other."""
    raw = f'{{"units":{{"visitor":"{visitor}"}}}}'.encode()
    before = rows(serving)
    for path in ("/v1/assignments", "/v1/decisions/home"):
        answer = call(serving, path, raw)
        assert answer.status in ((200, 400) if "\\ud8" in visitor or "\\udc" in visitor else (200,)), answer.body
    assert rows(serving) == before


def test_longest_unit__ten_kilobytes__is_an_id_like_any_other(serving: Edge):
    told = call(serving, "/v1/assignments", {"units": {"visitor": "x" * 10_240}}).json

    assert told["assignments"][0]["enrolled"]
    assert len(told["decision_token"]) < 2_000


@pytest.mark.parametrize(
    "body",
    [
        {"units": []},
        {"units": {"visitor": "v"}, "attributes": []},
        {"units": {"visitor": "v"}, "experiments": "button"},
        {"units": {"visitor": "v"}, "experiments": [1]},
        {"units": {"visitor": "v"}, "experiments": ["x"] * 1_001},
        {"units": {"visitor": "v"}, "personalised": "no"},
        {"units": {"visitor": "v"}, "unheard_of": 1},
        {},
    ],
)
def test_member_of_a_wrong_type__is_400_and_says_which(serving: Edge, body: object):
    for path in ("/v1/assignments", "/v1/decisions/home"):
        if path != "/v1/assignments" and isinstance(body, dict) and "experiments" in body:
            continue
        answer = call(serving, path, body)
        assert (answer.status, answer.json["code"]) == (400, "REQUEST_MALFORMED")


def test_decision__huge_and_wrong_numbers__are_400(serving: Edge):
    for size in (0, -1, 1_001, 2**63, 2**200, 1.5, "5", True):
        answer = call(serving, "/v1/decisions/home", {"units": {"visitor": "v"}, "size": size})
        assert (answer.status, answer.json["code"]) == (400, "REQUEST_MALFORMED"), size


def enrolments(edge: Edge, message_id: str) -> list[dict[str, Any]]:
    with psycopg.connect(str(edge.settings.database_url)) as connection:
        row = connection.execute(
            "SELECT enrolments FROM decisions_eventlog WHERE message_id = %s", (message_id,)
        ).fetchone()
    return row[0]


def test_tokens__forged_foreign_or_of_another_visitor__enrol_nobody(serving: Edge):
    token = call(serving, "/v1/assignments", {"units": {"visitor": "v-1"}}).json["decision_token"]
    middle = len(token) // 2
    changed = token[:middle] + ("A" if token[middle] != "A" else "B") + token[middle + 1 :]
    wrong = {
        "changed": (changed, "v-1"),
        "cut": (token[:-1], "v-1"),
        "twice": (token + token, "v-1"),
        "empty parts": ("..", "v-1"),
        "long": ("A" * 20_000, "v-1"),
        "not text": ("\u7c73.\u7c73", "v-1"),
        "of another": (token, "v-2"),
    }
    for number, (name, (text, visitor)) in enumerate(wrong.items()):
        sent = message(
            1_000 + number,
            anonymousId=visitor,
            event="Experiment Viewed",
            properties={"experiment": "experiment-1", "decision_token": text},
        )
        assert call(serving, "/v1/batch", {"batch": [sent]}).json["accepted"] == 1, name
        found = enrolments(serving, f"message-{1_000 + number}")
        assert all(one["reason"] is not None for one in found), (name, found)
        assert found, name


def test_token__sent_again__is_one_row(serving: Edge):
    token = call(serving, "/v1/assignments", {"units": {"visitor": "v-1"}}).json["decision_token"]
    sent = message(2_000, event="Experiment Viewed", properties={"experiment": "experiment-1", "decision_token": token})
    before = rows(serving)

    told = [call(serving, "/v1/batch", {"batch": [sent, sent]}).json for _ in range(3)]

    assert [(one["accepted"], one["duplicate"]) for one in told] == [(1, 1), (0, 2), (0, 2)]
    assert rows(serving) == before + 1


def test_key__revoked__is_refused_with_the_next_bundle(serving: Edge):
    url = str(serving.settings.database_url)
    keys = [key for key in companion()["api_keys"] if key["kind"] == "server"]
    assert call(serving, "/v1/assignments", {"units": {"visitor": "v-1"}}).status == 200

    publish(url, text_of(experiment(1), version=2, secrets=companion(api_keys=keys)))
    until = time.monotonic() + 30
    while call(serving, "/v1/assignments", {"units": {"visitor": "v-1"}}).status == 200:
        assert time.monotonic() < until, "a revoked key is still good after thirty seconds"
        time.sleep(0.02)

    assert call(serving, "/v1/assignments", {"units": {"visitor": "v-1"}}).status == 401
    assert call(serving, "/v1/batch", {"batch": [message(3_000)]}).status == 401
    assert call(serving, "/v1/assignments", {"units": {"visitor": "v-1"}}, key=SERVER_KEY).status == 200
