"""Advertising at a real edge: values by bid and model, slots, flights, budgets of arms, and a creative that is new."""

import json
from typing import Any

import numpy as np
import pytest

from config.local.embedded import Postgres, Valkey
from decisions.domains.ad_placement.features import creative_numbers, layout
from models_registry.artifacts import pack
from models_registry.predictors.crosses import places_of
from models_registry.predictors.popularity import write_items
from models_registry.vocabulary import PredictorKind
from tests.config.decision_edges import RANKED, MakeEdge, ask, decisions_of, shown
from tests.config.edges import Answer
from tests.decisions.published import (
    ab_point,
    companion,
    decision_content,
    file_record,
    model_record,
    publish,
    publish_files,
    published,
)
from tests.experiments.assignment.builders import arms, experiment

TREATED = experiment(1, variants=arms(0, 1_000_000))
CREATIVES = ("boots", "lamp", "shoes", "tea")
BIDS = {"boots": 1.0, "lamp": 4.0, "shoes": 2.0, "tea": 1.0}
CAMPAIGNS = {"boots": "autumn", "lamp": "light", "shoes": "autumn", "tea": "warm"}
BITS = 12


def catalogue(**fields: list[Any]) -> bytes:
    """Return a published catalogue of creatives."""
    columns = {
        "campaign": [CAMPAIGNS[creative] for creative in CREATIVES],
        "bid": [BIDS[creative] for creative in CREATIVES],
        "title": ["Boots", "Lamp", "Shoes", "Tea"],
    }
    content = {"schema": 2, "collection": "creatives", "fresh_at": None, "items": list(CREATIVES)}
    content |= {"in_stock": [1] * 4, "baseline": [0.01] * 4, "fields": columns | fields}
    return json.dumps(content).encode()


def model(**likes: float) -> bytes:
    """Return a logistic model that knows only boots, and likes some creatives by their ids: log-odds added."""
    shape = layout(BITS)
    numbers = creative_numbers(CREATIVES, {})
    table = np.zeros(shape.size, dtype=np.float32)
    for creative, odds in likes.items():
        table[places_of(numbers[CREATIVES.index(creative), :1], BITS)] = odds
    tensors = {"item_ids": write_items(("boots",)), "numbers": numbers[:1], "click.weights": table}
    settings = {**shape.settings(), "click_bias": -3.0, "click_slope": 1.0, "click_intercept": 0.0, "order_rate": 0.1}
    return pack(kind=PredictorKind.HASHED_LOGISTIC, inputs=(), tensors=tensors, settings=settings)


def publish_ads(postgres: Postgres, content: bytes, artifact: bytes) -> None:
    """Publish a decision point of advertising whose variant ranks by the model."""
    at = ab_point(RANKED, domain="ad_placement", slate_size=1, largest_slate=20)
    publish_files(postgres.url, content, artifact)
    parts: dict[str, Any] = {
        "points": [at],
        "models": [model_record(12, artifact, kind="hashed_logistic")],
        "catalogues": [{"collection": "creatives", **file_record(content)}],
    }
    publish(postgres.url, published(decision_content(TREATED, **parts), companion(attributes=["country"])))


def asked(edge: Any, **context: Any) -> Answer:
    return ask(edge, context=context)


@pytest.fixture
def serve(postgres: Postgres, make_edge: MakeEdge, own_valkey: Valkey) -> Any:
    """Return a function that publishes creatives and a model and returns an edge that serves them."""

    def start(*, likes: dict[str, float] | None = None, **fields: list[Any]) -> Any:
        publish_ads(postgres, catalogue(**fields), model(**(likes or {})))
        return make_edge(own_valkey.url)

    return start


def test_ads__model_s_variant__ranks_by_bid_times_probability_also_what_is_new(serve: Any) -> None:
    answer = asked(serve(likes={"tea": 3.0}), slot="top", device="phone")
    body = answer.json
    assert (answer.status, body["reason"], body["policy"]) == (200, "MODEL", "model_ranked")
    assert shown(answer) == ["tea"]
    assert body["actions"][0]["score"] == pytest.approx(0.5, rel=1e-5)


def test_ads__two_of_one_campaign__are_never_in_one_decision(serve: Any) -> None:
    answer = ask(serve(), size=4, context={"slot": "top"})
    assert shown(answer) == ["lamp", "shoes", "tea"]


def test_ads__slot_flight_and_exclusion__filter_and_are_counted(serve: Any, postgres: Postgres) -> None:
    edge = serve(slot=["", "side", "", ""], ends=["", "", "2020-01-01", ""])
    assert shown(ask(edge, size=4, context={"slot": "top", "exclude": ["tea"]})) == ["boots"]
    (row,) = decisions_of(postgres, 1)
    assert row["properties"]["removed"] == {"not_in_flight": 1, "slot_does_not_fit": 1, "excluded": 1}
    assert row["properties"]["context"]["slot"] == "top"


def test_ads__budget_of_the_own_arm__decides_and_not_that_of_another(serve: Any) -> None:
    edge = serve(
        **{
            "pace": [0.0] * 4,
            "spent_out": [0.0, 1.0, 0.0, 0.0],
            "pace@1.arm-1": [0.0, 0.0, 3.0, 0.0],
            "spent_out@1.arm-1": [0.0] * 4,
            "pace@1.control": [0.0] * 4,
            "spent_out@1.control": [1.0] * 4,
        }
    )
    answer = ask(edge, size=4, context={"slot": "top"})
    assert shown(answer) == ["lamp", "boots", "tea"]


def test_ads__nothing_may_be_shown__answers_with_nothing_and_says_why(serve: Any) -> None:
    body = asked(serve(starts=["2999-01-01"] * 4), slot="top").json
    assert (body["actions"], body["reason"]) == ([], "CANDIDATES_EMPTY")


def test_ads__personalisation_off__gets_the_baseline_by_bid_and_rate(serve: Any) -> None:
    answer = ask(serve(likes={"tea": 9.0}), personalised=False, context={"slot": "top"})
    assert answer.json["reason"] == "PERSONALISATION_OFF"
    assert shown(answer) == ["lamp"]


@pytest.mark.parametrize(("context", "status"), [({"colour": "red"}, 422), ({"slot": {"name": "top"}}, 400)])
def test_ads__context_that_is_not_declared__is_refused(serve: Any, context: dict[str, Any], status: int) -> None:
    assert ask(serve(), context=context).status == status
