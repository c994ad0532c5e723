"""The OpenFeature routes of the edge: statuses, bodies, tags and headers. No servers are needed."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from config.edge import Edge
from config.edge.flags import PATH, PREFIX
from config.local.embedded import Postgres
from decisions.serving.settings import EdgeSettings
from decisions.serving.store import BundleFile
from decisions.serving.token import verify_token
from tests.config.edges import call, idle_edge, log_of, start_edge
from tests.decisions.published import CLIENT_KEY, SERVER_KEY, companion, message, publish, published
from tests.experiments.assignment.builders import AT, content
from tests.experiments.assignment.flag_builders import flag, setting

FLAGS = [
    flag("price", "FLOAT", 20),
    flag("title", "STRING", "Hello"),
    flag("columns", "INTEGER", 3),
    flag("layout", "OBJECT", {"dense": False}),
    flag("search"),
]
DESIGNS = (
    setting(1, {}, {"price": 25, "title": "Hi", "columns": 4}),
    setting(2, {}, {"layout": {"dense": True}}, status="PAUSED"),
)
VISITOR = {"context": {"targetingKey": "v-1", "country": "DE"}}


@pytest.fixture
def edge(tmp_path: Path) -> Iterator[Edge]:
    """Return an edge that serves five flags from its last-known-good file."""
    BundleFile(tmp_path).write([published(content(*DESIGNS, version=12) | {"flags": FLAGS}, companion())])
    edge = Edge(EdgeSettings(database_url=None, redis_url=None, state_directory=tmp_path))
    edge.runtime.start()
    yield edge
    edge.close()


def test_all__visitor__is_every_flag_with_a_tag_and_open_to_browsers(edge: Edge) -> None:
    answer = call(edge, PATH, VISITOR)
    assert answer.status == 200
    assert {found["key"]: type(found["value"]) for found in answer.json["flags"]} == {
        "price": float,
        "title": str,
        "columns": int,
        "layout": dict,
        "search": bool,
    }
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.headers["ETag"].startswith('W/"')
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert {"ETag", "Retry-After"} <= set(answer.headers["Access-Control-Expose-Headers"].split(", "))
    assert answer.headers["Cache-Control"] == "no-store"


def test_all__tag_sent_back__is_304_for_this_context_and_no_other(edge: Edge) -> None:
    tag = call(edge, PATH, VISITOR).headers["ETag"]
    for named in (tag, tag.removeprefix("W/"), f'"other", {tag}'):
        answer = call(edge, PATH, VISITOR, HTTP_IF_NONE_MATCH=named)
        assert (answer.status, answer.body, answer.headers["ETag"]) == (304, b"", tag)
        assert "Content-Type" not in answer.headers
    other = {"context": {"targetingKey": "v-1", "country": "FR"}}
    for body, named in ((other, tag), (VISITOR, '"other"'), (VISITOR, "*"), (VISITOR, "")):
        assert call(edge, PATH, body, HTTP_IF_NONE_MATCH=named).status == 200


def test_all__members_in_another_order__have_the_same_tag(edge: Edge) -> None:
    turned = {"context": {"country": "DE", "targetingKey": "v-1"}}
    assert call(edge, PATH, turned).headers["ETag"] == call(edge, PATH, VISITOR).headers["ETag"]


def test_all__asked_twice__is_two_decisions_and_one_answer(edge: Edge) -> None:
    first, second = (call(edge, PATH, VISITOR).json for _ in range(2))
    assert first["metadata"]["decision_id"] != second["metadata"]["decision_id"]
    values = [{found["key"]: found["value"] for found in body["flags"]} for body in (first, second)]
    assert values[0] == values[1]


def test_one__each_flag__is_what_all_at_once_says(edge: Edge) -> None:
    for found in call(edge, PATH, VISITOR).json["flags"]:
        answer = call(edge, PREFIX + found["key"], VISITOR)
        assert answer.status == 200
        assert {name: answer.json[name] for name in ("key", "value", "variant", "reason")} == {
            name: found[name] for name in ("key", "value", "variant", "reason")
        }
        assert "ETag" not in answer.headers


def test_one__enrolled__token_is_good_and_both_kinds_of_key_may_ask(edge: Edge) -> None:
    for key in (CLIENT_KEY, SERVER_KEY):
        metadata = call(edge, f"{PREFIX}price", VISITOR, key=key).json["metadata"]
        bundle = edge.runtime.live.by_project[1]
        token = verify_token(
            metadata["decision_token"],
            project_id=1,
            keys=bundle.signing_keys,
            now=AT,
            age=edge.settings.token_age,
        )
        assert token.decision_id == metadata["decision_id"]
        assert [entry.experiment_key for entry in token.entries] == [metadata["experiment"]]


def test_one__key_of_no_flag__is_404_with_the_key(edge: Edge) -> None:
    for key in ("gone", "价格", 'a"b', "x" * 5_000, "price/more"):
        answer = call(edge, PREFIX + key, VISITOR)
        assert (answer.status, answer.json["errorCode"]) == (404, "FLAG_NOT_FOUND")
        assert key.startswith(answer.json["key"])
        assert answer.json["errorDetails"]
        assert answer.headers["Content-Type"] == "application/json"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "PARSE_ERROR"),
        (b"{", "PARSE_ERROR"),
        (b'{"context":' + b'{"a":' * 1_000 + b"1" + b"}" * 1_001, "PARSE_ERROR"),
        (b'{"context":{"targetingKey":"\\ud800"}}', "PARSE_ERROR"),
        (b" " * 1_000_001, "PARSE_ERROR"),
        ({}, "INVALID_CONTEXT"),
        ([], "INVALID_CONTEXT"),
        ({"context": "v-1"}, "INVALID_CONTEXT"),
        (b'{"context":{"orders":1e400}}', "INVALID_CONTEXT"),
        ({"context": {"targetingKey": 5}}, "INVALID_CONTEXT"),
        ({"context": {"targetingKey": "x" * 20_000}}, "INVALID_CONTEXT"),
        ({"context": {"targetingKey": "a\0b"}}, "INVALID_CONTEXT"),
        ({"context": {"personalised": 0}}, "INVALID_CONTEXT"),
    ],
)
def test_context_at_fault__is_400_in_the_words_of_the_protocol(edge: Edge, body: object, code: str) -> None:
    single, bulk = call(edge, f"{PREFIX}price", body), call(edge, PATH, body)
    assert (single.status, single.json["key"], single.json["errorCode"]) == (400, "price", code)
    assert (bulk.status, bulk.json["errorCode"]) == (400, code)
    for answer in (single, bulk):
        assert answer.json["errorDetails"]
        assert answer.headers["Content-Type"] == "application/json"
        assert "ETag" not in answer.headers


def test_body_damaged_or_in_another_encoding__is_400_in_the_words_of_the_protocol(edge: Edge) -> None:
    for encoding in ("gzip", "br"):
        answer = call(edge, f"{PREFIX}price", b"nonsense", HTTP_CONTENT_ENCODING=encoding)
        assert (answer.status, answer.json["errorCode"]) == (400, "PARSE_ERROR")


def test_visitor_missing__is_an_error_only_where_a_flag_needs_one(edge: Edge) -> None:
    nobody: dict[str, Any] = {"context": {}}
    answer = call(edge, f"{PREFIX}price", nobody)
    assert (answer.status, answer.json["errorCode"]) == (400, "TARGETING_KEY_MISSING")
    assert answer.json["errorDetails"]
    assert call(edge, f"{PREFIX}search", nobody).json["value"] is False
    assert call(edge, f"{PREFIX}layout", nobody).json["reason"] == "DISABLED"
    bulk = call(edge, PATH, nobody)
    assert bulk.status == 200
    failed = {found["key"] for found in bulk.json["flags"] if "errorCode" in found}
    assert failed == {"price", "title", "columns"}


@pytest.mark.parametrize("path", [PATH, f"{PREFIX}price"])
def test_key_unknown__is_401_with_a_challenge_and_no_problem_document(edge: Edge, path: str) -> None:
    for key in (None, "nonsense"):
        answer = call(edge, path, VISITOR, key=key)
        assert answer.status == 401
        assert "WWW-Authenticate" in answer.headers
        assert answer.headers["Content-Type"] == "application/json"
        assert "flags" not in answer.json


@pytest.mark.parametrize("path", [PATH, f"{PREFIX}price"])
def test_preflight__browser_asks_before_it_sends__may_send_tag_and_key(edge: Edge, path: str) -> None:
    answer = call(edge, path, key=None, method="OPTIONS")
    assert answer.status == 204
    allowed = set(answer.headers["Access-Control-Allow-Headers"].split(", "))
    assert {"If-None-Match", "Content-Type", "Authorization", "X-API-Key"} <= allowed


def test_slash_at_the_end__is_no_route(edge: Edge) -> None:
    assert call(edge, PREFIX, VISITOR).status == 404


def test_no_bundle__is_503_so_that_clients_take_what_they_have(tmp_path: Path) -> None:
    edge = idle_edge(tmp_path)
    for path in (PATH, f"{PREFIX}price"):
        answer = call(edge, path, VISITOR)
        assert (answer.status, answer.json["errorCode"]) == (503, "GENERAL")
        assert answer.json["errorDetails"]
        assert answer.headers["Retry-After"].isdigit()
        assert call(edge, path, VISITOR, key="nonsense").status == 401


def test_fault_in_the_engine__is_the_default_with_200(edge: Edge, caplog: pytest.LogCaptureFixture) -> None:
    object.__setattr__(edge.runtime.live.by_project[1], "signing_keys", ())
    with caplog.at_level("ERROR"):
        single, bulk = call(edge, f"{PREFIX}price", VISITOR), call(edge, PATH, VISITOR)
    assert (single.status, single.json["value"], single.json["reason"]) == (200, 20.0, "UNKNOWN")
    assert single.json["metadata"]["reason"] == "ENGINE_ERROR"
    assert bulk.status == 200
    assert {found["key"]: found["value"] for found in bulk.json["flags"]} == {
        entry["key"]: entry["default"] for entry in FLAGS
    }
    assert "ETag" not in bulk.headers
    assert len(caplog.records) == 2


def test_new_bundle__is_served_at_once_under_another_tag(edge: Edge, tmp_path: Path) -> None:
    before = call(edge, PATH, VISITOR).headers["ETag"]
    fewer = content(*DESIGNS, version=13) | {"flags": FLAGS[:1]}
    BundleFile(tmp_path).write([published(fewer, companion())])
    edge.runtime._load_file()
    answer = call(edge, PATH, VISITOR, HTTP_IF_NONE_MATCH=before)
    assert (answer.status, [found["key"] for found in answer.json["flags"]]) == (200, ["price"])


def test_exposure__token_of_all_flags__enrols_the_experiment_that_is_named_and_evaluating_enrols_nobody(
    breakable_postgres: Postgres, tmp_path: Path
) -> None:
    designs = (setting(1, {}, {"price": 25}), setting(2, {}, {"search": True}))
    publish(breakable_postgres.url, published(content(*designs) | {"flags": FLAGS}, companion()))
    edge = start_edge(breakable_postgres.url, tmp_path)
    try:
        found = {one["key"]: one["metadata"] for one in call(edge, PATH, VISITOR).json["flags"]}
        assert log_of(breakable_postgres) == []
        shown = {"decision_token": found["price"]["decision_token"], "experiment": found["price"]["experiment"]}
        exposure = message(1, event="Experiment Viewed", properties=shown)
        assert call(edge, "/v1/batch", {"batch": [exposure]}).json["accepted"] == 1
        (enrolment,) = log_of(breakable_postgres)[0][5]
        assert (enrolment["experiment"], enrolment["verification"], enrolment["reason"]) == (1, "TOKEN", None)
    finally:
        edge.close()


def test_metrics__requests__are_counted_by_route_whatever_the_key(edge: Edge) -> None:
    for key in ("price", "gone", "other"):
        call(edge, PREFIX + key, VISITOR)
    call(edge, PATH, VISITOR)
    lines = call(edge, "/metrics", key=None, method="GET").body.decode()
    assert 'tiltyard_requests_total{route="/ofrep/v1/evaluate/flags/{key}",status="404"} 2.0' in lines
    assert 'tiltyard_requests_total{route="/ofrep/v1/evaluate/flags/{key}",status="200"} 1.0' in lines
    assert 'tiltyard_requests_total{route="/ofrep/v1/evaluate/flags",status="200"} 1.0' in lines
    assert json.dumps("gone") not in lines
