"""Prices through the decision engine: within the envelope whatever comes, and the same for everybody."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from decisions.domain import PolicyKind
from decisions.vocabulary import DecisionReason
from models_registry.predictors.demand import Demand
from tests.decisions.domains.pricing.worlds import (
    LONG_AGO,
    MODEL,
    as_json,
    bundle_of,
    decided,
    demand,
    price_of,
    subjects,
)
from tests.decisions.published import policy
from tests.experiments.assignment.builders import AT

MUG = {"price": 20.0, "own_price": 20.0, "cost": 10.0, "changed_at": LONG_AGO}
CENT = 0.005

amounts = st.one_of(st.just(np.nan), st.floats(0.01, 200.0), st.sampled_from([0.0, 0.01, 19.99, 20.0, 1e9, 1e13]))
envelopes = st.fixed_dictionaries(
    {
        "price": st.one_of(amounts, st.floats(1.0, 100.0)),
        "own_price": amounts,
        "cost": amounts,
        "floor": amounts,
        "map_price": amounts,
        "ceiling": amounts,
        "changed_at": st.one_of(st.just(np.nan), st.floats(-400.0, 10.0).map(lambda h: AT.timestamp() + 3_600 * h)),
    }
)
said_settings = st.fixed_dictionaries(
    {
        "objective": st.sampled_from(["profit", "revenue"]),
        "max_step": st.floats(0.0, 0.5),
        "grid_step": st.floats(0.001, 0.25),
        "cool_down_hours": st.sampled_from([0.0, 24.0, 168.0]),
        "min_margin": st.sampled_from([0.0, 0.2, 3.0]),
        "charm": st.sampled_from(["none", "9", "99"]),
        "decimals": st.sampled_from(["0", "1", "2", "3"]),
    }
)
policies = st.sampled_from(
    [MODEL, policy(), *(policy("fixed", actions=[text]) for text in ("-5%", "+30%", "19.99", "0.01", "100000"))]
)


def _leaves_the_envelope(price: float, said: dict[str, float], told: dict[str, Any]) -> str:
    """Return which limit a price breaks, written down once more than in the code under test."""
    known = {name: value for name, value in said.items() if np.isfinite(value)}
    is_now = abs(price - known["price"]) < 1e-6
    if price < known.get("floor", 0.0) - 1e-6 or price < known.get("map_price", 0.0) - 1e-6:
        return "floor or minimum advertised price"
    if is_now:
        return ""
    if price > known.get("ceiling", np.inf) + 1e-6:
        return "ceiling"
    if "cost" in known and price < known["cost"] * (1 + told["min_margin"]) - 1e-6:
        return "cost margin"
    is_own = abs(price - known.get("own_price", -1.0)) < 1e-6
    if not is_own and abs(price / known["price"] - 1) > told["max_step"] + 1e-6:
        return "step"
    hours = (AT.timestamp() - known.get("changed_at", -np.inf)) / 3_600
    return "cool-down" if hours < told["cool_down_hours"] - 0.51 else ""


@given(envelopes, said_settings, policies, st.floats(-10.0, -0.05))
@settings(max_examples=400, deadline=None)
def test_decide__any_item_and_any_policy__never_leaves_the_envelope(said, told, treatment, elasticity):
    bundle = bundle_of(subjects({"mug": said}), treatment, predictor=demand(elasticity), **told)
    price = price_of(decided(bundle))
    if price is not None:
        assert _leaves_the_envelope(float(price), said, told) == ""


@given(
    st.dictionaries(st.sampled_from(["country", "income", "vip", "age"]), st.one_of(st.text(), st.integers())),
    st.booleans(),
    st.dictionaries(st.sampled_from(["visitor", "customer", "session"]), st.text(min_size=1)),
    st.sampled_from([MODEL, policy(), policy("fixed", actions=["-5%"])]),
)
@settings(max_examples=150, deadline=None)
def test_decide__whoever_asks__gives_the_same_price(attributes, personalised, units, treatment):
    bundle = bundle_of(subjects({"mug": MUG}), treatment)
    asked = decided(bundle, attributes=attributes, personalised=personalised, units=units)
    assert as_json(asked) == as_json(decided(bundle))
    assert price_of(asked) is not None


def test_decide__model__asks_the_price_that_brings_most():
    bundle = bundle_of(subjects({"mug": MUG}), predictor=demand(-4.0))
    decision = decided(bundle)
    assert (price_of(decision), decision.reason) == ("18.00", DecisionReason.MODEL)
    dear = bundle_of(subjects({"mug": MUG}), predictor=demand(-1.2))
    assert price_of(decided(dear)) == "22.00"


def test_decide__objective__moves_the_price():
    said = MUG | {"cost": 15.0}
    profit = decided(bundle_of(subjects({"mug": said}), predictor=demand(-2.0)))
    revenue = decided(bundle_of(subjects({"mug": said}), predictor=demand(-2.0), objective="revenue"))
    assert (price_of(profit), price_of(revenue)) == ("22.00", "18.00")


def test_decide__fixed_change__is_the_price_it_means():
    decision = decided(bundle_of(subjects({"mug": MUG}), policy("fixed", actions=["-5%"])))
    assert (price_of(decision), decision.policy) == ("19.00", PolicyKind.FIXED)


def test_decide__fixed_change_that_was_applied__stays_where_it_is_in_the_cool_down():
    just_now = (AT - timedelta(hours=24)).timestamp()
    applied = subjects({"mug": MUG | {"price": 19.0, "changed_at": just_now}})
    assert price_of(decided(bundle_of(applied, policy("fixed", actions=["-5%"])))) == "19.00"


def test_decide__fixed_price_outside_the_envelope__keeps_the_present_one_and_says_so():
    decision = decided(bundle_of(subjects({"mug": MUG}), policy("fixed", actions=["5.00"])))
    assert (price_of(decision), decision.reason) == ("20.00", DecisionReason.OUTSIDE_ENVELOPE)


def test_decide__baseline_after_a_treated_period__returns_to_the_own_price():
    treated = subjects({"mug": MUG | {"price": 19.0}})
    decision = decided(bundle_of(treated, policy()))
    assert (price_of(decision), decision.reason) == ("20.00", DecisionReason.BASELINE)


@pytest.mark.parametrize(
    ("said", "price", "reason"),
    [
        ({"price": np.nan}, None, DecisionReason.PRICE_MISSING),
        ({"cost": np.nan}, "20.00", DecisionReason.COST_MISSING),
        ({"floor": 50.0}, None, DecisionReason.OUTSIDE_ENVELOPE),
    ],
)
def test_decide__item_that_lacks_something__leaves_it_to_the_baseline_with_the_reason(said, price, reason):
    decision = decided(bundle_of(subjects({"mug": MUG | said})))
    assert (price_of(decision), decision.reason, decision.policy) == (price, reason, PolicyKind.BASELINE)


def test_decide__item_that_is_not_there__has_no_price():
    decision = decided(bundle_of(subjects({"mug": MUG})), "jug")
    assert (price_of(decision), decision.reason) == (None, DecisionReason.SUBJECT_UNKNOWN)


def test_decide__item_that_the_model_does_not_know__keeps_its_price():
    decision = decided(bundle_of(subjects({"mug": MUG}), predictor=demand(items=("jug",))))
    assert (price_of(decision), decision.reason) == ("20.00", DecisionReason.SUBJECT_UNKNOWN)


def test_decide__model_whose_demand_is_no_number__keeps_the_price():
    class Broken(Demand):
        def score(self, history, candidates=None):
            return np.full(len(candidates), np.nan, np.float32)

    known = demand()
    broken = Broken(**{name: getattr(known, name) for name in known.__dataclass_fields__})
    decision = decided(bundle_of(subjects({"mug": MUG}), predictor=broken))
    assert (price_of(decision), decision.reason) == ("20.00", DecisionReason.SCORES_INVALID)


def test_decide__what_bound__is_counted_by_name():
    decision = decided(bundle_of(subjects({"mug": MUG | {"floor": 19.0, "ceiling": 21.0}})))
    assert {name: count for name, count in decision.removed.items() if count} == {"floor": 5, "ceiling": 5}


def test_decide__twice__is_the_same():
    bundle = bundle_of(subjects({"mug": MUG}))
    again = replace(bundle)
    assert as_json(decided(bundle)) == as_json(decided(again))
