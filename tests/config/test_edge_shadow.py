"""Shadow mode at a real edge: drawn decisions are logged with the comparison, and nothing of it reaches a shopper."""

import threading
from dataclasses import replace
from typing import Any

import pytest
import redis

from config.edge import Edge
from config.local.embedded import Postgres, Valkey
from models_registry.predictors.popularity import Popularity
from tests.config.decision_edges import CATALOGUE, MakeEdge, ask, decisions_of, shown
from tests.config.edges import call
from tests.decisions.published import (
    companion,
    decision_content,
    file_record,
    model_record,
    point,
    popularity_bytes,
    publish,
    publish_files,
    published,
)

LIKED, REVERSED = popularity_bytes(), popularity_bytes({f"item-{n:02d}": float(-n) for n in range(30)})
ASKED = 60
CHAMPION = {"version": 12, "audience": None, "unit_kind": None}


def publish_shadow(postgres: Postgres, *, shadow: int | None, version: int) -> None:
    publish_files(postgres.url, CATALOGUE, LIKED, REVERSED)
    home = point(champions=[CHAMPION], personal=False, deadline_ms=400, shadow=shadow)
    models = [model_record(12, LIKED), model_record(13, REVERSED)]
    parts = {"points": [home], "models": models, "catalogue": file_record(CATALOGUE), "version": version}
    publish(postgres.url, published(decision_content(**parts), companion()))


@pytest.fixture
def edge(postgres: Postgres, own_valkey: Valkey, history: redis.Redis, make_edge: MakeEdge) -> Edge:
    """Return an edge whose champion is version 12 and whose shadow ranks the other way round."""
    publish_shadow(postgres, shadow=13, version=1)
    return make_edge(own_valkey.url)


def ask_often(edge: Edge) -> list[list[str]]:
    context = {"recent_items": ["item-10"]}
    answers = [ask(edge, {"visitor": f"v-{number}"}, context=context) for number in range(ASKED)]
    assert {(answer.status, answer.json["reason"]) for answer in answers} == {(200, "MODEL")}
    return [shown(answer) for answer in answers]


def test_shadow__drawn_decisions__are_logged_with_the_comparison_and_serve_the_champion(
    edge: Edge, postgres: Postgres
) -> None:
    slates = ask_often(edge)
    assert len({tuple(slate) for slate in slates}) == 1
    rows = [row["properties"] for row in decisions_of(postgres, ASKED)]
    notes = [row["shadow"] for row in rows if "shadow" in row]
    assert 0 < len(notes) < ASKED
    assert {note["version"] for note in notes} == {13}
    assert {row["version"] for row in rows} == {12}
    compared = [note for note in notes if "reason" not in note]
    assert compared
    for note in compared:
        assert set(note) == {"version", "overlap", "rank", "ms"}
        assert note["overlap"] < 1.0
    assert {note["reason"] for note in notes if "reason" in note} <= {"DROPPED", "DEADLINE"}
    text = call(edge, "/metrics", method="GET").body.decode()
    drawn = next(line for line in text.splitlines() if "shadow_decisions_total{" in line and "drawn" in line)
    assert float(drawn.split()[-1]) == len(notes)


def test_shadow__that_hangs__costs_no_answer_and_no_row(edge: Edge, postgres: Postgres) -> None:
    released = threading.Event()

    class Hanging(Popularity):
        def score(self, history: Any, candidates: Any = None) -> Any:
            released.wait(30)
            return super().score(history, candidates)

    equipment = edge.runtime.live.by_project[1].equipment
    known = equipment.models[13].predictor
    assert isinstance(known, Popularity)
    edge.runtime.stop()
    fitted = replace(equipment.models[13], predictor=Hanging(known.items, known.popularity))
    object.__setattr__(equipment, "models", {**equipment.models, 13: fitted})
    ask_often(edge)
    rows = [row["properties"] for row in decisions_of(postgres, ASKED)]
    reasons = {row["shadow"]["reason"] for row in rows if "shadow" in row}
    released.set()
    assert reasons <= {"DEADLINE", "DROPPED", "CIRCUIT_OPEN"}
    assert "DEADLINE" in reasons
