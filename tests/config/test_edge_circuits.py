"""Model versions that keep failing behind a real edge: baseline at once, visible everywhere, nobody else affected."""

import json
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any, cast

import numpy as np
import pytest
import redis

from config.edge import Edge
from config.local.embedded import Postgres, Valkey
from decisions.policy import Indices, Scores
from decisions.serving.breaker import BreakerPolicy
from models_registry.predictors.popularity import Popularity
from tests.config.decision_edges import BASIC, CATALOGUE, RANKED, MakeEdge, ask, decisions_of, shown
from tests.config.edges import call
from tests.decisions.published import (
    companion,
    decision_content,
    file_record,
    model_record,
    point,
    policy,
    popularity_bytes,
    publish,
    publish_files,
    published,
)
from tests.experiments.assignment.builders import arms, experiment

BROKEN, HEALTHY = popularity_bytes(), popularity_bytes({f"item-{n:02d}": float(n) for n in range(30)} | {"extra": 0.5})
VISITORS = [f"v-{number}" for number in range(40)]
LIKED = ["item-29", "item-28", "item-27", "item-26", "item-25"]
OK = np.arange(30, dtype=np.float32)


def slow() -> Scores:
    threading.Event().wait(10)
    return OK


def raising() -> Scores:
    raise MemoryError


FAULTS: dict[str, tuple[Callable[[], Scores], str]] = {
    "sleeps ten seconds": (slow, "DEADLINE"),
    "raises": (raising, "MODEL_ERROR"),
    "gives NaN": (lambda: OK * np.float32("nan"), "SCORES_INVALID"),
    "gives the wrong shape": (lambda: OK[:7], "SCORES_INVALID"),
    "gives something else": (lambda: cast(Scores, "scores"), "SCORES_INVALID"),
}


@pytest.fixture
def edge(postgres: Postgres, own_valkey: Valkey, history: redis.Redis, make_edge: MakeEdge) -> Edge:
    """Return an edge that sets version 13 (arm-1) against version 12 (control), with 12 as champion elsewhere."""
    publish_files(postgres.url, CATALOGUE, BROKEN, HEALTHY)
    variants = {"control": RANKED, "arm-1": policy("model_ranked", version=13)}
    champion = {"version": 12, "audience": None, "unit_kind": None}
    points = [
        point(experiments=[{"id": 1, "variants": variants}], deadline_ms=400, personal=False),
        point(id=8, key="cart", champions=[champion], personal=False),
    ]
    content = decision_content(
        experiment(1, variants=arms(500_000, 500_000)),
        points=points,
        models=[model_record(12, HEALTHY), model_record(13, BROKEN)],
        catalogue=file_record(CATALOGUE),
    )
    publish(postgres.url, published(content, companion()))
    return make_edge(own_valkey.url, breaker=BreakerPolicy(failures=5, within=60.0, rest=3_600.0))


def break_version(edge: Edge, script: Callable[[], Scores]) -> None:
    """Let version 13 of the live bundle score in another way."""

    class Scripted(Popularity):
        def score(self, history: Indices, candidates: Indices | None = None) -> Scores:
            return script()

    equipment = edge.runtime.live.by_project[1].equipment
    known = equipment.models[13].predictor
    assert isinstance(known, Popularity)
    edge.runtime.stop()
    fitted = replace(equipment.models[13], predictor=Scripted(known.items, known.popularity))
    object.__setattr__(equipment, "models", {**equipment.models, 13: fitted})


def decided(edge: Edge, visitor: str, at: str = "home") -> Any:
    answer = ask(edge, {"visitor": visitor}, at=at, context={"recent_items": ["item-10"]}, expose=True)
    assert answer.status == 200
    return answer


@pytest.mark.parametrize(("script", "reason"), FAULTS.values(), ids=FAULTS)
def test_model_that_keeps_failing__is_given_up_and_the_other_arm_and_champions_stay_as_they_were(
    edge: Edge, postgres: Postgres, script: Callable[[], Scores], reason: str
) -> None:
    before = {visitor: decided(edge, visitor).json["assignment"]["variant"] for visitor in VISITORS}
    assert set(before.values()) == {"control", "arm-1"}
    break_version(edge, script)

    answers = [decided(edge, visitor) for visitor in VISITORS for _ in range(2)]
    elsewhere = [decided(edge, visitor, at="cart") for visitor in VISITORS]

    treated = [a for a in answers if a.json["assignment"]["variant"] == "arm-1"]
    others = [a for a in answers if a.json["assignment"]["variant"] == "control"]
    assert [a.json["reason"] for a in treated] == [reason] * 5 + ["CIRCUIT_OPEN"] * (len(treated) - 5)
    assert {tuple(shown(a)) for a in treated} == {tuple(BASIC)}
    assert {(a.json["reason"], tuple(shown(a))) for a in (*others, *elsewhere)} == {("MODEL", tuple(LIKED))}
    assert {a.json["assignment"]["enrolled"] for a in (*treated, *others)} == {True}
    assert [a.json["assignment"]["variant"] for a in answers[::2]] == list(before.values())

    counters = call(edge, "/metrics", method="GET").body.decode()
    assert 'tiltyard_circuit_open{model="home-ranker",number="4",project="shop"} 1.0' in counters
    assert 'tiltyard_circuit_openings_total{model="home-ranker",number="4",project="shop"} 1.0' in counters
    assert 'tiltyard_circuit_open{model="home-ranker",number="3",project="shop"} 0.0' in counters
    rows = decisions_of(postgres, len(VISITORS) * 4)
    logged = [
        row["properties"] if isinstance(row["properties"], dict) else json.loads(row["properties"]) for row in rows
    ]
    given_up = [row for row in logged if row["reason"] == "CIRCUIT_OPEN"]
    assert len(given_up) == len(treated) - 5
    assert {(row["variant"], row["version"], row["policy"]) for row in given_up} == {("arm-1", 13, "baseline")}


def test_model_that_recovers__is_asked_again_by_one_request_after_the_rest(
    postgres: Postgres, own_valkey: Valkey, edge: Edge
) -> None:
    is_broken = threading.Event()
    is_broken.set()
    break_version(edge, lambda: OK[:7] if is_broken.is_set() else OK)
    treated = next(v for v in VISITORS if decided(edge, v).json["assignment"]["variant"] == "arm-1")
    while decided(edge, treated).json["reason"] != "CIRCUIT_OPEN":
        pass
    guarded = edge.decisions._scoring._versions[13]
    is_broken.clear()
    assert decided(edge, treated).json["reason"] == "CIRCUIT_OPEN"

    guarded.circuit._opened_at = time.monotonic() - 3_600.0

    assert [decided(edge, treated).json["reason"] for _ in range(10)] == ["MODEL"] * 10
