"""The subjects of batches, assembled from what the shop has told."""

from datetime import timedelta

import numpy as np
import pytest
from django.db import connection

from decisions.actions.projection import project_events
from decisions.models import Item, ItemCluster, ItemCost, PriceOffer, StockCount, Supplier
from decisions.queries.subjects import subjects_of
from decisions.registry import domain_of
from tests.fixtures.batches import make_priced, make_stocked
from tests.fixtures.messages import log
from tests.fixtures.records import NOW, make_project

pytestmark = pytest.mark.django_db

PRICING, RESTOCK = domain_of("pricing"), domain_of("restock")
DAY = timedelta(days=1)


def order(project: int, number: int, item: str, pieces: int, *, days_ago: float, store: str | None = None) -> None:
    at = NOW - days_ago * DAY
    line = {"product_id": item, "price": 1, "quantity": pieces}
    said = {"order_id": f"o{number}", "revenue": pieces, "products": [line]}
    log(project, message_id=f"m{number}", event="Order Completed", at=at, properties=said)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE decisions_eventlog SET store = %s WHERE message_id = %s", [store, f"m{number}"])
    project_events(project_id=project)


def test_pricing__items_with_a_price__have_what_is_known_of_them():
    project = make_project()
    make_priced(project, {"pan": 30.0, "mug": 20.0}, cluster="kitchen", floor=12.5)
    Item.objects.create(project_id=project, item_id="gift", price=None)
    ItemCluster.objects.create(
        project_id=project, item_id="mug", cluster="cups", origin="DERIVED", valid_from=NOW - DAY
    )
    for number, days, price in ((1, 40, 9), (2, 35, 15), (3, 20, 21)):
        since = NOW - days * DAY
        until = {1: NOW - 35 * DAY, 2: NOW - 20 * DAY, 3: None}[number]
        PriceOffer.objects.create(
            project_id=project, item_id="mug", price=price * 1_000_000, valid_from=since, valid_until=until
        )
    order(project, 1, "mug", 14, days_ago=3)
    order(project, 2, "mug", 50, days_ago=29)
    found = subjects_of(project, PRICING, at=NOW)
    assert found.items == ("mug", "pan")
    assert dict(found.places) == {"mug": 0, "pan": 1}
    columns = found.fields
    assert columns["cluster"] == ("cups", "kitchen")
    assert columns["store"] == ("", "")
    np.testing.assert_array_equal(columns["price"], [21.0, 30.0])
    np.testing.assert_array_equal(columns["cost"], [5.0, 5.0])
    np.testing.assert_array_equal(columns["floor"], [12.5, 12.5])
    np.testing.assert_array_equal(columns["ceiling"], [np.nan, np.nan])
    np.testing.assert_array_equal(columns["daily_sales"], [0.5, 0.0])
    np.testing.assert_array_equal(columns["changed_at"], [(NOW - 20 * DAY).timestamp(), np.nan])
    np.testing.assert_array_equal(columns["reference"], [15.0, np.nan])


def test_pricing__what_is_said_for_later__is_not_known_yet():
    project = make_project()
    make_priced(project, {"mug": 20.0})
    ItemCost.objects.update(valid_until=NOW + DAY)
    later = {"project_id": project, "item_id": "mug", "valid_from": NOW + DAY}
    ItemCost.objects.create(**later, cost=9_000_000)
    PriceOffer.objects.create(**later, price=25_000_000)
    assert [subjects_of(project, PRICING, at=NOW).fields[name][0] for name in ("cost", "price")] == [5.0, 20.0]
    then = subjects_of(project, PRICING, at=NOW + DAY)
    assert [then.fields[name][0] for name in ("cost", "price")] == [9.0, 25.0]


def test_restock__last_counts__are_the_subjects_with_lead_times_and_sales_of_their_store():
    project, other = make_project(), make_project(key="other")
    make_stocked(other, ["north"], ["mug"])
    make_stocked(project, ["south", "north"], ["mug", "pan"], on_hand=4, at=NOW - 2 * DAY)
    newer = {"project_id": project, "item_id": "mug", "store_id": "north"}
    StockCount.objects.create(**newer, on_hand=7, on_order=5, capacity=40, reorder_point=3, counted_at=NOW - DAY)
    StockCount.objects.create(**newer, on_hand=99, counted_at=NOW + DAY)
    StockCount.objects.create(project_id=project, item_id="lost", store_id="south", on_hand=1, counted_at=NOW)
    order(project, 1, "mug", 28, days_ago=3, store="north")
    found = subjects_of(project, RESTOCK, at=NOW)
    assert found.items == ("north|mug", "north|pan", "south|lost", "south|mug", "south|pan")
    assert (found.fields["item"][0], found.fields["store"][0], found.fresh_at) == ("mug", "north", None)
    columns = found.fields
    np.testing.assert_array_equal(columns["on_hand"], [7, 4, 1, 4, 4])
    np.testing.assert_array_equal(columns["on_order"], [5, 0, 0, 0, 0])
    np.testing.assert_array_equal(columns["capacity"], [40, *[np.nan] * 4])
    np.testing.assert_array_equal(columns["reorder_point"], [3, *[np.nan] * 4])
    np.testing.assert_array_equal(columns["daily_sales"], [1.0, 0, 0, 0, 0])
    np.testing.assert_array_equal(columns["lead_days"], [3.0, 3.0, np.nan, 3.0, 3.0])
    np.testing.assert_array_equal(columns["price"], [20.0, 20.0, np.nan, 20.0, 20.0])
    assert columns["counted_at"][0] == (NOW - DAY).timestamp()
    assert columns["supplier"] == ("acme", "acme", "", "acme", "acme")


def test_restock__nothing_counted__has_no_subjects():
    project = make_project()
    make_priced(project, {"mug": 20.0})
    Supplier.objects.create(project_id=project, supplier_id="acme", lead_days=3.0)
    found = subjects_of(project, RESTOCK, at=NOW)
    assert found.items == ()
    assert all(len(column) == 0 for column in found.fields.values())
