"""Quotes over HTTP: the same for everybody in every process, and still there when Postgres is not."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from config.edge import Edge
from config.local.embedded import Postgres
from decisions.serving.offers import microseconds, write_prices
from decisions.serving.quotes import render_quotes
from tests.config.decision_edges import MakeEdge
from tests.config.edges import Answer, call, idle_edge, start_edge
from tests.decisions.published import (
    SERVER_KEY,
    catalogue_bytes,
    companion,
    decision_content,
    file_record,
    publish,
    publish_files,
    published,
)

QUOTES = "/v1/quotes"
VERIFY = "/v1/quotes/verify"
NOW = datetime.now(UTC)
ROWS = [
    ("item-00", 19_990_000, microseconds(NOW - timedelta(days=1)), None),
    ("item-01", 5_000_000, microseconds(NOW - timedelta(days=2)), microseconds(NOW - timedelta(days=1))),
    ("item-01", 4_500_000, microseconds(NOW - timedelta(days=1)), microseconds(NOW + timedelta(days=1))),
    ("item-01", 5_500_000, microseconds(NOW + timedelta(days=1)), None),
]
HEADERS = st.dictionaries(
    st.sampled_from(["HTTP_USER_AGENT", "HTTP_COOKIE", "HTTP_X_FORWARDED_FOR", "HTTP_ACCEPT_LANGUAGE"]),
    st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=40),
)


def bundle_text(prices: bytes, *, version: int = 1, **secrets: Any) -> Any:
    parts = {"prices": file_record(prices)}
    content = decision_content(catalogue=file_record(catalogue_bytes()), version=version) | parts
    return published(content, companion(**secrets))


@pytest.fixture
def offered(postgres: Postgres) -> Postgres:
    """Return a Postgres with a bundle that has prices."""
    prices = write_prices(ROWS)
    publish_files(postgres.url, prices, catalogue_bytes())
    publish(postgres.url, bundle_text(prices))
    return postgres


@pytest.fixture
def edge(offered: Postgres, make_edge: MakeEdge) -> Edge:
    return make_edge()


@pytest.fixture
def twins(offered: Postgres, tmp_path: Path) -> Iterator[tuple[Edge, Edge]]:
    """Return two processes' edges with the same bundle, each with files of its own."""
    both = tuple(start_edge(offered.url, tmp_path / name) for name in ("one", "other"))
    yield both[0], both[1]
    for edge in both:
        edge.close()


def ask(edge: Edge, *items: str, **more: Any) -> Answer:
    return call(edge, QUOTES, {"items": list(items), **more})


def test_quotes__with_a_client_key__are_the_prices_of_now(edge: Edge) -> None:
    answer = ask(edge, "item-00", "item-01", "item-02", "nothing")
    assert answer.status == 200
    told = answer.json["quotes"]
    assert [entry.get("price") for entry in told] == [19.99, 4.5, None, None]
    assert [entry.get("reason") for entry in told] == [None, None, "NO_PRICE", "UNKNOWN_ITEM"]
    assert answer.json["bundle_version"] == 1
    assert answer.json["metadata"] == {}
    assert answer.headers["Cache-Control"] == "no-store"


def test_verify__quote_of_this_or_another_process__is_honoured(twins: tuple[Edge, Edge]) -> None:
    one, other = twins
    quote = ask(one, "item-00").json["quotes"][0]["quote"]
    for key in (None, SERVER_KEY):
        answer = call(other, VERIFY, {"quote": quote}, **({} if key is None else {"key": key}))
        assert (answer.status, answer.json["honoured"], answer.json["price"]) == (200, True, 19.99)
    refused = call(other, VERIFY, {"quote": quote[:-2]})
    assert (refused.status, refused.json) == (200, {"honoured": False, "reason": "FORGED"})


@given(HEADERS, HEADERS)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_quotes__two_processes_and_any_two_visitors__are_equal(
    twins: tuple[Edge, Edge], first: Any, second: Any
) -> None:
    one, other = twins
    items = ["item-00", "item-01", "item-02"]
    answers = [call(edge, QUOTES, {"items": items}, **headers) for edge, headers in ((one, first), (other, second))]
    prices = [[entry.get("price") for entry in answer.json["quotes"]] for answer in answers]
    assert prices[0] == prices[1] == [19.99, 4.5, None]


@given(st.timedeltas(timedelta(days=-3), timedelta(days=3)))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_quotes__two_processes_at_any_time__are_equal_to_the_byte(twins: tuple[Edge, Edge], away: timedelta) -> None:
    texts = [
        render_quotes(["item-00", "item-01"], edge.runtime.live.by_project[1], at=NOW + away, metadata={})
        for edge in twins
    ]
    assert texts[0] == texts[1]


@pytest.mark.parametrize("name", ["visitor", "units", "attributes", "customer"])
def test_quotes__body_that_tells_of_the_shopper__is_refused(edge: Edge, name: str) -> None:
    answer = ask(edge, "item-00", **{name: {"visitor": "v-1"}})
    assert (answer.status, answer.json["code"]) == (400, "PERSONAL_DATA_REFUSED")


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"{", 400, "QUOTE_REQUEST_MALFORMED"),
        ({"items": []}, 400, "QUOTE_REQUEST_MALFORMED"),
        ({"items": ["item-00"], "currency": None}, 400, "QUOTE_REQUEST_MALFORMED"),
        ({"items": ["item-00"], "currency": "EUR"}, 422, "CURRENCY_MISMATCH"),
    ],
)
def test_quotes__bad_body__is_refused(edge: Edge, body: object, status: int, code: str) -> None:
    answer = call(edge, QUOTES, body)
    assert (answer.status, answer.json["code"]) == (status, code)


@pytest.mark.parametrize("path", [QUOTES, VERIFY])
def test_quotes__without_a_key_or_with_another_method__are_refused(edge: Edge, path: str) -> None:
    assert call(edge, path, {"items": ["item-00"]}, key=None).status == 401
    assert call(edge, path, method="GET").status == 405


def test_quotes__before_any_bundle__have_no_price_and_cannot_be_verified(tmp_path: Path) -> None:
    edge = idle_edge(tmp_path)
    answer = ask(edge, "item-00")
    assert (answer.status, answer.json["quotes"]) == (200, [{"item": "item-00", "reason": "BUNDLE_MISSING"}])
    assert (call(edge, VERIFY, {"quote": "a.b"}).status, call(edge, VERIFY, {"quote": "a.b"}).json["code"]) == (
        503,
        "QUOTES_UNAVAILABLE",
    )


def test_quotes__restarted_without_postgres__are_those_that_were_last_known(edge: Edge, make_edge: MakeEdge) -> None:
    assert edge.runtime.status().faults == ()
    again = make_edge(url="postgresql://nobody@127.0.0.1:1/none")
    answer = ask(again, "item-00")
    assert answer.json["quotes"][0]["price"] == 19.99
    assert answer.json["metadata"] == {"degraded": "BUNDLE_STALE"}
    quote = answer.json["quotes"][0]["quote"]
    assert call(edge, VERIFY, {"quote": quote}).json["honoured"]


def test_quotes__prices_that_cannot_be_read__leave_the_rest_of_the_bundle(
    postgres: Postgres, make_edge: MakeEdge
) -> None:
    damaged = json.dumps({"schema": 1, "items": ["item-00"]}).encode()
    publish_files(postgres.url, damaged, catalogue_bytes())
    publish(postgres.url, bundle_text(damaged))
    edge = make_edge()
    assert ask(edge, "item-00").json["quotes"] == [{"item": "item-00", "reason": "NO_PRICE"}]
    (fault,) = edge.runtime.status().faults
    assert "PRICES_MALFORMED" in fault


def test_quotes__nothing_heard_for_longer_than_they_are_honoured__are_none(
    offered: Postgres, make_edge: MakeEdge
) -> None:
    prices = write_prices(ROWS)
    hasty = {"kind": "SIMULATION", "origin": NOW.isoformat(), "speed": 36_000.0, "started_at": NOW.isoformat()}
    publish(offered.url, bundle_text(prices, version=2, clock=hasty))
    edge = make_edge()
    assert "price" in ask(edge, "item-00").json["quotes"][0]
    again = make_edge(url="postgresql://nobody@127.0.0.1:1/none")
    while again.runtime.silence() * 36_000.0 <= 30 * 60:
        assert again.runtime.is_stale()
    answer = ask(again, "item-00")
    assert answer.json["quotes"] == [{"item": "item-00", "reason": "BUNDLE_STALE"}]
    assert answer.json["metadata"] == {"degraded": "BUNDLE_STALE"}
