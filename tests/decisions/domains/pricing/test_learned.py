"""The price bandit through the decision engine: whatever it knows, no price leaves the envelope."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from decisions.domain import PolicyKind
from decisions.domains.pricing.domain import DOMAIN
from decisions.domains.pricing.features import FEATURES
from decisions.learning import LearnerKind
from decisions.learning.updating import fold, prior_state
from decisions.policies.learned import fit_learner
from decisions.serving.choosing import Means
from decisions.serving.decide import decide
from decisions.serving.decision_requests import DecisionRequest
from decisions.serving.equipment import FittedLearner
from decisions.serving.known import NOTHING_KNOWN
from decisions.serving.learners import is_held_back
from decisions.serving.scoring import score_at_once
from decisions.vocabulary import DecisionReason
from tests.decisions.domains.pricing.test_deciding import MUG, _leaves_the_envelope, envelopes, said_settings
from tests.decisions.domains.pricing.worlds import bundle_of, price_of, subjects
from tests.decisions.learning.states import batch, scheme
from tests.decisions.published import learner_record, policy
from tests.experiments.assignment.builders import AT

LEARNED = policy("learned", learner=5)
SALES = st.lists(st.tuples(st.floats(0.5, 1.6), st.integers(0, 10_000), st.floats(0.01, 60.0)), max_size=8)


def state_of(sales, *, floor=0.1):
    chosen = scheme(LearnerKind.DEMAND, floor=floor)
    if not sales:
        return prior_state(chosen)
    rows = batch(
        [pieces for _, pieces, _ in sales],
        features=[[share, share - 0.5, 2.0, 1.0] for share, *_ in sales],
        days=[days for *_, days in sales],
    )
    return fold(prior_state(chosen), rows, chosen)[0]


def learning(said, sales=(), *, floor=0.1, holdback=0.0, **told):
    catalogue = subjects({"mug": said})
    bundle = bundle_of(
        catalogue, LEARNED, learners=[learner_record(5, b"state", kind="demand", holdback=holdback)], **told
    )
    used = FittedLearner(bundle.points.learners[5], fit_learner(state_of(sales, floor=floor), catalogue, FEATURES))
    return replace(bundle, equipment=replace(bundle.equipment, learners={5: used}))


def drawn(bundle, decision_id="decision-1"):
    request = DecisionRequest(units={"item": "mug"})
    return decide(request, bundle.points.by_key["prices"], bundle, NOTHING_KNOWN, AT, Means(score_at_once, decision_id))


@given(envelopes, said_settings, SALES, st.text(max_size=8), st.floats(0.001, 1.0))
@settings(max_examples=200, deadline=None)
def test_decide__any_item_and_any_state__never_leaves_the_envelope(said, told, sales, decision_id, floor):
    decision = drawn(learning(said | {"daily_sales": 2.0}, sales, floor=floor, **told), decision_id)
    price = price_of(decision)
    if price is not None:
        assert _leaves_the_envelope(float(price), said, told) == ""
    if decision.policy is PolicyKind.LEARNED:
        assert 0.0 < decision.actions[0].propensity <= 1.0
        assert decision.features.shape == (1, len(FEATURES))


def test_decide__learner__draws_a_price_with_a_chance_and_its_features():
    decision = drawn(learning(MUG | {"daily_sales": 2.0, "price": 19.0}))
    assert (decision.policy, decision.reason, decision.state) == (PolicyKind.LEARNED, DecisionReason.LEARNED, 3)
    (action,) = decision.actions
    share = float(action.item) / 20.0
    assert decision.features.tolist() == [pytest.approx([share, share - 0.5, 2.0, 0.95])]
    assert drawn(learning(MUG | {"daily_sales": 2.0, "price": 19.0})).actions == decision.actions


def test_decide__many_decisions__are_spread_over_the_allowed_prices_alone():
    bundle = learning(MUG | {"daily_sales": 2.0, "ceiling": 20.5, "floor": 19.0}, floor=0.5)
    prices = {price_of(drawn(bundle, f"decision-{number}")) for number in range(300)}
    assert prices == {"19.00", "19.20", "19.40", "19.60", "19.80", "20.00", "20.20", "20.40"}


def test_decide__cooling_item__keeps_its_price_with_certainty():
    decision = drawn(learning(MUG | {"changed_at": AT.timestamp() - 3_600.0}))
    assert (price_of(decision), decision.policy) == ("20.00", PolicyKind.LEARNED)
    assert decision.actions[0].propensity == pytest.approx(1.0)


def test_decide__objective_revenue__reads_no_cost():
    decision = drawn(learning({name: value for name, value in MUG.items() if name != "cost"}, objective="revenue"))
    assert decision.policy is PolicyKind.LEARNED
    assert decision.features[0, 1] == decision.features[0, 0]


def test_decide__item_of_the_holdback__has_the_baseline():
    bundle = learning(MUG, holdback=0.5)
    learner = bundle.points.learners[5]
    item = next(item for item in map(str, range(100)) if is_held_back(learner, item.encode()))
    assert not is_held_back(replace(learner, holdback=0.0), item.encode())
    decision = drawn(learning(MUG, holdback=0.999_999))
    assert (price_of(decision), decision.reason) == ("20.00", DecisionReason.HOLDBACK)


def test_decide__learner_that_is_not_there__leaves_it_to_the_baseline():
    bundle = learning(MUG)
    decision = drawn(replace(bundle, equipment=replace(bundle.equipment, learners={})))
    assert (price_of(decision), decision.reason) == ("20.00", DecisionReason.LEARNER_UNAVAILABLE)


def test_domain__its_learning_policies__learn_demand_alone():
    assert DOMAIN.learners == (LearnerKind.DEMAND,)
    assert PolicyKind.LEARNED in DOMAIN.policies
    assert np.shape(FEATURES) == (4,)
