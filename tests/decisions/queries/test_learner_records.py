"""What the page of a learning policy is told: chances with their floor, sums of figures, faults of states."""

from datetime import timedelta

import numpy as np
import pytest
from django.db import connection
from django.utils import timezone

from decisions.actions.learning import update_learner
from decisions.learning import LearnerKind
from decisions.learning.state import BetaSnapshot
from decisions.queries.learner_records import first_chances, learner_record
from tests.decisions.explaining import SOLD_OUT, make_ad_shop, make_shop
from tests.fixtures.learning import CLOSED, log_choice, log_click, make_learner
from tests.fixtures.messages import minutes
from tests.fixtures.records import NOW, make_project

pytestmark = pytest.mark.django_db

UNTIL = NOW + timedelta(days=1)


@pytest.fixture
def shop():
    return make_shop(make_project())


def test_chances__of_what_competes__sum_to_one_and_keep_the_floor():
    best = np.array([0.6, 0.1])
    snapshot = BetaSnapshot(0.1, ("a", "b"), np.array([[3.0, 7.0], [1.0, 9.0]]), best, 0.3, 0.1)
    found = first_chances(snapshot, None)
    assert [chance.item for chance in found] == ["a", "b"]
    assert [chance.probability for chance in found] == pytest.approx([0.05 + 0.9 * 6 / 7, 0.05 + 0.9 / 7])
    assert sum(chance.probability for chance in found) == pytest.approx(1.0)
    assert [chance.floor for chance in found] == [0.05, 0.05]
    assert (found[0].rewards, found[0].misses) == (3.0, 7.0)


def test_record__rates__are_of_actions_in_stock(shop):
    learner = make_learner(shop.point, floor=0.2)
    record = learner_record(learner, now=timezone.now())
    assert record.knows_rates
    assert (record.competing, record.total, record.fault) == (4, 1, "")
    assert SOLD_OUT not in {chance.item for chance in record.chances}
    assert [chance.probability for chance in record.chances] == pytest.approx([0.25] * 4)
    assert record.titles["mug"].title == "Mug"


def test_record__figures__are_summed_over_all_states(shop):
    learner = make_learner(shop.point)
    for day in (0, 1):
        at = NOW + timedelta(days=day)
        log_choice(learner, f"d{day}", at=at + minutes(1))
        log_click(learner.project_id, f"c{day}", at=at + minutes(2))
        log_choice(learner, f"h{day}", at=at + minutes(3), visitor="v2", holdback=True, policy="baseline")
        log_choice(learner, f"u{day}", at=at + minutes(4), visitor="v3", displayed=False)
        until = at + timedelta(days=1)
        update_learner(learner_id=learner.id, until=until, now=until + CLOSED)
    log_click(learner.project_id, "late", at=NOW + timedelta(days=4), visitor="v2")
    record = learner_record(learner, now=timezone.now())
    names = ("decisions", "unseen", "served", "served_rewarded", "holdback", "holdback_rewarded", "rewarded")
    assert [record.figures[name] for name in names] == [6, 2, 2, 2, 2, 0, 2]
    assert [state.number for state in record.states] == [2, 1, 0]


def test_record__state_damaged__is_a_fault_and_tells_no_chances(shop):
    learner = make_learner(shop.point)
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE decisions_learnerstate DISABLE TRIGGER USER")
        cursor.execute("UPDATE decisions_learnerstate SET seal = repeat('0', 64)")
    record = learner_record(learner, now=timezone.now())
    assert (record.fault, record.chances, record.weights) == ("LEARNER_STATE_FORGED", (), ())


def test_record__weights__tell_what_came_first_lately():
    shop = make_ad_shop(make_project())
    learner = make_learner(shop.point, LearnerKind.LOGISTIC, settings={"prior_mean": {"one": -3.0}})
    now = timezone.now()
    for number, items in enumerate((("shoe-a", "house"), ("shoe-a",), ("house",))):
        log_choice(learner, f"d{number}", at=now - minutes(number + 1), items=items)
    log_choice(learner, "old", at=now - timedelta(days=2), items=("tea-a",))
    log_choice(learner, "held", at=now, holdback=True, policy="baseline", items=("tea-a",))
    record = learner_record(learner, now=now)
    assert not record.knows_rates
    assert [(chance.item, chance.floor) for chance in record.chances] == [("shoe-a", None), ("house", None)]
    assert [chance.probability for chance in record.chances] == pytest.approx([2 / 3, 1 / 3])
    weights = {weight.feature: (weight.mean, weight.deviation) for weight in record.weights}
    assert weights["one"] == (-3.0, 1.0)
    assert list(weights) == list(learner.domain.hooks.feature_names)
