"""The catalogue: items are taken one by one, changes are published together, and only when something changed."""

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from hashlib import sha256

import pytest
from django.db import connection, transaction

from decisions.actions.catalogue import TooManyItems, confirm, publish_catalogue, put_actions, put_items
from decisions.actions.chunks import forget_unnamed_chunks, publish_chunks
from decisions.actions.publishing import publish_bundle
from decisions.actions.supply import put_supply
from decisions.ingest.collections import CollectionUnknown, collection_of
from decisions.models import (
    CatalogueFreshness,
    DecisionPoint,
    Item,
    PublishedBundle,
    PublishedCatalogue,
    PublishedChunk,
)
from decisions.queries.catalogue import catalogue_content, items_by_id, published_catalogues
from decisions.serving.catalogues import read_catalogue
from foundation.models import Job, Project
from tests.fixtures.messages import log
from tests.fixtures.records import NOW, make_project, simulation_clock
from tests.fixtures.registry import make_champion, make_model, make_point, make_version

pytestmark = pytest.mark.django_db
MUG = {"item_id": "mug", "title": "Mug 杯子", "category": "Kitchen", "price": 12.5, "rating": 4.5, "stock": 3}


def content(collection: str = "items") -> dict:
    return json.loads(published(collection))


def published(collection: str) -> bytes:
    state = PublishedCatalogue.objects.get(collection=collection)
    chunks = PublishedChunk.objects.filter(sha256=state.sha256).order_by("position")
    return b"".join(bytes(chunk.content) for chunk in chunks)


def test_put_items__new_changed_and_same__are_counted_and_published_once():
    project = make_project()
    assert put_items(project_id=project, items=[MUG, {"item_id": "lamp"}]).created == 2
    taken = put_items(project_id=project, items=[MUG, {"item_id": "lamp", "stock": 0}])
    assert (taken.created, taken.updated, taken.unchanged, taken.refused) == (0, 1, 1, ())
    assert Item.objects.get(item_id="mug").price == 12_500_000
    assert Job.objects.filter(kind="publish_catalogue").count() <= 2


@pytest.mark.parametrize(
    ("item", "told"),
    [
        ("mug", "object"),
        ({}, "item_id"),
        ({"item_id": ""}, "item_id"),
        ({"item_id": 7}, "item_id"),
        ({"item_id": "x" * 201}, "item_id"),
        ({"item_id": "a\0b"}, "item_id"),
        ({"item_id": "\ud800"}, "item_id"),
        ({"item_id": "a", "colour": "red"}, "colour"),
        ({"item_id": "a", "price": -1}, "price"),
        ({"item_id": "a", "price": "much"}, "price"),
        ({"item_id": "a", "price": True}, "price"),
        ({"item_id": "a", "price": 1e400}, "price"),
        ({"item_id": "a", "rating": 5.1}, "rating"),
        ({"item_id": "a", "rating": float("nan")}, "rating"),
        ({"item_id": "a", "stock": -1}, "stock"),
        ({"item_id": "a", "stock": 1.5}, "stock"),
        ({"item_id": "a", "title": ["x"]}, "title"),
    ],
)
def test_put_items__one_bad_item__is_told_and_the_others_are_taken(item, told):
    project = make_project()
    taken = put_items(project_id=project, items=[MUG, item])
    assert (taken.created, len(taken.refused)) == (1, 1)
    assert (taken.refused[0].index, told in taken.refused[0].reason) == (1, True)
    assert list(Item.objects.values_list("item_id", flat=True)) == ["mug"]


def test_put_items__more_than_a_thousand__takes_none():
    with pytest.raises(TooManyItems):
        put_items(project_id=make_project(), items=[{"item_id": str(n)} for n in range(1001)])
    assert Item.objects.count() == 0


def test_put_stock__unknown_item__is_told_and_known_ones_keep_the_rest():
    project = make_project()
    put_items(project_id=project, items=[MUG])
    taken = put_supply(
        project_id=project, name="stock", items=[{"item_id": "mug", "stock": 0}, {"item_id": "ghost", "stock": 1}]
    )
    assert (taken.updated, [fault.item_id for fault in taken.refused]) == (1, ["ghost"])
    row = Item.objects.get()
    assert (row.stock, row.title) == (0, "Mug 杯子")


def test_publish__items_and_what_is_popular__become_columns_and_move_the_revision():
    project = make_project()
    put_items(project_id=project, items=[MUG, {"item_id": "lamp", "stock": 0}, {"item_id": "scarf"}])
    for number in range(3):
        log(project, message_id=f"m{number}", event="Product Viewed", at=NOW, properties={"product_id": "lamp"})
    with connection.cursor() as cursor:
        cursor.execute("UPDATE decisions_eventlog SET item = 'lamp'")
    order = {"products": [{"product_id": "mug", "quantity": 1}]}
    log(project, message_id="o", event="Order Completed", at=NOW, properties=order)
    revision = Project.objects.get().revision
    assert publish_catalogue(project_id=project, now=NOW + timedelta(hours=1))
    assert content() == {
        "schema": 2,
        "collection": "items",
        "fresh_at": None,
        "items": ["lamp", "mug", "scarf"],
        "in_stock": [0, 1, 1],
        "baseline": [3.0, 10.0, 0.0],
        "fields": {
            "title": ["", MUG["title"], ""],
            "category": ["", MUG["category"], ""],
            "price": [None, MUG["price"], None],
        },
    }
    assert Project.objects.get().revision == revision + 1
    assert not publish_catalogue(project_id=project, now=NOW + timedelta(hours=1))
    assert Project.objects.get().revision == revision + 1


def test_chunks__that_no_bundle_names__are_forgotten_and_the_others_stay():
    project = make_project()
    model = make_model(project)
    make_point(project, model)
    make_champion(make_version(model))
    put_items(project_id=project, items=[MUG])
    publish_catalogue(project_id=project, now=NOW)
    publish_bundle(project_id=project)
    named = set(PublishedChunk.objects.values_list("sha256", flat=True))
    publish_chunks("0" * 64, b"nobody names this")
    assert forget_unnamed_chunks() == 1
    assert set(PublishedChunk.objects.values_list("sha256", flat=True)) == named
    bundle = json.loads(PublishedBundle.objects.get().content)
    assert named == {bundle["catalogue"]["sha256"], bundle["models"][0]["sha256"]}
    assert bundle["decision_points"][0]["champions"][0]["version"] == bundle["models"][0]["version"]


@pytest.mark.django_db(transaction=True)
def test_put_items__the_same_by_eight_at_once__ends_with_one_row_each():
    project = make_project()
    items = [{"item_id": f"i{n}", "stock": 1} for n in range(50)]
    created = []

    def put(order):
        created.append(put_items(project_id=project, items=order).created)
        connection.close()

    threads = [threading.Thread(target=put, args=(items[::step],)) for step in (1, -1) * 4]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(created) == 8
    assert Item.objects.count() == 50


AD = {"item_id": "ad-1", "title": "Spring 春", "campaign": "spring", "bid": 0.25, "slot": "top"}


def test_put_actions__of_another_collection__have_its_fields_and_leave_items_alone():
    project = make_project()
    put_items(project_id=project, items=[{**MUG, "item_id": "ad-1"}])
    plain = {"item_id": "ad-2", "campaign": "autumn", "bid": 1, "budget": None}
    taken = put_actions(project_id=project, collection="creatives", items=[AD, plain, {"item_id": "ad-3"}])
    assert (taken.created, [fault.reason for fault in taken.refused]) == (2, ["campaign is missing."])
    again = put_actions(project_id=project, collection="creatives", items=[AD, {**plain, "bid": 2}])
    assert (again.created, again.updated, again.unchanged) == (0, 1, 1)
    rows = Item.objects.filter(collection="creatives").order_by("item_id")
    assert [row.properties for row in rows] == [
        {"campaign": "spring", "bid": 0.25, "slot": "top"},
        {"campaign": "autumn", "bid": 2.0},
    ]
    assert Item.objects.get(collection="items").title == "Mug 杯子"
    assert items_by_id(project, {"ad-1"}, collection="creatives")["ad-1"].title == "Spring 春"
    assert items_by_id(project, {"ad-1"})["ad-1"].title == "Mug 杯子"


def test_put_actions__unknown_collection__is_refused_and_writes_nothing():
    with pytest.raises(CollectionUnknown):
        put_actions(project_id=make_project(), collection="hats", items=[{"item_id": "a"}])
    assert (Item.objects.count(), CatalogueFreshness.objects.count()) == (0, 0)


def test_put_items__one_id_twice__takes_the_last():
    project = make_project()
    assert put_items(project_id=project, items=[MUG, {**MUG, "stock": 9}]).created == 1
    assert Item.objects.get().stock == 9


def test_publish__another_collection__has_fields_as_the_edge_reads_them_and_clicks_as_its_baseline():
    project = make_project()
    put_actions(project_id=project, collection="creatives", items=[AD, {"item_id": "ad-2", "campaign": "x", "bid": 3}])
    put_supply(project_id=project, name="stock", items=[{"item_id": "ad-2", "stock": 0}])
    for number in range(4):
        at = NOW - timedelta(days=number * 9)
        log(project, message_id=f"p{number}", event="Promotion Clicked", at=at, properties={"promotion_id": "ad-2"})
    assert publish_catalogue(project_id=project, now=NOW, collection="creatives")
    found = read_catalogue(published("creatives"), collection="creatives")
    assert (found.items, found.in_stock.tolist(), found.fresh_at) == (("ad-1", "ad-2"), [True, True], None)
    assert found.baseline.tolist() == pytest.approx([0.05, 0.09])
    assert found.fields["title"] == ("Spring 春", "")
    assert found.fields["slot"] == ("top", "")
    assert found.fields["bid"].tolist() == [0.25, 3.0]
    assert found.fields["price"].tolist() != found.fields["price"].tolist()
    assert not publish_catalogue(project_id=project, now=NOW, collection="creatives")
    assert [facts.collection for facts in published_catalogues(project)] == ["creatives"]
    assert published_catalogues(make_project(key="other")) == []


def test_confirmed__by_every_request_that_is_taken__never_moves_back():
    started = NOW - timedelta(days=3)
    project = make_project(clock=simulation_clock(origin=NOW, started_at=started, speed=60.0))
    put_items(project_id=project, items=[{"item_id": 7}])
    assert CatalogueFreshness.objects.count() == 0
    confirm(project_id=project, collection="items", at=NOW)
    put_items(project_id=project, items=[MUG])
    first = CatalogueFreshness.objects.get().fresh_at
    assert first > NOW
    for again in ([MUG], []):
        put_items(project_id=project, items=again)
        later = CatalogueFreshness.objects.get().fresh_at
        assert later > first
        first = later
    put_supply(project_id=project, name="stock", items=[{"item_id": "ghost", "stock": 1}])
    confirm(project_id=project, collection="items", at=NOW)
    assert CatalogueFreshness.objects.get().fresh_at == first
    put_supply(project_id=project, name="stock", items=[{"item_id": "mug", "stock": 3}])
    assert CatalogueFreshness.objects.get(collection="items").fresh_at > first


def test_freshness__while_nobody_asks__publishes_nothing_and_none_is_told():
    project = make_project()
    put_items(project_id=project, items=[MUG])
    publish_catalogue(project_id=project, now=NOW)
    Job.objects.all().delete()
    put_items(project_id=project, items=[MUG])
    assert Job.objects.count() == 0
    assert content()["fresh_at"] is None


def test_freshness__that_a_point_asks_for__is_published_but_not_before_a_quarter_of_its_age():
    project = make_project()
    make_point(project)
    DecisionPoint.objects.update(most_age_minutes=60)
    put_items(project_id=project, items=[MUG])
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        now = cursor.fetchone()[0]
    publish_catalogue(project_id=project, now=now)
    confirmed = CatalogueFreshness.objects.get().fresh_at
    assert content()["fresh_at"] == int(confirmed.timestamp())
    assert read_catalogue(published("items")).fresh_at == int(confirmed.timestamp())
    Job.objects.all().delete()
    for _ in range(3):
        put_items(project_id=project, items=[MUG])
    assert Job.objects.get().run_after == now + timedelta(minutes=15)
    PublishedCatalogue.objects.update(published_at=now - timedelta(days=1))
    put_items(project_id=project, items=[MUG])
    assert Job.objects.latest("pk").run_after < now + timedelta(seconds=30)


@pytest.mark.django_db(transaction=True)
def test_put__by_many_in_opposite_orders__never_waits_in_a_circle():
    project = make_project()
    names = [f"i{n}" for n in range(200)]
    put_items(project_id=project, items=[{"item_id": name, "stock": 0} for name in names[::2]])

    def put(worker):
        try:
            for step in range(6):
                order = names[:: 1 if (worker + step) % 2 else -1]
                items = [{"item_id": name, "stock": worker} for name in order]
                if worker % 3 == 0:
                    put_supply(project_id=project, name="stock", items=items)
                else:
                    put_items(project_id=project, items=items)
        finally:
            connection.close()

    with ThreadPoolExecutor(6) as pool:
        for done in [pool.submit(put, worker) for worker in range(6)]:
            done.result()
    assert Item.objects.count() == 200
    assert Item.objects.values("stock").distinct().count() == 1


@pytest.mark.django_db(transaction=True)
def test_publish__two_at_the_same_time__the_later_state_of_the_items_is_what_stays():
    project = make_project()
    put_items(project_id=project, items=[MUG])
    publish_catalogue(project_id=project, now=NOW)
    put_items(project_id=project, items=[{**MUG, "stock": 0}])
    older = catalogue_content(project, collection_of("items"), at=NOW, fresh_at=None).content
    digest = sha256(older).hexdigest()

    def run(*changes):
        try:
            put_items(project_id=project, items=changes)
            publish_catalogue(project_id=project, now=NOW)
        finally:
            connection.close()

    first = threading.Thread(target=run)
    second = threading.Thread(target=run, args=({**MUG, "stock": 0}, {"item_id": "lamp"}))
    with transaction.atomic():
        # The first one has read the items, and waits to write what it made of them.
        PublishedChunk.objects.create(sha256=digest, position=0, content=older)
        first.start()
        while waiting_for_locks() < 1:
            pass
        second.start()
        while second.is_alive() and waiting_for_locks() < 2:
            pass
    first.join()
    second.join()
    assert content()["items"] == ["lamp", "mug"]


def waiting_for_locks() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_clear_snapshot()")
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity"
            " WHERE datname = current_database() AND cardinality(pg_blocking_pids(pid)) > 0"
        )
        return int(cursor.fetchone()[0])
