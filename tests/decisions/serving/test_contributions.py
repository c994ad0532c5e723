"""Leaving one fact out: differences by hand, facts that a model does not read, and bounds."""

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest

from decisions.domains.ad_placement.domain import DOMAIN as ADS
from decisions.domains.recommendation.domain import DOMAIN
from decisions.moment import Moment
from decisions.serving.contributions import MOST_FACTS, Fact, FactKind, facts_of, leave_one_out, value_text
from decisions.serving.scoring import NotScored
from models_registry.predictors.item_item import item_item_of
from models_registry.vocabulary import PredictorKind
from tests.models_registry.predictors.material import ITEM_ITEM, artifact

PLACES = {"a": 0, "b": 1, "c": 2}
NOTHING = Moment(
    at=datetime(2026, 3, 2, 12, tzinfo=UTC),
    personalised=True,
    attributes={},
    context={},
    history=(),
    bought=(),
    shown={},
    excluded=(),
    only=None,
    size=3,
)


def predictor():
    return item_item_of(artifact(PredictorKind.ITEM_ITEM, dict(ITEM_ITEM), {"half_life": 1.0}))


def test_leave_one_out__history__is_the_difference_without_each_item():
    moment = replace(NOTHING, history=("a", "b"), attributes={"country": "CN"})
    scores, found = leave_one_out(DOMAIN.hooks, predictor(), PLACES, moment, np.array([0, 1, 2]))
    # a counts 2/3 and b 1/3 while both are there, and alone each counts 1.
    assert scores == pytest.approx([0.5 + 1 / 3, 0.25 + 1 / 3, 1 / 6])
    assert [fact for fact, _ in found] == [Fact(FactKind.HISTORY, "a"), Fact(FactKind.HISTORY, "b")]
    assert found[0][1] == pytest.approx([1 / 3 - 1.0, 1 / 3, 1 / 6])
    assert found[1][1] == pytest.approx([1 / 3, 1 / 3 - 0.5, 1 / 6 - 0.25])


def test_leave_one_out__what_the_model_does_not_know__contributes_nothing():
    moment = replace(NOTHING, history=("never-heard-of",), attributes={"country": "CN"})
    scores, found = leave_one_out(DOMAIN.hooks, predictor(), PLACES, moment, np.array([0, 1]))
    assert scores == pytest.approx([0.5, 0.25])
    assert found == []


def test_leave_one_out__long_history__stops_at_the_bound():
    history = (*(f"x{number}" for number in range(MOST_FACTS)), "a")
    moment = replace(NOTHING, history=history)
    _scores, found = leave_one_out(DOMAIN.hooks, predictor(), PLACES, moment, np.array([1]))
    assert found == []
    _scores, found = leave_one_out(
        DOMAIN.hooks, predictor(), PLACES, replace(moment, history=history[1:]), np.array([1])
    )
    assert [fact.name for fact, _ in found] == ["a"]


def test_leave_one_out__model_that_fails__is_not_scored():
    with pytest.raises(NotScored):
        leave_one_out(DOMAIN.hooks, predictor(), PLACES, NOTHING, np.array([17]))


def test_facts__of_a_moment__are_its_history_its_attributes_and_its_context():
    moment = replace(NOTHING, history=("a",), attributes={"device": "phone", "age": 4}, context={"slot": "top"})
    found = list(facts_of(moment))
    assert [fact for fact, _ in found] == [
        Fact(FactKind.HISTORY, "a"),
        Fact(FactKind.ATTRIBUTE, "age", "4"),
        Fact(FactKind.ATTRIBUTE, "device", "phone"),
        Fact(FactKind.CONTEXT, "slot", "top"),
    ]
    assert [(without.history, dict(without.attributes), dict(without.context)) for _, without in found] == [
        ((), {"device": "phone", "age": 4}, {"slot": "top"}),
        (("a",), {"device": "phone"}, {"slot": "top"}),
        (("a",), {"age": 4}, {"slot": "top"}),
        (("a",), {"device": "phone", "age": 4}, {}),
    ]


def test_facts__of_advertising__change_what_its_models_are_asked():
    moment = replace(NOTHING, context={"slot": "top", "page": "home"})
    subject = ADS.hooks.subject(moment, {})
    changed = [int((ADS.hooks.subject(without, {}) != subject).sum()) for _fact, without in facts_of(moment)]
    assert changed == [1, 1]


@pytest.mark.parametrize(
    ("value", "text"), [("a", "a"), (True, "true"), (3, "3"), (None, ""), (["a", "b"], "a, b"), (2.5, "2.5")]
)
def test_value__of_any_kind__is_text(value, text):
    assert value_text(value) == text
