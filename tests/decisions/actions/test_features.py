"""Features of units in Redis: written from the log, in any order and as often as one likes, with one result."""

import os
from datetime import timedelta

import pytest
import redis
from django.db import connection

from decisions.actions.features import BEGINNING, promise_features, update_features
from decisions.actions.projection import project_events
from decisions.serving.feature_keys import LONGEST_HISTORY, bought_key, seen_key
from foundation.models import Job
from tests.fixtures.messages import log, unit_of
from tests.fixtures.records import NOW, make_project, simulation_clock
from tests.fixtures.registry import make_point

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
