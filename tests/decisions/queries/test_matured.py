"""Only what was seen and whose time is over is learnt from; a reward counts once, in time, for what was seen last."""

from datetime import timedelta

import numpy as np
import pytest
from django.db import transaction

from decisions.learning import LearnerKind
from decisions.queries.matured import matured_rewards
from tests.fixtures.learning import log_choice, log_click, make_ad_point, make_learner
from tests.fixtures.messages import log, minutes
from tests.fixtures.records import NOW, make_project
from tests.fixtures.registry import make_point

pytestmark = pytest.mark.django_db

AT = NOW + minutes(10)
UNTIL = NOW + timedelta(days=1)
LATER = NOW + timedelta(days=30)


@pytest.fixture
def learner():
    project_id = make_project()
    return make_learner(make_point(project_id))


def matured(learner, *, since=NOW, until=UNTIL, received_before=LATER):
    with transaction.atomic():
        return matured_rewards(learner, since=since, until=until, received_before=received_before)


def rewards(learner, **changes):
    """Return (item, reward) of each row."""
    batch = matured(learner, **changes).batch
    return [(batch.item_ids[item], reward) for item, reward in zip(batch.items, batch.rewards.tolist(), strict=True)]


def test_rewards__action_clicked_in_time__is_one_and_the_others_are_zero(learner):
    log_choice(learner, "d1", at=AT, items=("mug", "lamp"))
    log_choice(learner, "d2", at=AT + minutes(1), visitor="v2", items=("mug",))
    log_click(learner.project_id, "c1", at=AT + minutes(5), item="lamp")
    assert rewards(learner) == [("mug", 0.0), ("lamp", 1.0), ("mug", 0.0)]
    assert matured(learner).batch.positions.tolist() == [0, 1, 0]


@pytest.mark.parametrize(
    ("after", "counts"),
    [(minutes(-1), 0.0), (minutes(0), 1.0), (minutes(59), 1.0), (minutes(60), 0.0), (timedelta(hours=20), 0.0)],
)
def test_rewards__click_at_a_distance_from_the_decision__counts_only_inside_its_time(learner, after, counts):
    log_choice(learner, "d1", at=AT)
    log_click(learner.project_id, "c1", at=AT + after)
    assert rewards(learner) == [("mug", counts)]
    assert matured(learner).figures["late"] == (1 if after >= minutes(60) else 0)


def test_rewards__click_of_somebody_else_or_of_something_else__is_unattributed(learner):
    log_choice(learner, "d1", at=AT)
    log_click(learner.project_id, "c1", at=AT + minutes(1), visitor="v2")
    log_click(learner.project_id, "c2", at=AT + minutes(1), item="scarf")
    found = matured(learner)
    assert found.batch.rewards.tolist() == [0.0]
    assert (found.figures["happened"], found.figures["unattributed"]) == (2, 2)


def test_rewards__the_same_click_again_and_two_clicks__count_once(learner):
    log_choice(learner, "d1", at=AT)
    for message_id in ("c1", "c1", "c2"):
        log_click(learner.project_id, message_id, at=AT + minutes(2))
    assert rewards(learner) == [("mug", 1.0)]


def test_rewards__item_seen_twice_before_one_click__counts_for_the_later_decision(learner):
    log_choice(learner, "d1", at=AT)
    log_choice(learner, "d2", at=AT + minutes(5))
    log_click(learner.project_id, "c1", at=AT + minutes(6))
    assert rewards(learner) == [("mug", 0.0), ("mug", 1.0)]


def test_rewards__later_decision_outside_the_batch__takes_its_click_with_it(learner):
    log_choice(learner, "d1", at=AT)
    log_choice(learner, "d2", at=AT + minutes(5))
    log_click(learner.project_id, "c1", at=AT + minutes(6))
    assert rewards(learner, until=AT + minutes(3)) == [("mug", 0.0)]
    assert rewards(learner, since=AT + minutes(3)) == [("mug", 1.0)]


def test_rewards__decision_that_nobody_saw__is_counted_and_not_learnt_from(learner):
    log_choice(learner, "d1", at=AT, displayed=False)
    log_click(learner.project_id, "c1", at=AT + minutes(1))
    found = matured(learner)
    assert len(found.batch) == 0
    assert (found.figures["decisions"], found.figures["unseen"]) == (1, 1)


@pytest.mark.parametrize("event", ["Experiment Viewed", "Promotion Viewed"])
def test_rewards__exposure_that_names_the_decision__opens_its_time(learner, event):
    log_choice(learner, "d1", at=AT, displayed=False)
    log(
        learner.project_id,
        message_id="e1",
        event=event,
        at=AT + minutes(50),
        properties={"decision_id": "d1"},
    )
    log_click(learner.project_id, "c1", at=AT + minutes(100))
    assert rewards(learner) == [("mug", 1.0)]


def test_rewards__exposure_of_another_unit_or_too_late__opens_nothing(learner):
    log_choice(learner, "d1", at=AT, displayed=False)
    named = {"decision_id": "d1"}
    log(learner.project_id, message_id="e1", event="Experiment Viewed", at=AT, visitor="v2", properties=named)
    log(learner.project_id, message_id="e2", event="Experiment Viewed", at=AT + minutes(61), properties=named)
    assert rewards(learner) == []


def test_rewards__holdback_fallback_and_other_policies__are_counted_and_not_learnt_from(learner):
    log_choice(learner, "d1", at=AT, holdback=True, policy="baseline", reason="HOLDBACK")
    log_choice(learner, "d2", at=AT, visitor="v2", policy="baseline", reason="LEARNER_UNAVAILABLE")
    log_choice(learner, "d3", at=AT, visitor="v3", learner=learner.id + 1)
    log_choice(learner, "d4", at=AT, visitor="v4", learner=None)
    found = matured(learner)
    assert len(found.batch) == 0
    assert (found.figures["holdback"], found.figures["fallback"], found.figures["decisions"]) == (1, 1, 2)


def test_rewards__of_both_sides__are_counted_by_decisions(learner):
    log_choice(learner, "d1", at=AT, items=("mug", "lamp"))
    log_choice(learner, "d2", at=AT, visitor="v2", policy="baseline", reason="LEARNER_UNAVAILABLE")
    log_choice(learner, "d3", at=AT, visitor="v3", holdback=True, policy="baseline", reason="HOLDBACK")
    log_choice(learner, "d4", at=AT, visitor="v4", holdback=True, policy="baseline", reason="HOLDBACK")
    for number, (visitor, item) in enumerate((("v1", "mug"), ("v1", "lamp"), ("v2", "mug"), ("v3", "mug"))):
        log_click(learner.project_id, f"c{number}", at=AT + minutes(1), visitor=visitor, item=item)
    found = matured(learner).figures
    assert (found["served"], found["served_rewarded"]) == (2, 2)
    assert (found["holdback"], found["holdback_rewarded"]) == (2, 1)


def test_rewards__what_was_received_after_the_bound__does_not_exist(learner):
    log_choice(learner, "d1", at=AT)
    log_choice(learner, "d2", at=AT + minutes(30), visitor="v2")
    log_click(learner.project_id, "c1", at=AT + minutes(20))
    assert rewards(learner, received_before=AT + minutes(10)) == [("mug", 0.0)]
    assert rewards(learner, received_before=AT + minutes(20)) == [("mug", 1.0)]


def test_rewards__what_the_baseline_filled_up_with__is_left_out(learner):
    log_choice(learner, "d1", at=AT, actions=[["mug", 0.5, 0.1], ["lamp", 1.0, None]])
    assert rewards(learner) == [("mug", 0.0)]


def test_rewards__other_project_with_the_same_keys__is_not_mixed_in(learner):
    other = make_learner(make_point(make_project(key="other")))
    log_choice(other, "d1", at=AT)
    log_click(other.project_id, "c1", at=AT)
    assert (rewards(learner), rewards(other)) == ([], [("mug", 1.0)])


def test_features__as_logged__run_parallel_and_are_nan_where_they_cannot_be():
    learner = make_learner(make_ad_point(make_project()), LearnerKind.LINEAR)
    width = len(learner.domain.hooks.feature_names)
    log_choice(learner, "d1", at=AT, items=("a", "b"), features=[[1.0] * width, [0.5] * width])
    log_choice(learner, "d2", at=AT + minutes(1), items=("a",), features=[[1.0] * (width - 1)])
    log_choice(learner, "d3", at=AT + minutes(2), items=("a",), features=[[None] * width])
    log_choice(learner, "d4", at=AT + minutes(3), items=("a",), features="none")
    log_choice(learner, "d5", at=AT + minutes(4), items=("a",))
    features = matured(learner).batch.features
    assert features[:2, 0].tolist() == [1.0, 0.5]
    assert features.shape == (6, width)
    assert np.isnan(features[2:]).all()


def order(project_id, message_id, *, at, total="20", products=(), order_id=None, **units):
    log(
        project_id,
        message_id=message_id,
        event="Order Completed",
        at=at,
        **units,
        properties={"order_id": order_id or message_id, "total": total, "products": list(products)},
    )


def test_rewards__order_of_a_shown_item__gives_what_was_ordered_of_it_once():
    settings = {"target": "value", "noise_variance": 100.0, "prior_variance": 100.0}
    project_id = make_project()
    learner = make_learner(make_point(project_id), LearnerKind.BETA, reward="ordered")
    log_choice(learner, "d1", at=AT, items=("mug", "lamp"))
    lines = [{"product_id": "mug", "price": 4.5, "quantity": 2}, {"product_id": "scarf", "price": 9}]
    order(project_id, "o1", at=AT + timedelta(days=2), products=lines)
    order(project_id, "o1-again", at=AT + timedelta(days=3), products=lines, order_id="o1")
    assert rewards(learner) == [("mug", 1.0), ("lamp", 0.0)]
    ads = make_learner(make_ad_point(project_id), LearnerKind.LINEAR, reward="ordered", settings=settings)
    assert ads.scheme().settings.target == "value"


def test_rewards__order_told_again_after_another_decision__is_the_merit_of_what_was_shown_before_it():
    project_id = make_project()
    learner = make_learner(make_point(project_id), LearnerKind.BETA, reward="ordered")
    lines = [{"product_id": "mug", "price": 4.5}]
    log_choice(learner, "d1", at=AT)
    order(project_id, "o1", at=AT + timedelta(hours=2), products=lines)
    log_choice(learner, "d2", at=AT + timedelta(hours=3))
    order(project_id, "o1-again", at=AT + timedelta(hours=4), products=lines, order_id="o1")
    assert rewards(learner) == [("mug", 1.0), ("mug", 0.0)]
    between = AT + timedelta(hours=2, minutes=30)
    assert rewards(learner, until=between) == [("mug", 1.0)]
    assert rewards(learner, since=between) == [("mug", 0.0)]  # it was the merit of a batch before


def test_rewards__order_told_under_two_units__is_looked_for_under_both():
    project_id = make_project()
    learner = make_learner(make_point(project_id), LearnerKind.BETA, reward="ordered")
    lines = [{"product_id": "mug", "price": 4.5}]
    log_choice(learner, "d1", at=AT, visitor="v1")
    order(project_id, "o1", at=AT + timedelta(hours=2), products=lines, visitor="v2")
    order(project_id, "o1-again", at=AT + timedelta(hours=2, seconds=3), products=lines, order_id="o1", visitor="v1")
    assert rewards(learner) == [("mug", 1.0)]


def click_ad(project_id, message_id, *, at, creative):
    log(project_id, message_id=message_id, event="Promotion Clicked", at=at, properties={"promotion_id": creative})


@pytest.mark.parametrize(("total", "value"), [("20.5", 20.5), ("a lot", float("nan")), ("NaN", float("nan"))])
def test_rewards__order_that_names_no_action__is_the_merit_of_the_creative_clicked_last(total, value):
    project_id = make_project()
    settings = {"target": "value", "noise_variance": 100.0, "prior_variance": 100.0}
    learner = make_learner(make_ad_point(project_id), LearnerKind.LINEAR, reward="ordered", settings=settings)
    log_choice(learner, "d1", at=AT, items=("first", "second", "third"))
    click_ad(project_id, "c1", at=AT + minutes(2), creative="second")
    click_ad(project_id, "c2", at=AT + minutes(1), creative="first")
    click_ad(project_id, "c3", at=AT + timedelta(hours=2), creative="third")  # too late to count as a click
    order(project_id, "o1", at=AT + timedelta(days=1), total=total)
    order(project_id, "o2", at=AT + timedelta(days=8))
    found = rewards(learner)
    assert [item for item, _ in found] == ["first", "second", "third"]
    assert [reward for _, reward in found] == pytest.approx([0.0, value, 0.0], nan_ok=True)
