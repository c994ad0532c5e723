"""Feeds of costs, suppliers and stock, from a real server: taken line by line, refused lines told by their numbers."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.db import transaction

from decisions.actions.catalogue import put_items
from decisions.actions.feeds import FeedDraft, create_feed
from decisions.actions.pulling import pull_feed
from decisions.actions.supply import put_supply
from decisions.models import CatalogueFeed, CatalogueFreshness, Item, ItemCluster, ItemCost, StockCount, Supplier
from decisions.queries.feeds import PullOutcome, PullState, read_outcome
from tests.fixtures.file_server import HOST, FileServer
from tests.fixtures.records import ACTOR, NOW, make_project

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def server(settings) -> Iterator[FileServer]:
    """Return a server of files that workers may fetch from."""
    settings.FEED_HOSTS = (HOST,)
    running = FileServer()
    yield running
    running.close()


def pull(server: FileServer, collection: str, text: str, *, minute: int = 0) -> PullOutcome:
    """Serve a file, let a feed of the only project pull it as a worker does, and return what is told of it."""
    now = NOW + timedelta(minutes=minute)
    feed = CatalogueFeed.objects.filter(collection=collection).values_list("pk", flat=True).first()
    feed = feed or create_feed(
        project_id=make_project(), collection=collection, draft=FeedDraft(url=server.url()), acting_user=ACTOR, now=now
    )
    server.serve(text.encode())
    effect = pull_feed(feed_id=feed, now=now)
    with transaction.atomic():
        effect(now)
    told = read_outcome(CatalogueFeed.objects.get(pk=feed).outcome)
    assert told is not None
    return told


def told(outcome: PullOutcome) -> tuple:
    return outcome.state, outcome.created, outcome.updated, outcome.unchanged, [fault.line for fault in outcome.faults]


def test_pull__costs__become_rows_and_the_same_file_again_changes_nothing(server):
    lines = ["mug;4,5;", "mug;4.5;2026-03-01T00:00:00Z", "lamp;9;2026-03-01T00:00:00Z", "mug;5;2026-03-02T00:00:00Z"]
    text = "item_id;cost;from\n" + "\n".join(lines)
    assert told(pull(server, "costs", text)) == (PullState.TAKEN, 2, 1, 0, [2])
    assert told(pull(server, "costs", text, minute=1)) == (PullState.TAKEN, 0, 0, 3, [2])
    rows = ItemCost.objects.order_by("item_id", "valid_from").values_list("item_id", "cost")
    assert list(rows) == [("lamp", 9_000_000), ("mug", 4_500_000), ("mug", 5_000_000)]
    assert CatalogueFreshness.objects.get(collection="costs").fresh_at == NOW + timedelta(minutes=1)


def test_pull__costs_that_contradict_what_is_known__are_told_with_their_lines(server):
    pull(server, "costs", "item_id,cost,from\nmug,4,2026-03-01T00:00:00Z\n")
    text = "item_id,cost,from\nlamp,1,\nmug,5,2026-03-01T00:00:00Z\n"
    found = pull(server, "costs", text, minute=1)
    assert told(found) == (PullState.TAKEN, 1, 0, 0, [3])
    assert found.faults[0].reason.startswith("COST_KNOWN")
    assert found.refused == 1


def test_pull__suppliers__need_their_own_id(server):
    assert pull(server, "suppliers", "item_id,lead_days\na,1\n").code == "FEED_HEADER_INVALID"
    text = "supplier_id,name,lead_days,lead_sd\nacme,Acme,7,\nother,,x,\n"
    assert told(pull(server, "suppliers", text, minute=1)) == (PullState.TAKEN, 1, 0, 0, [3])
    assert Supplier.objects.get().lead_days == 7


def test_pull__stock_of_stores_and_items__goes_to_each(server):
    first = pull(server, "stock", "store_id,item_id,stock,counted_at\ns,mug,3,2026-03-02T11:00:00Z\n")
    assert told(first) == (PullState.TAKEN, 1, 0, 0, [])
    project = CatalogueFeed.objects.get().project_id
    put_items(project_id=project, items=[{"item_id": "mug"}])
    lines = ["s,mug,4,1,2026-03-02T11:30:00Z", ",mug,9,,", "s,mug,2.5,,", "s,mug,5,,2099-01-01T00:00:00Z", ",ghost,1,,"]
    text = "store_id,item_id,stock,on_order,counted_at\n" + "\n".join([*lines, "t,mug,1,,2026-03-02T11:30:00Z"]) + "\n"
    assert told(pull(server, "stock", text, minute=1)) == (PullState.TAKEN, 2, 1, 0, [4, 5, 6])
    assert Item.objects.get().stock == 9
    assert sorted(StockCount.objects.values_list("store_id", "on_hand", "on_order")) == [
        ("s", 3, 0),
        ("s", 4, 1),
        ("t", 1, 0),
    ]


def test_pull__items_with_clusters__gives_them(server):
    pull(server, "items", "item_id,cluster\nmug,cups\nlamp,\n")
    pull(server, "items", "item_id,cluster\nmug,\nlamp,lights\n", minute=1)
    rows = ItemCluster.objects.order_by("cluster")
    assert [(row.item_id, row.cluster, row.valid_until is None) for row in rows] == [
        ("mug", "cups", False),
        ("lamp", "lights", True),
    ]


def test_pull__after_costs_by_request__says_what_is_as_it_was(server):
    pull(server, "costs", "item_id,cost,from\nmug,4,2026-03-01T00:00:00Z\n")
    project = CatalogueFeed.objects.get().project_id
    put_supply(project_id=project, name="costs", items=[{"item_id": "mug", "cost": 5, "from": "2026-03-02T00:00:00Z"}])
    again = pull(server, "costs", "item_id,cost,from\nmug,4,2026-03-01T00:00:00Z\n", minute=1)
    assert told(again) == (PullState.TAKEN, 0, 0, 1, [])
