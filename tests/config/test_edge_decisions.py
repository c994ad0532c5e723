"""`POST /v1/decisions/{decision_point}` on a real Postgres and a real Valkey: answers, reasons and the log."""

import time
from typing import Any

import psycopg
import pytest
import redis

from config.local.embedded import Postgres, Valkey
from decisions.serving.token import verify_token
from decisions.vocabulary import DecisionReason
from foundation.ids import format_api_key
from tests.config.decision_edges import (
    BASIC,
    BEST,
    HASHED,
    RANKED,
    TREATED,
    MakeEdge,
    ask,
    decisions_of,
    publish_point,
    shown,
)
from tests.config.edges import call
from tests.decisions.published import (
    CLIENT_KEY,
    OUT_OF_STOCK,
    ab_point,
    message,
    point,
)
from tests.experiments.assignment.builders import AT, experiment


def test_decisions__known_visitor_in_the_model_s_variant__gets_its_slate_and_a_token(
    postgres: Postgres, make_edge: MakeEdge, own_valkey: Valkey, history: redis.Redis
) -> None:
    publish_point(postgres, TREATED, at=ab_point(RANKED))
    edge = make_edge(own_valkey.url)

    answer = ask(edge)

    body = answer.json
    assert (answer.status, body["policy"], body["reason"], shown(answer)) == (200, "model_ranked", "MODEL", BEST)
    assert (body["model"], body["exposed"], body["metadata"]) == ({"key": "home-ranker", "version": 3}, False, {})
    token = verify_token(
        body["decision_token"],
        project_id=1,
        keys=edge.runtime.live.by_project[1].signing_keys,
        now=AT,
        age=edge.settings.token_age,
    )
    assert (token.units, token.decision_id) == ({"visitor": HASHED}, body["decision_id"])
    assert [(entry.variant, entry.model_version) for entry in token.entries] == [("arm-1", 12)]


def test_decisions__every_decision__is_a_row_of_the_log(
    postgres: Postgres, make_edge: MakeEdge, own_valkey: Valkey, history: redis.Redis
) -> None:
    publish_point(postgres, TREATED, at=ab_point(RANKED, slate_size=2), version=8)
    body = ask(make_edge(own_valkey.url)).json

    (row,) = decisions_of(postgres, 1)

    assert (row["id"], row["visitor"], row["enrolments"]) == (body["decision_id"], HASHED, None)
    assert row["occurred_at"] == row["corrected_at"]
    assert row["day"] == row["occurred_at"].date()
    assert row["properties"].pop("microseconds") > 0
    assert row["properties"] == {
        "decision_point": "home",
        "policy": "model_ranked",
        "reason": "MODEL",
        "experiment": "experiment-1",
        "variant": "arm-1",
        "epoch": 1,
        "enrolled": True,
        "assignment_reason": "SPLIT",
        "version": 12,
        "actions": [["item-28", 1.0, 28.0], ["item-27", 1.0, 27.0]],
        "candidates": 28,
        "removed": {"already_bought": 1, "out_of_stock": 1},
        "history": 2,
        "history_items": ["item-11", "item-10"],
        "bundle_version": 8,
        "personalised": True,
        "unit_kind": "visitor",
        "displayed": False,
        "exposed": False,
        "degraded": None,
    }


def test_decisions__expose__enrols_in_the_row_and_a_later_exposure_by_token_agrees(
    postgres: Postgres, make_edge: MakeEdge, own_valkey: Valkey, history: redis.Redis
) -> None:
    publish_point(postgres, TREATED, at=ab_point(RANKED))
    edge = make_edge(own_valkey.url)

    body = ask(edge, expose=True).json
    again = ask(edge, expose=True).json
    shown_later = message(1, event="Experiment Viewed", properties={"decision_token": body["decision_token"]})
    assert call(edge, "/v1/track", shown_later).status == 202

    rows = decisions_of(postgres, 2)
    assert body["exposed"]
    assert {row["id"] for row in rows} == {body["decision_id"], again["decision_id"]}
    for row in rows:
        assert row["enrolments"] == [
            {
                "experiment": 1,
                "variant": "arm-1",
                "epoch": 1,
                "probability": 1.0,
                "slots": body["assignment"]["slots"],
                "unit": HASHED,
                "unit_kind": "visitor",
                "verification": "DECIDED",
                "reason": None,
            }
        ]
    with psycopg.connect(postgres.url) as connection:
        found = connection.execute("SELECT enrolments FROM decisions_eventlog WHERE kind = 'track'").fetchone()
    assert found is not None
    assert found[0] == [rows[0]["enrolments"][0] | {"verification": "TOKEN"}]


def test_decisions__expose_with_attributes__keeps_those_that_the_project_allows(
    postgres: Postgres, make_edge: MakeEdge
) -> None:
    publish_point(postgres, TREATED, at=ab_point(RANKED, personal=False))
    sent = {"country": "DE", "evil": "x", "deep": {"a": 1}}

    body = ask(make_edge(), expose=True, attributes=sent).json

    assert body["exposed"]
    (row,) = decisions_of(postgres, 1)
    assert row["properties"]["attributes"] == {"country": "DE"}


def test_decisions__expose_from_a_browser__keeps_its_family_where_the_project_allows_it(
    postgres: Postgres, make_edge: MakeEdge
) -> None:
    point = ab_point(RANKED, personal=False)
    publish_point(postgres, TREATED, at=point, attributes=("country", "browser"))
    asked = {"units": {"visitor": "visitor-1"}, "expose": True, "attributes": {"country": "DE"}}
    agent = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"

    call(make_edge(), "/v1/decisions/home", asked, HTTP_USER_AGENT=agent)

    (row,) = decisions_of(postgres, 1)
    assert row["properties"]["attributes"] == {"browser": "firefox", "country": "DE"}


def test_decisions__expose_without_an_enrolment__exposes_nobody(postgres: Postgres, make_edge: MakeEdge) -> None:
    publish_point(postgres, experiment(1, coverage=0), at=ab_point(RANKED, personal=False))

    body = ask(make_edge(), expose=True).json

    assert (body["exposed"], body["decision_token"]) == (False, None)
    (row,) = decisions_of(postgres, 1)
    assert (row["enrolments"], row["properties"]["exposed"]) == (None, False)


@pytest.mark.parametrize(
    ("units", "reason"),
    [({}, "UNIT_MISSING"), ({"visitor": 5}, "UNIT_INVALID"), ({"visitor": "nul\0"}, "UNIT_INVALID")],
)
def test_decisions__no_valid_unit__are_answered_and_logged_without_one(
    postgres: Postgres, make_edge: MakeEdge, own_valkey: Valkey, units: dict[str, Any], reason: str
) -> None:
    publish_point(postgres, TREATED, at=ab_point(RANKED))

    answer = ask(make_edge(own_valkey.url), units, expose=True)

    assert (answer.status, shown(answer), answer.json["assignment"]["reason"]) == (200, BASIC, reason)
    (row,) = decisions_of(postgres, 1)
    assert (row["visitor"], row["properties"]["enrolled"]) == (None, False)


def test_decisions__point_that_decides_in_batches__is_a_problem_and_nothing_is_logged(
    postgres: Postgres, make_edge: MakeEdge
) -> None:
    batches = point(key="prices", domain="pricing", personal=False, slate_size=1, largest_slate=1)
    publish_point(postgres, at=batches)
    edge = make_edge()

    answer = ask(edge, at="prices")

    assert (answer.status, answer.json["code"]) == (409, "DECIDED_IN_BATCHES")
    assert "GET /api/v1/batches?point=prices" in answer.json["detail"]
    edge.close()
    assert decisions_of(postgres, 0) == []


def test_decisions__unknown_point__is_a_problem_and_nothing_is_logged(postgres: Postgres, make_edge: MakeEdge) -> None:
    publish_point(postgres, at=point())
    edge = make_edge()

    for at in ("nowhere", "home/", "%00", "HOME"):
        answer = ask(edge, at=at)
        assert (answer.status, answer.json["code"]) == (404, "DECISION_POINT_UNKNOWN")
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert call(edge, "/v1/decisions/", {"units": {}}).json["code"] == "ROUTE_UNKNOWN"
    edge.close()
    assert decisions_of(postgres, 0) == []


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", {}, {"units": {}, "surprise": 1}, {"units": {}, "size": 0}, {"units": {}, "size": 21}]
)
def test_decisions__body_at_fault__answers_400_with_what_to_send(
    postgres: Postgres, make_edge: MakeEdge, body: object
) -> None:
    publish_point(postgres, at=point())

    answer = call(make_edge(), "/v1/decisions/home", body)

    assert (answer.status, answer.json["code"]) == (400, "REQUEST_MALFORMED")
    assert "recent_items" in answer.json["hint"]
    if isinstance(body, dict) and "size" in body:
        assert "1 to 20" in answer.json["detail"]


@pytest.mark.parametrize("key", [None, "nonsense", format_api_key("client", b"x" * 32)])
def test_decisions__without_a_valid_key__answer_401(postgres: Postgres, make_edge: MakeEdge, key: str | None) -> None:
    publish_point(postgres, at=point())

    answer = call(make_edge(), "/v1/decisions/home", {"units": {}}, key=key)

    assert (answer.status, answer.json["code"]) == (401, "API_KEY_UNKNOWN")


def test_decisions__methods_and_preflight__are_like_those_of_the_other_routes(
    postgres: Postgres, make_edge: MakeEdge
) -> None:
    publish_point(postgres, at=point())
    edge = make_edge()

    preflight = call(edge, "/v1/decisions/home", key=None, method="OPTIONS")
    other = call(edge, "/v1/decisions/home", method="GET")

    assert (preflight.status, preflight.headers["Access-Control-Allow-Origin"]) == (204, "*")
    assert (other.status, other.headers["Allow"]) == (405, "POST, OPTIONS")


def test_decisions__no_bundle_yet__are_empty_with_a_reason(make_edge: MakeEdge) -> None:
    edge = make_edge(url="postgresql://nobody@127.0.0.1:1/none")

    answer = ask(edge)

    body = answer.json
    assert (answer.status, body["actions"], body["reason"], body["decision_point"]) == (
        200,
        [],
        "BUNDLE_MISSING",
        "home",
    )
    assert body["metadata"] == {"degraded": "BUNDLE_MISSING"}
    assert call(edge, "/v1/decisions/home", {"units": {}}, key="nonsense").status == 401


def test_decisions__personalisation_off__is_the_baseline_and_asks_redis_nothing(
    postgres: Postgres, make_edge: MakeEdge
) -> None:
    publish_point(postgres, TREATED, at=ab_point(RANKED))

    answer = ask(make_edge("redis://127.0.0.1:1/0"), personalised=False, expose=True)

    assert (answer.json["reason"], shown(answer), answer.json["exposed"]) == ("PERSONALISATION_OFF", BASIC, False)
    (row,) = decisions_of(postgres, 1)
    assert (row["properties"]["personalised"], row["enrolments"]) == (False, None)


def test_decisions__filters_and_unknown_items__are_told(
    postgres: Postgres, make_edge: MakeEdge, own_valkey: Valkey, history: redis.Redis
) -> None:
    publish_point(postgres, TREATED, at=ab_point(RANKED))
    edge = make_edge(own_valkey.url)

    picked = ask(
        edge,
        candidates=["item-29", "item-28", "item-05", OUT_OF_STOCK, "nowhere"],
        context={"recent_items": ["item-01"], "exclude": ["item-28"]},
    )
    empty = ask(edge, candidates=[])

    assert (shown(picked), picked.json["metadata"]) == (["item-05"], {"unknown_items": 1})
    assert (shown(empty), empty.json["reason"], empty.json["assignment"]["enrolled"]) == ([], "CANDIDATES_EMPTY", True)


def test_decisions__visitor_without_a_history__is_the_baseline_and_counts_for_the_variant(
    postgres: Postgres, make_edge: MakeEdge, own_valkey: Valkey
) -> None:
    publish_point(postgres, TREATED, at=ab_point(RANKED))

    answer = ask(make_edge(own_valkey.url), {"visitor": "new"}, expose=True)

    assert (answer.json["reason"], answer.json["policy"], shown(answer)) == ("HISTORY_EMPTY", "baseline", BASIC)
    (row,) = decisions_of(postgres, 1)
    assert (row["enrolments"][0]["variant"], row["properties"]["version"]) == ("arm-1", 12)


def test_decisions__champion_of_the_next_bundle__serves_at_once(
    postgres: Postgres, make_edge: MakeEdge, own_valkey: Valkey, history: redis.Redis
) -> None:
    publish_point(postgres, at=point())
    edge = make_edge(own_valkey.url)
    assert (ask(edge).json["reason"], ask(edge).json["assignment"]) == ("BASELINE", None)

    publish_point(postgres, at=point(champions=[{"version": 12, "audience": None, "unit_kind": None}]), version=2)
    deadline = time.monotonic() + 15
    while edge.runtime.live.by_project[1].version < 2 and time.monotonic() < deadline:
        time.sleep(0.01)

    assert (ask(edge).json["reason"], shown(ask(edge))) == ("MODEL", BEST)


def test_metrics__after_some_decisions__count_reasons_and_rows(postgres: Postgres, make_edge: MakeEdge) -> None:
    publish_point(postgres, at=point(personal=False))
    edge = make_edge()
    for _ in range(3):
        ask(edge)
    ask(edge, candidates=[])
    ask(edge, at="nowhere")
    decisions_of(postgres, 4)

    text = call(edge, "/metrics", key=None, method="GET").body.decode()
    lines = dict(line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))

    counted = 'tiltyard_decisions_total{decision_point="home",project="shop",reason="%s"}'
    assert float(lines[counted % DecisionReason.BASELINE]) == 3
    assert float(lines[counted % DecisionReason.CANDIDATES_EMPTY]) == 1
    assert float(lines['tiltyard_requests_total{route="/v1/decisions/{decision_point}",status="404"}']) == 1
    assert float(lines['tiltyard_decision_rows_total{state="received"}']) == 4
    assert float(lines['tiltyard_decision_rows_total{state="dropped"}']) == 0
    assert float(lines["tiltyard_decision_spool_bytes"]) == 0
    assert CLIENT_KEY not in text
