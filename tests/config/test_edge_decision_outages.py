"""`POST /v1/decisions/{decision_point}` when parts are missing or fail: the baseline answers, and no row is lost."""

import json
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import redis

from config.edge import Edge
from config.local.embedded import Postgres, Shutdown, Valkey
from decisions.policy import Indices, Scores
from models_registry.predictors.popularity import Popularity
from tests.config.decision_edges import (
    ARTIFACT,
    BASIC,
    BEST,
    CATALOGUE,
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
    ab_point,
    model_record,
    point,
)
from tests.experiments.assignment.builders import experiment

HALVES = experiment(1)


NO_SCORES: Scores = np.array([], dtype=np.float32)


def forged() -> dict[str, Any]:
    return {"record": model_record(12, ARTIFACT, seal="0" * 64)}


def misshapen() -> dict[str, Any]:
    raw = ARTIFACT.replace(b'\\"shape\\":[30]', b'\\"shape\\":[31]')
    return {"record": model_record(12, raw), "files": (CATALOGUE, raw)}


def unpublished() -> dict[str, Any]:
    return {"files": (CATALOGUE,)}


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
    met = [(body["reason"], len(body["actions"])) for body in answers]
    assert met == [("DEADLINE", 5)] * 5 + [("CIRCUIT_OPEN", 5)] * 95
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
    monkeypatch.setattr("config.edge.decisions.render_decision", lambda *_, **__: 1 / 0)

    answer = ask(edge)

    assert (answer.status, answer.json["actions"], answer.json["reason"]) == (200, [], "ENGINE_ERROR")
