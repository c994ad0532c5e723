"""Orders for items in stores, decided through the one decision engine: who decides, within which bounds, and how."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from decisions.domain import PolicyKind
from decisions.domains.restock.hooks import asked, piece_costs
from decisions.domains.restock.stock import stock_of
from decisions.vocabulary import DecisionReason
from tests.decisions.domains.restock.worlds import (
    BASELINE,
    NAN,
    RANKED,
    SUBJECT,
    Liking,
    bundle_of,
    decided,
    menu_of,
    moment,
    subjects,
)
from tests.decisions.published import policy
from tests.experiments.assignment.builders import AT

COUNTS = st.integers(0, 10_000).map(float)
MAYBE = st.one_of(st.just(NAN), st.integers(0, 12_000).map(float))
ITEMS = st.fixed_dictionaries(
    {
        "on_hand": st.one_of(st.just(NAN), COUNTS),
        "on_order": MAYBE,
        "capacity": MAYBE,
        "reorder_point": MAYBE,
        "order_up_to": MAYBE,
        "lead_days": st.one_of(st.just(NAN), st.floats(0.0, 120.0)),
        "lead_sd": st.one_of(st.just(NAN), st.floats(0.0, 30.0)),
        "daily_sales": st.one_of(st.just(NAN), st.floats(0.0, 5_000.0)),
        "price": st.one_of(st.just(NAN), st.floats(0.0, 1_000.0)),
        "cost": st.one_of(st.just(NAN), st.floats(0.0, 1_000.0)),
        "pack_size": st.one_of(st.just(NAN), st.integers(0, 500).map(float)),
        "minimum_order": MAYBE,
        "shelf_life": st.one_of(st.just(NAN), st.floats(0.0, 400.0)),
    }
)
POLICIES = st.one_of(
    st.just(BASELINE),
    st.just(RANKED),
    st.sampled_from(["s=20,S=60", "s=0,S=9000", "R=100,Q=7", "days=14", "days=700"]).map(
        lambda text: policy("fixed", actions=[text])
    ),
)
SETTINGS = st.fixed_dictionaries(
    {
        "objective": st.sampled_from(["service", "newsvendor"]),
        "cash": st.one_of(st.just(0.0), st.floats(1.0, 10_000.0)),
        "review_days": st.floats(0.0, 90.0),
        "holding_rate": st.floats(0.0, 5.0),
        "service_level": st.floats(0.5, 0.999),
    }
)


def ordered(policy_record, **known: float) -> int:
    return int(decided(bundle_of(policy_record, subjects(known))).actions[0].item)


@settings(max_examples=200, deadline=None)
@given(known=ITEMS, policy_record=POLICIES, point_settings=SETTINGS, level=st.floats(0.0, 20_000.0))
def test_decide__whatever_is_known__orders_whole_packs_that_fit(known, policy_record, point_settings, level):
    catalogue = subjects(known)
    bundle = bundle_of(policy_record, catalogue, predictor=Liking(level), settings=point_settings)
    decision = decided(bundle)
    assert decision.reason is not DecisionReason.ENGINE_ERROR
    (action,) = decision.actions
    quantity, stock = int(action.item), stock_of({**known, "counted_at": NAN})
    assert quantity >= 0
    if quantity:
        assert quantity % stock.pack == 0
        assert quantity >= stock.least
        assert not stock.position + quantity > stock.capacity
        assert point_settings["cash"] == 0.0 or not quantity * stock.cost > point_settings["cash"]


@settings(max_examples=100, deadline=None)
@given(known=ITEMS, policy_record=POLICIES)
def test_decide__same_subject_again__orders_the_same(known, policy_record):
    bundle = bundle_of(policy_record, subjects(known))
    assert decided(bundle).actions == decided(bundle).actions


def test_decide__model_s_variant__orders_to_the_level_that_it_likes():
    predictor = Liking(40.0)
    decision = decided(bundle_of(RANKED, subjects({}), predictor=predictor))
    assert (decision.policy, decision.reason) == (PolicyKind.MODEL_RANKED, DecisionReason.MODEL)
    assert decision.actions[0].item == "30"
    assert predictor.heard[0][:2] == [0, 8_000]


def test_decide__constraint_below_what_the_model_likes__orders_the_most_that_is_allowed():
    assert ordered(RANKED, capacity=33.0) == 18


@pytest.mark.parametrize(
    ("known", "order"),
    [
        ({}, 42),  # at or below 28: up to 48, so 38, in packs of 6
        ({"on_hand": 29.0}, 0),
        ({"on_order": 19.0}, 0),
        ({"reorder_point": 9.0, "order_up_to": 100.0}, 0),
        ({"reorder_point": 10.0, "order_up_to": 100.0}, 90),
        ({"capacity": 30.0}, 18),
        ({"minimum_order": 50.0}, 54),
        ({"daily_sales": 0.0}, 0),
    ],
)
def test_decide__baseline__follows_the_shop_s_rule_within_the_constraints(known, order):
    assert ordered(BASELINE, **known) == order


@pytest.mark.parametrize(("text", "order"), [("s=20,S=60", 54), ("R=20,Q=15", 18), ("days=14", 48), ("s=9,S=60", 0)])
def test_decide__fixed_rule__orders_what_it_says_in_packs(text, order):
    decision = decided(bundle_of(policy("fixed", actions=[text]), subjects({})))
    assert (decision.reason, decision.actions[0].item) == (DecisionReason.FIXED, str(order))


def test_decide__fixed_rule_beyond_the_room__is_left_to_the_baseline_with_a_reason():
    decision = decided(bundle_of(policy("fixed", actions=["s=20,S=60"]), subjects({"capacity": 40.0})))
    assert (decision.reason, decision.actions[0].item) == (DecisionReason.OUTSIDE_ENVELOPE, "30")
    assert decision.removed["capacity"] == 3  # the first that does not fit, the shop's own and the one of the rule


@pytest.mark.parametrize(
    ("known", "reason"),
    [
        ({"on_hand": NAN}, DecisionReason.STOCK_MISSING),
        ({"cost": NAN}, DecisionReason.COST_MISSING),
        ({"counted_at": AT.timestamp() - 7_201.0}, DecisionReason.DATA_STALE),
        ({"counted_at": NAN}, DecisionReason.DATA_STALE),
    ],
)
def test_decide__data_that_are_missing_or_old__leave_it_to_the_baseline(known, reason):
    decision = decided(bundle_of(RANKED, subjects(known), most_age=120))
    assert (decision.policy, decision.reason) == (PolicyKind.BASELINE, reason)
    assert len(decision.actions) == 1


def test_decide__subject_that_the_model_does_not_know__has_the_baseline():
    decision = decided(bundle_of(RANKED, subjects({}), predictor=Liking(40.0, "south|tea")))
    assert (decision.reason, decision.actions[0].item) == (DecisionReason.SUBJECT_UNKNOWN, "42")


def test_asked__of_a_forecast__are_place_interval_spread_costs_and_levels():
    found = menu_of(capacity=28.0)
    numbers = asked(moment(), found, {SUBJECT: 3}).tolist()
    left = 12.0 * 0.25 * 8 / 365 * 1e6
    assert numbers == [3, 8_000, 1_000, round(left * 19), round(left), 10, 16, 22, 28, 34, 52]
    assert asked(moment(), found, {}).size == 0


def test_piece_costs__service_level__is_the_critical_ratio_and_newsvendor_takes_the_margin():
    stock = stock_of({"price": 20.0, "cost": 12.0, "lead_days": 7.0})
    missing, left = piece_costs(stock, moment(service_level=0.9))
    assert missing / (missing + left) == pytest.approx(0.9)
    missing, left = piece_costs(stock, moment(objective="newsvendor", shortage=1.5, holding_rate=0.5))
    assert missing == 12.0
    assert left == pytest.approx(12.0 * 0.5 * 8 / 365)


def test_piece_costs__sold_below_cost_or_held_for_nothing__stay_above_zero():
    stock = stock_of({"price": 5.0, "cost": 12.0})
    assert min(piece_costs(stock, moment(objective="newsvendor", holding_rate=0.0))) == 1e-6
    assert np.isfinite(piece_costs(stock, moment(holding_rate=0.0))).all()
