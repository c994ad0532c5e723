"""The price bandit on real tables: batches draw prices, and what is ordered while they hold is learnt from, once."""

import json
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from django.db import connection

from decisions.actions.learner_states import verified_state
from decisions.actions.learning import UPDATE, BatchOpen, promise_updates, update_learner
from decisions.actions.price_ledger import write_own_prices
from decisions.actions.replaying_learners import Outcome, replay_learner
from decisions.learning import LearnerKind
from decisions.models import BatchDecision, DecisionPoint, LearnerState
from decisions.queries.learners import latest_state
from decisions.serving.learners import is_held_back
from foundation.models import Job
from foundation.queries import project_facts
from tests.fixtures.batches import made, make_batch_point, make_priced
from tests.fixtures.learning import make_learner
from tests.fixtures.messages import log
from tests.fixtures.records import NOW, make_project

pytestmark = pytest.mark.django_db

MIDNIGHT = datetime(2026, 3, 3, tzinfo=UTC)
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
ITEMS = tuple(f"item-{number:02d}" for number in range(8))


def make_bandit(*, items=ITEMS, floor=0.2, holdback=0.01):
    """Return a learning policy that decides on the prices of items outside of experiments."""
    project_id = make_project()
    make_priced(project_id, dict.fromkeys(items, 20.0), cost=10.0)
    point = make_batch_point(project_id, settings={"cool_down_hours": 0.0})
    learner = make_learner(point, LearnerKind.DEMAND, reward="sold", floor=floor, holdback=holdback)
    DecisionPoint.objects.filter(pk=point).update(learner_id=learner.id)
    return learner


@pytest.fixture
def bandit():
    return make_bandit()


def batch_at(learner, at):
    return made(learner.project_id, learner.point_id, due_at=at)


def order(learner, message_id, item, *, at, quantity=1, **said):
    lines = [{"product_id": item, "quantity": quantity, "price": 20.0}]
    log(
        learner.project_id,
        message_id=message_id,
        event="Order Completed",
        at=at,
        properties={"order_id": message_id, "products": lines, **said},
        received_at=said.pop("received_at", None),
    )


def logged(item):
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT properties::text FROM decisions_eventlog"
            " WHERE kind = 'decision' AND item = %s AND project_id IN (SELECT id FROM foundation_project)"
            " ORDER BY occurred_at",
            [item],
        )
        return [json.loads(text) for (text,) in cursor.fetchall()]


def update(learner, until, *, now=None):
    return update_learner(learner_id=learner.id, until=until, now=now or until + 3 * HOUR)


def known(learner):
    """Return (pieces, days) of each item, over all steps."""
    state = verified_state(learner, latest_state(learner.id))
    sums = zip(state.pieces.sum(axis=1).tolist(), state.days.sum(axis=1).tolist(), strict=True)
    return dict(zip(state.items, sums, strict=True))


def test_batch__of_a_learning_policy__draws_allowed_prices_and_logs_exact_chances(bandit):
    batch = batch_at(bandit, MIDNIGHT)
    found = list(BatchDecision.objects.filter(batch=batch))
    assert {row.reason for row in found} <= {"LEARNED", "HOLDBACK"}
    assert sum(row.reason == "LEARNED" for row in found) >= 4
    assert (batch.degraded, batch.fault) == (0, "")
    for row in found:
        assert 18_000_000 <= row.value <= 22_000_000
        (said,) = logged(row.subject)
        assert said["learner"] == bandit.id
        if row.reason == "LEARNED":
            ((item, propensity, _score),) = said["actions"]
            assert (said["policy"], said["state"], said["holdback"]) == ("learned", 0, False)
            assert propensity >= 0.2 / 21
            ((share, margin, usual, present),) = said["features"]
            assert (share, margin) == (pytest.approx(float(item) / 20.0), pytest.approx(float(item) / 20.0 - 0.5))
            assert (usual, present) == (0.0, 1.0)


def test_batch__held_back_items__have_the_own_price_and_are_not_learnt_from():
    learner = make_bandit(items=tuple(f"item-{number:02d}" for number in range(40)), holdback=0.5)
    batch = batch_at(learner, MIDNIGHT)
    rows = list(BatchDecision.objects.all())
    assert {row.reason for row in rows} == {"LEARNED", "HOLDBACK"}
    for row in rows:
        held_back = is_held_back(learner, row.subject.encode())
        assert (row.reason == "HOLDBACK") is held_back
        if held_back:
            assert row.value == 20_000_000
        order(learner, row.subject, row.subject, at=batch.takes_effect_at + HOUR)
    update(learner, batch.takes_effect_at + DAY)
    assert set(known(learner)) == set(served())
    figures = latest_state(learner.id).figures
    assert (figures["holdback"], figures["holdback_rewarded"]) == (40 - len(served()),) * 2


def served():
    return list(BatchDecision.objects.filter(reason="LEARNED").order_by("subject").values_list("subject", flat=True))


def test_update__orders_while_a_price_held__are_its_reward_and_others_are_not(bandit):
    batch = batch_at(bandit, MIDNIGHT)
    mug, pan = served()[:2]
    order(bandit, "o1", mug, at=batch.takes_effect_at + HOUR, quantity=3)
    order(bandit, "o1", mug, at=batch.takes_effect_at + HOUR, quantity=3)
    order(bandit, "o2", mug, at=batch.takes_effect_at - timedelta(seconds=1), quantity=5)
    order(bandit, "o3", mug, at=batch.takes_effect_at + 2 * HOUR, quantity="many")
    order(bandit, "o4", mug, at=batch.takes_effect_at + 2 * HOUR, quantity=-2)
    order(bandit, "o5", mug, at=batch.takes_effect_at + 2 * HOUR, quantity=7, currency="XXX")
    until = batch.takes_effect_at + DAY
    order(bandit, "o6", pan, at=until, quantity=2)
    assert update(bandit, until) == 1
    pieces, _days = known(bandit)[mug]
    assert pieces == pytest.approx(3.0)
    assert known(bandit)[pan][0] == 0.0
    figures = latest_state(bandit.id).figures
    assert (figures["decisions"], figures["rewarded"], figures["fallback"]) == (len(ITEMS), 1, 0)
    state = verified_state(bandit, latest_state(bandit.id))
    (said,) = logged(mug)
    step = int(np.abs(state.prior.shares - said["features"][0][0]).argmin())
    assert state.pieces[state.items.index(mug)].argmax() == step


def test_update__price_that_holds_over_two_updates__counts_in_each_with_its_part(bandit):
    batch = batch_at(bandit, MIDNIGHT)
    mug = served()[0]
    start = batch.takes_effect_at
    order(bandit, "o1", mug, at=start + HOUR)
    order(bandit, "o2", mug, at=start + 13 * HOUR)
    assert update(bandit, start + 12 * HOUR) == 1
    first = known(bandit)[mug]
    assert update(bandit, start + DAY) == 2
    assert first[0] == pytest.approx(1.0)
    assert known(bandit)[mug] == (pytest.approx(2.0), pytest.approx(2.0 * first[1]))
    assert LearnerState.objects.filter(learner_id=bandit.id).count() == 3


def test_update__next_batch__ends_what_the_one_before_decided(bandit):
    first = batch_at(bandit, MIDNIGHT)
    second = batch_at(bandit, MIDNIGHT + DAY)
    assert update(bandit, second.takes_effect_at + DAY) == 1
    figures = latest_state(bandit.id).figures
    assert figures["decisions"] == 2 * len(ITEMS)
    lengths = second.takes_effect_at - first.takes_effect_at + DAY
    state = verified_state(bandit, latest_state(bandit.id))
    expected = lengths / DAY
    for place in range(len(state.items)):
        # Days count by the elasticity of the prior, as far as a price is from its step.
        assert state.days[place].sum() == pytest.approx(expected, rel=0.08)


def test_update__price_that_the_shop_sets_meanwhile__ends_it(bandit):
    batch = batch_at(bandit, MIDNIGHT)
    mug = served()[0]
    start = batch.takes_effect_at
    write_own_prices(project_id=bandit.project_id, prices=[(mug, 30_000_000)], now=start + 6 * HOUR)
    order(bandit, "o1", mug, at=start + HOUR)
    order(bandit, "o2", mug, at=start + 7 * HOUR)
    assert update(bandit, start + DAY) == 1
    pieces, days = known(bandit)[mug]
    assert pieces == pytest.approx(1.0)
    assert days == pytest.approx(0.25, rel=0.08)


def test_update__same_batch_three_times__changes_nothing_more_and_replays(bandit):
    batch = batch_at(bandit, MIDNIGHT)
    for number, item in enumerate(served()):
        order(bandit, f"o{number}", item, at=batch.takes_effect_at + HOUR, quantity=number)
    until = batch.takes_effect_at + DAY
    assert [update(bandit, until) for _ in range(3)] == [1, None, None]
    late = until + 9 * HOUR
    order(bandit, "late", served()[0], at=until - HOUR, quantity=40)
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE decisions_eventlog SET received_at = %s WHERE message_id = 'late' AND project_id = %s",
            [late, bandit.project_id],
        )
    key = project_facts(bandit.project_id).key
    outcomes = replay_learner(project_key=key, point_key=bandit.point_key, key=bandit.key)
    assert [found.outcome for found in outcomes] == [Outcome.SAME] * 2


def test_update__before_late_orders_are_in__is_refused(bandit):
    batch = batch_at(bandit, MIDNIGHT)
    until = batch.takes_effect_at + DAY
    with pytest.raises(BatchOpen):
        update(bandit, until, now=until + timedelta(minutes=59))
    assert latest_state(bandit.id).number == 0


def test_promise__learner_of_prices__is_due_an_hour_after_its_period(bandit):
    facts = project_facts(bandit.project_id)
    due = NOW + DAY + HOUR + facts.receipt_guard
    assert promise_updates(facts=facts, now=due - timedelta(minutes=1)) == 0
    assert promise_updates(facts=facts, now=due + timedelta(minutes=1)) == 1
    assert Job.objects.get(kind=UPDATE).payload["learner_id"] == bandit.id


def test_batch__after_much_was_sold__draws_with_the_new_state():
    learner = make_bandit(floor=1e-9)
    batch = batch_at(learner, MIDNIGHT)
    mug = served()[0]
    order(learner, "o1", mug, at=batch.takes_effect_at + HOUR, quantity=5_000)
    update(learner, batch.takes_effect_at + DAY)
    batch_at(learner, MIDNIGHT + 2 * DAY)
    before, after = logged(mug)
    assert (before["state"], after["state"]) == (0, 1)
    assert after["actions"][0][2] > 10.0 * before["actions"][0][2]


def test_batch__state_that_cannot_be_trusted__leaves_prices_to_the_baseline_and_says_so(bandit):
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE decisions_learnerstate DISABLE TRIGGER USER")
        cursor.execute("UPDATE decisions_learnerstate SET content = 'x'")
        cursor.execute("ALTER TABLE decisions_learnerstate ENABLE TRIGGER USER")
    batch = batch_at(bandit, MIDNIGHT)
    reasons = set(BatchDecision.objects.filter(batch=batch).values_list("reason", flat=True))
    assert "LEARNER_UNAVAILABLE" in reasons <= {"LEARNER_UNAVAILABLE", "HOLDBACK"}
    assert batch.fault.startswith("learner ")
    assert "LEARNER_STATE_" in batch.fault
    assert set(BatchDecision.objects.values_list("value", flat=True)) == {20_000_000}
