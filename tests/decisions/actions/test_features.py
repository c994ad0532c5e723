"""Features of units in Redis: written from the log, in any order and as often as one likes, with one result."""

import os
from datetime import timedelta

import pytest
import redis
from django.db import connection

from decisions.actions.features import BEGINNING, promise_features, update_features
from decisions.actions.points import PointDraft, create_point
from decisions.actions.projection import project_events
from decisions.serving.feature_keys import LONGEST_HISTORY, bought_key, seen_key, showing, shown_key, times_shown
from foundation.models import Job
from tests.fixtures.messages import log, unit_of
from tests.fixtures.records import ACTOR, NOW, make_project, simulation_clock
from tests.fixtures.registry import log_decision, make_point

pytestmark = pytest.mark.django_db
UNTIL = NOW + timedelta(days=1)


@pytest.fixture
def store():
    client = redis.Redis.from_url(os.environ["REDIS_URL"], decode_responses=True)
    client.flushdb()
    yield client
    client.flushdb()


def view(project: int, item: str, minute: int, visitor: str = "v1", event: str = "Product Viewed") -> None:
    at = NOW + timedelta(minutes=minute)
    log(project, message_id=f"{visitor}-{item}-{minute}", event=event, at=at, visitor=visitor)
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE decisions_eventlog SET item = %s WHERE message_id = %s", [item, f"{visitor}-{item}-{minute}"]
        )


def test_update__views_and_orders__are_kept_by_their_time(store):
    project = make_project()
    view(project, "mug", 1)
    view(project, "lamp", 2)
    view(project, "mug", 3)
    order = {"products": [{"product_id": "scarf"}]}
    log(project, message_id="o", event="Order Completed", at=NOW + timedelta(minutes=4), properties=order)
    for _ in range(2):
        update_features(project_id=project, after=BEGINNING, until=UNTIL)
    unit = unit_of(project, "v1")
    assert store.zrevrange(seen_key(project, "visitor", unit), 0, -1) == ["scarf", "mug", "lamp"]
    assert store.zrevrange(bought_key(project, "visitor", unit), 0, -1) == ["scarf"]
    assert store.ttl(seen_key(project, "visitor", unit)) > 0


def test_update__in_pieces_and_out_of_order__ends_the_same(store):
    project = make_project()
    for minute in range(6):
        view(project, f"i{minute}", minute)
    middle = NOW + timedelta(minutes=3)
    update_features(project_id=project, after=middle, until=UNTIL)
    update_features(project_id=project, after=BEGINNING, until=middle)
    key = seen_key(project, "visitor", unit_of(project, "v1"))
    assert store.zrevrange(key, 0, -1) == [f"i{minute}" for minute in reversed(range(6))]


def test_update__long_history__keeps_the_latest(store):
    project = make_project()
    for minute in range(LONGEST_HISTORY + 5):
        view(project, f"i{minute}", minute)
    update_features(project_id=project, after=BEGINNING, until=UNTIL)
    key = seen_key(project, "visitor", unit_of(project, "v1"))
    assert store.zcard(key) == LONGEST_HISTORY
    assert store.zscore(key, "i0") is None


def test_update__redis_is_silent__raises_so_that_the_job_comes_back(settings):
    project = make_project()
    view(project, "mug", 1)
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    with pytest.raises(redis.RedisError):
        update_features(project_id=project, after=BEGINNING, until=UNTIL)


def test_promise__only_where_a_decision_point_reads_them__and_once_for_each_stretch():
    project = make_project()
    assert not promise_features(project_id=project, after=BEGINNING, until=UNTIL)
    make_point(project)
    assert promise_features(project_id=project, after=BEGINNING, until=UNTIL)
    assert not promise_features(project_id=project, after=BEGINNING, until=UNTIL)


def test_projector__with_messages__promises_the_features_of_just_these(django_db_setup):
    project = make_project(clock=simulation_clock())
    make_point(project)
    view(project, "mug", 0)
    project_events(project_id=project)
    payload = Job.objects.get(kind="update_features").payload
    assert payload["after"] == BEGINNING.isoformat()


def make_banner(project: int) -> int:
    """Return the id of a decision point whose domain asks what was shown lately."""
    draft = PointDraft(key="banner", name="Banner", domain="ad_placement")
    return create_point(project_id=project, draft=draft, acting_user=ACTOR, now=NOW)


def shown_to(store, project: int, kind: str = "visitor", visitor: str = "v1") -> dict[str, int]:
    return times_shown(store.zrange(shown_key(project, kind, unit_of(project, visitor)), 0, -1))


def promotion(project: int, message_id: str, creative: str, *, minute: int = 1, **properties: str) -> None:
    at, said = NOW + timedelta(minutes=minute), {"promotion_id": creative, **properties}
    log(project, message_id=message_id, event="Promotion Viewed", at=at, properties=said)


def test_update__decisions_that_were_shown_and_promotions_viewed__count_once_each_however_often_written(store):
    project = make_project()
    make_banner(project)
    actions = [["red", 0.5, 1.0], ["blue", 1.0, None]]
    log_decision(project, "banner", decision_id="d1", at=NOW, displayed=True, actions=actions)
    log_decision(project, "banner", decision_id="d2", at=NOW, exposed=True, actions=actions[:1])
    promotion(project, "m1", "red")
    promotion(project, "m2", "blue", decision_id="d1")
    for _ in range(2):
        update_features(project_id=project, after=BEGINNING, until=UNTIL)

    assert shown_to(store, project) == {"red": 3, "blue": 1}
    key = shown_key(project, "visitor", unit_of(project, "v1"))
    assert store.zscore(key, showing("red", "d1")) == NOW.timestamp()
    assert store.ttl(key) > 0


def test_update__decision_shown_later__counts_once_it_was_and_only_then(store):
    project = make_project()
    make_banner(project)
    log_decision(project, "banner", decision_id="d1", at=NOW, actions=[["red", 1.0, 1.0]])
    update_features(project_id=project, after=BEGINNING, until=UNTIL)
    assert shown_to(store, project) == {}

    viewed = NOW + timedelta(minutes=5)
    log(project, message_id="e", event="Experiment Viewed", at=viewed, properties={"decision_id": "d1"})
    update_features(project_id=project, after=NOW + timedelta(minutes=1), until=UNTIL)

    assert shown_to(store, project) == {"red": 1}
    key = shown_key(project, "visitor", unit_of(project, "v1"))
    assert store.zscore(key, showing("red", "d1")) == viewed.timestamp()


def test_update__many_showings__keeps_the_latest(store, monkeypatch):
    monkeypatch.setattr("decisions.actions.features.LONGEST_SHOWN", 3)
    project = make_project()
    make_banner(project)
    for minute in range(5):
        promotion(project, f"m{minute}", f"c{minute}", minute=minute)
    update_features(project_id=project, after=BEGINNING, until=UNTIL)

    assert shown_to(store, project) == {"c2": 1, "c3": 1, "c4": 1}


def test_update__domains_that_do_not_ask__are_not_told_what_was_shown(store):
    project = make_project()
    make_point(project)
    log_decision(project, "home", decision_id="d1", at=NOW, displayed=True, actions=[["mug", 1.0, 1.0]])
    promotion(project, "m1", "red")
    update_features(project_id=project, after=BEGINNING, until=UNTIL)
    assert shown_to(store, project) == {}

    make_banner(project)
    update_features(project_id=project, after=BEGINNING, until=UNTIL)

    assert shown_to(store, project) == {"red": 1}, "decisions of a point that does not ask are not counted"
