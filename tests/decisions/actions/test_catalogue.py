"""The catalogue: items are taken one by one, changes are published together, and only when something changed."""

import json
import threading
from datetime import timedelta

import pytest
from django.db import connection

from decisions.actions.catalogue import TooManyItems, publish_catalogue, put_items, put_stock
from decisions.actions.chunks import forget_unnamed_chunks, publish_chunks
from decisions.actions.publishing import publish_bundle
from decisions.models import Item, PublishedBundle, PublishedCatalogue, PublishedChunk
from foundation.models import Job, Project
from tests.fixtures.messages import log
from tests.fixtures.records import NOW, make_project
from tests.fixtures.registry import make_champion, make_model, make_point, make_version

pytestmark = pytest.mark.django_db
MUG = {"item_id": "mug", "title": "Mug 杯子", "category": "Kitchen", "price": 12.5, "rating": 4.5, "stock": 3}


def content() -> dict:
    state = PublishedCatalogue.objects.get()
    chunks = PublishedChunk.objects.filter(sha256=state.sha256).order_by("position")
    return json.loads(b"".join(bytes(chunk.content) for chunk in chunks))


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
    taken = put_stock(project_id=project, items=[{"item_id": "mug", "stock": 0}, {"item_id": "ghost", "stock": 1}])
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
        "schema": 1,
        "items": ["lamp", "mug", "scarf"],
        "in_stock": [0, 1, 1],
        "baseline": [3.0, 10.0, 0.0],
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
