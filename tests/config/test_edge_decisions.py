"""`POST /v1/decisions/{decision_point}` on a real Postgres and a real Valkey: answers, reasons and the log."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import psycopg
import pytest
import redis

from config.edge import Edge
from config.local.embedded import Postgres, Shutdown, Valkey
from decisions.policy import Indices, Scores
from decisions.serving.feature_keys import bought_key, seen_key
from decisions.serving.settings import EdgeSettings
from decisions.serving.token import verify_token
from decisions.vocabulary import DecisionReason
from foundation.ids import format_api_key, hash_unit
from models_registry.predictors.popularity import Popularity
from tests.config.test_edge import Answer, call
from tests.decisions.published import (
    CLIENT_KEY,
    OUT_OF_STOCK,
    PEPPER,
    ab_point,
    catalogue_bytes,
    companion,
    decision_content,
    file_record,
    forget_files,
    message,
    model_record,
    point,
    policy,
    popularity_bytes,
    publish,
    publish_files,
    published,
)
from tests.experiments.assignment.builders import AT, arms, experiment

CATALOGUE, ARTIFACT = catalogue_bytes(), popularity_bytes()
RANKED = policy("model_ranked", version=12)
TREATED = experiment(1, variants=arms(0, 1_000_000))
HALVES = experiment(1)
BEST = ["item-28", "item-27", "item-26", "item-25", "item-24"]
BASIC = ["item-00", "item-01", "item-02", "item-04", "item-05"]
VISITOR = {"visitor": "v-1"}
HASHED = hash_unit(PEPPER, "visitor", "v-1")
NO_SCORES: Scores = np.array([], dtype=np.float32)
MakeEdge = Callable[..., Edge]


@pytest.fixture
def postgres(breakable_postgres: Postgres) -> Postgres:
    forget_files(breakable_postgres.url)
    return breakable_postgres


@pytest.fixture
def history(own_valkey: Valkey) -> Iterator[redis.Redis]:
    """Return a Valkey in which visitor v-1 has seen two items and bought one."""
    client = redis.Redis.from_url(own_valkey.url)
    client.zadd(seen_key(1, "visitor", HASHED), {"item-10": 1.0, "item-11": 2.0})
    client.zadd(bought_key(1, "visitor", HASHED), {"item-29": 1.0})
    yield client
    client.close()


@pytest.fixture
def make_edge(postgres: Postgres, tmp_path: Path) -> Iterator[MakeEdge]:
    """Return a function that starts an edge on that Postgres; each is closed after the test."""
    running: list[Edge] = []

    def make(redis_url: str | None = None, *, url: str | None = None, **changes: Any) -> Edge:
        settings = EdgeSettings(
            database_url=url or postgres.url,
            redis_url=redis_url,
            state_directory=tmp_path,
            **{"poll_seconds": 0.1, "feature_seconds": 1.0, **changes},
        )
        running.append(Edge(settings))
        running[-1].start()
        return running[-1]

    yield make
    for edge in running:
        edge.close()


def publish_point(
    postgres: Postgres,
    *experiments: dict[str, Any],
    at: dict[str, Any],
    version: int = 1,
    record: dict[str, Any] | None = None,
    files: tuple[bytes, ...] = (CATALOGUE, ARTIFACT),
    catalogue: dict[str, Any] | None = None,
) -> None:
    publish_files(postgres.url, *files)
    models = [record or model_record(12, ARTIFACT)]
    named = file_record(CATALOGUE) if catalogue is None else catalogue
    parts = {"points": [at], "models": models, "catalogue": named, "version": version}
    publish(postgres.url, published(decision_content(*experiments, **parts), companion()))


def ask(edge: Edge, units: dict[str, Any] | None = None, *, at: str = "home", **parts: Any) -> Answer:
    return call(edge, f"/v1/decisions/{at}", {"units": VISITOR if units is None else units} | parts)


def shown(answer: Answer) -> list[str]:
    return [action["item"] for action in answer.json["actions"]]


def decisions_of(postgres: Postgres, count: int) -> list[dict[str, Any]]:
    """Return the logged decisions by id, once there are so many."""
    deadline = time.monotonic() + 20
    while True:
        with psycopg.connect(postgres.url) as connection:
            found = connection.execute(
                "SELECT message_id, visitor, properties, enrolments, day, occurred_at, corrected_at"
                " FROM decisions_eventlog WHERE kind = 'decision' AND event IS NULL ORDER BY message_id"
            ).fetchall()
        if len(found) >= count or time.monotonic() > deadline:
            assert len(found) == count
            names = ("id", "visitor", "properties", "enrolments", "day", "occurred_at", "corrected_at")
            return [dict(zip(names, one, strict=True)) for one in found]
        time.sleep(0.02)


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
        "history": 2,
        "bundle_version": 8,
        "personalised": True,
        "unit_kind": "visitor",
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


def test_decisions__redis_gone__are_the_baseline_for_both_variants_and_quick(
    postgres: Postgres, make_edge: MakeEdge, own_valkey: Valkey, history: redis.Redis
) -> None:
    publish_point(postgres, HALVES, at=ab_point(RANKED))
    edge = make_edge(own_valkey.url)
    before = [ask(edge, {"visitor": f"v-{n}"}).json for n in range(20)]

    own_valkey.kill()
    during = [ask(edge, {"visitor": f"v-{n}"}).json for n in range(20)]

    assert {body["reason"] for body in during} == {"FEATURES_UNAVAILABLE"}
    assert {body["assignment"]["variant"] for body in during} == {"control", "arm-1"}
    assert [body["assignment"] for body in during] == [body["assignment"] for body in before]
    assert {tuple(action["item"] for action in body["actions"]) for body in during} == {tuple(BASIC)}
    assert all(body["decision_token"] for body in during)


def test_decisions__postgres_gone__answer_the_same_and_no_row_is_lost(
    postgres: Postgres, make_edge: MakeEdge, own_valkey: Valkey, history: redis.Redis
) -> None:
    publish_point(postgres, TREATED, at=ab_point(RANKED))
    edge = make_edge(own_valkey.url, stale_seconds=0.3)
    before = ask(edge, expose=True).json
    ids = {before["decision_id"]}
    decisions_of(postgres, 1)

    postgres.shut_down(Shutdown.IMMEDIATE)
    while not edge.runtime.is_stale():
        time.sleep(0.01)
    during = [ask(edge, expose=True).json for _ in range(30)]

    assert {(tuple(a["item"] for a in body["actions"]), body["reason"]) for body in during} == {(tuple(BEST), "MODEL")}
    assert {json.dumps(body["metadata"]) for body in during} == {'{"degraded": "BUNDLE_STALE"}'}
    ids |= {body["decision_id"] for body in during}
    log = edge.decisions.log
    deadline = time.monotonic() + 20
    while log.counts.spooled < 30 and time.monotonic() < deadline:
        time.sleep(0.01)
    assert log.counts.spooled == 30
    postgres.start()
    rows = decisions_of(postgres, 31)
    assert {row["id"] for row in rows} == ids
    assert log.counts.dropped == 0


def test_decisions__nothing_answers_from_the_start__come_from_the_files_of_this_machine(
    postgres: Postgres, make_edge: MakeEdge, own_valkey: Valkey, history: redis.Redis
) -> None:
    publish_point(postgres, TREATED, at=ab_point(RANKED))
    make_edge(own_valkey.url).close()

    edge = make_edge(own_valkey.url, url="postgresql://nobody@127.0.0.1:1/none")
    answer = ask(edge)

    assert (answer.json["source"], answer.json["reason"], shown(answer)) == ("file", "MODEL", BEST)


def test_decisions__closed_without_postgres__reach_the_log_through_the_next_process(
    postgres: Postgres, make_edge: MakeEdge
) -> None:
    publish_point(postgres, at=point(personal=False))
    make_edge().close()
    cut_off = make_edge(url="postgresql://nobody@127.0.0.1:1/none")
    asked = {ask(cut_off).json["decision_id"] for _ in range(10)}
    cut_off.close()

    make_edge()

    assert {row["id"] for row in decisions_of(postgres, 10)} == asked


def forged() -> dict[str, Any]:
    return {"record": model_record(12, ARTIFACT, seal="0" * 64)}


def misshapen() -> dict[str, Any]:
    raw = ARTIFACT.replace(b'\\"shape\\":[30]', b'\\"shape\\":[31]')
    return {"record": model_record(12, raw), "files": (CATALOGUE, raw)}


def unpublished() -> dict[str, Any]:
    return {"files": (CATALOGUE,)}


@pytest.mark.parametrize("situation", [forged, misshapen, unpublished])
def test_decisions__artifact_that_cannot_be_used__are_the_baseline_and_the_probe_says_why(
    postgres: Postgres,
    make_edge: MakeEdge,
    own_valkey: Valkey,
    history: redis.Redis,
    situation: Callable[[], dict[str, Any]],
) -> None:
    publish_point(postgres, TREATED, at=ab_point(RANKED), **situation())
    edge = make_edge(own_valkey.url)

    answer = ask(edge)
    ready = call(edge, "/healthz/ready", method="GET")

    assert (answer.json["reason"], shown(answer)) == ("MODEL_UNAVAILABLE", BASIC)
    assert answer.json["assignment"]["enrolled"]
    assert (ready.status, ready.json["ready"]) == (200, True)
    assert "model version 12" in ready.json["faults"][0]


def test_decisions__catalogue_that_is_nowhere__have_no_actions(postgres: Postgres, make_edge: MakeEdge) -> None:
    publish_point(postgres, at=point(personal=False), catalogue={"sha256": "0" * 64, "size": 1})

    answer = ask(make_edge())

    assert (answer.status, answer.json["reason"], shown(answer)) == (200, "CATALOGUE_MISSING", [])


def with_predictor(edge: Edge, score: Callable[[], Scores]) -> None:
    """Let version 12 of the live bundle score in another way."""

    class Scripted(Popularity):
        def score(self, history: Indices, candidates: Indices | None = None) -> Scores:
            return score()

    models = edge.runtime.live.by_project[1].equipment.models
    predictor = models[12].predictor
    assert isinstance(predictor, Popularity)
    edge.runtime.stop()
    object.__setattr__(
        edge.runtime.live.by_project[1].equipment,
        "models",
        {12: replace(models[12], predictor=Scripted(predictor.items, predictor.popularity))},
    )


def test_decisions__predictor_that_hangs__are_the_baseline_within_the_deadline_s_order_and_threads_stay_few(
    postgres: Postgres, make_edge: MakeEdge, own_valkey: Valkey, history: redis.Redis
) -> None:
    publish_point(postgres, TREATED, at=ab_point(RANKED, deadline_ms=30))
    edge = make_edge(own_valkey.url)
    released = threading.Event()
    with_predictor(edge, lambda: np.zeros(30, dtype=np.float32) if released.wait(60) else NO_SCORES)
    ask(edge, {"visitor": "new"})
    threads = threading.active_count()

    started = time.monotonic()
    answers = [ask(edge).json for _ in range(100)]
    took = time.monotonic() - started

    released.set()
    assert {(body["reason"], len(body["actions"])) for body in answers} == {("DEADLINE", 5)}
    assert took < 10, "a hundred answers of a predictor that takes a minute each"
    assert threading.active_count() <= threads + 4


def test_decisions__predictor_that_fails__are_the_baseline(
    postgres: Postgres, make_edge: MakeEdge, own_valkey: Valkey, history: redis.Redis
) -> None:
    publish_point(postgres, TREATED, at=ab_point(RANKED))
    edge = make_edge(own_valkey.url)
    with_predictor(edge, lambda: NO_SCORES[1:, 1])

    answer = ask(edge)

    assert (answer.json["reason"], shown(answer)) == ("MODEL_ERROR", BASIC)


def test_decisions__fault_nobody_foresaw__still_answers_the_storefront(
    postgres: Postgres, make_edge: MakeEdge, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish_point(postgres, at=point(personal=False))
    edge = make_edge()
    monkeypatch.setattr("config.edge_decisions.render_decision", lambda *_, **__: 1 / 0)

    answer = ask(edge)

    assert (answer.status, answer.json["actions"], answer.json["reason"]) == (200, [], "ENGINE_ERROR")


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
