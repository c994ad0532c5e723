"""Explanations of what learning policies drew: from the state that the decision names, and from no other."""

from datetime import timedelta

import pytest
from django.db import connection

from decisions.actions.learning import update_learner
from decisions.learning import LearnerKind
from decisions.queries.explained import Method, Standing
from decisions.queries.explanations import explain
from decisions.queries.made import decision_by_id
from decisions.serving.contributions import FactKind
from tests.decisions.explaining import make_ad_shop, make_shop
from tests.fixtures.learning import CLOSED, log_choice, log_click, make_learner
from tests.fixtures.messages import minutes
from tests.fixtures.records import NOW, make_project

pytestmark = pytest.mark.django_db

UNTIL = NOW + timedelta(days=1)
PRIOR = {"prior_rewards": 1, "prior_misses": 9}


@pytest.fixture
def shop():
    return make_shop(make_project())


def explained(learner, decision, **more):
    return explain(decision_by_id(decision, project_ids=[learner.project_id]), learner.domain.key, **more)


def test_rates__of_the_state_that_is_named__and_the_even_part_of_the_probability(shop):
    learner = make_learner(shop.point, floor=0.2, settings=PRIOR)
    log_choice(learner, "d1", at=NOW + minutes(1))
    log_click(learner.project_id, "c1", at=NOW + minutes(2))
    update_learner(learner_id=learner.id, until=UNTIL, now=UNTIL + CLOSED)
    shown = {"items": ("mug", "lamp"), "candidates": 4, "propensity": 0.5}
    before = log_choice(learner, "before", at=UNTIL, state=0, **shown)
    after = log_choice(learner, "after", at=UNTIL, state=1, **shown)
    prior, learnt = (explained(learner, decision) for decision in (before, after))
    assert prior.method is learnt.method is Method.RATES
    assert [part.effect for part in prior.actions[0].contributions] == [0.1, 1.0]
    mug, lamp = learnt.actions
    assert mug.contributions[0].effect == pytest.approx(2 / 11)
    assert lamp.contributions[0].effect == pytest.approx(0.1)
    assert mug.contributions[1].effect > 0.5
    assert [mug.floor, lamp.floor] == pytest.approx([0.2 / 4, 0.2 / 3])


def test_rates__item_asked_about__has_its_probability_of_the_first_place(shop):
    learner = make_learner(shop.point, floor=0.2, settings=PRIOR)
    asked = explained(learner, log_choice(learner, "d1", at=NOW), item="scarf").asked
    assert asked is not None
    assert (asked.standing, asked.probability) == (Standing.ELIGIBLE, pytest.approx(0.25))


def test_rates__state_damaged__is_not_trusted(shop):
    learner = make_learner(shop.point)
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE decisions_learnerstate DISABLE TRIGGER USER")
        cursor.execute("UPDATE decisions_learnerstate SET content = content || '\\x00'")
    found = explained(learner, log_choice(learner, "d1", at=NOW))
    assert (found.method, found.missing) == (None, "LEARNER_STATE_DAMAGED")


def test_rates__state_that_is_not_there__says_so(shop):
    learner = make_learner(shop.point)
    found = explained(learner, log_choice(learner, "d1", at=NOW, state=7))
    assert (found.method, found.missing) == (None, "LEARNER_STATE_DAMAGED")


def test_weights__features_of_the_log__times_their_means():
    shop = make_ad_shop(make_project())
    means = {"one": -3.0, "bid": 0.5}
    learner = make_learner(shop.point, LearnerKind.LOGISTIC, settings={"prior_mean": means})
    names = learner.domain.hooks.feature_names
    row = [1.0 if name == "one" else 0.4 if name == "bid" else 0.0 for name in names]
    decision = log_choice(learner, "d1", at=NOW, items=("shoe-a",), features=[row])
    found = explained(learner, decision)
    assert found.method is Method.WEIGHTS
    (action,) = found.actions
    parts = [(part.fact.kind, part.fact.name, part.fact.value) for part in action.contributions]
    assert parts == [(FactKind.FEATURE, "one", "1"), (FactKind.FEATURE, "bid", "0.4")]
    assert [part.effect for part in action.contributions] == pytest.approx([-3.0, 0.2])
    assert action.floor is None


@pytest.mark.parametrize("features", [None, [], [[1.0]]])
def test_weights__features_missing_or_of_another_width__leave_contributions_out(features):
    shop = make_ad_shop(make_project())
    learner = make_learner(shop.point, LearnerKind.LINEAR)
    decision = log_choice(learner, "d1", at=NOW, items=("shoe-a",), features=features)
    found = explained(learner, decision)
    assert found.method is Method.WEIGHTS
    assert found.actions[0].contributions == ()
