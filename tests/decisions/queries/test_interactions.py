"""The interaction log as training reads it."""

from datetime import timedelta

import numpy as np
import pytest
from django.db import connection

from decisions.domain import INTERACTIONS, Interaction
from decisions.models import Item
from decisions.queries.interactions import interaction_log
from tests.fixtures.messages import log
from tests.fixtures.records import NOW, make_project
from tests.fixtures.registry import make_items

pytestmark = pytest.mark.django_db


def happen(project: int, event: str, item: str, minute: int, visitor: str = "v1") -> None:
    message = f"{visitor}-{event}-{item}-{minute}"
    products = {"products": [{"product_id": item}, {"product_id": "lamp"}]} if event == "Order Completed" else {}
    at = NOW + timedelta(minutes=minute)
    log(project, message_id=message, event=event, at=at, visitor=visitor, properties=products)
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE decisions_eventlog SET item = %s WHERE message_id = %s AND event <> 'Order Completed'",
            [item, message],
        )


def read(project: int, minutes: tuple[int, int] = (0, 60)):
    start, end = (NOW + timedelta(minutes=minute) for minute in minutes)
    return interaction_log(project, start=start, end=end)


def test_kinds__in_the_statement__are_numbered_as_declared():
    assert INTERACTIONS == (Interaction.VIEW, Interaction.CART, Interaction.ORDER)


def test_log__views_carts_and_order_lines__are_columns_in_the_order_of_time():
    project = make_project()
    make_items(project, {"mug": "Mug"})
    happen(project, "Product Viewed", "mug", 5)
    happen(project, "Product Added", "mug", 6, visitor="v2")
    happen(project, "Order Completed", "mug", 7)
    happen(project, "Checkout Started", "mug", 8)
    found = read(project)
    assert found.item_ids == ("lamp", "mug")
    assert found.categories == ("", "Kitchen")
    assert found.titles == ("", "Mug")
    assert found.prices.tolist() == [0.0, 12.5]
    assert [found.item_ids[item] for item in found.items] == ["mug", "mug", "lamp", "mug"]
    assert found.kinds.tolist() == [0, 1, 2, 2]
    assert found.units.tolist() == [0, 1, 0, 0]
    assert (found.unit_count, bool(np.all(np.diff(found.at) >= 0))) == (2, True)


def test_log__of_items__knows_nothing_of_actions_of_other_collections():
    project = make_project()
    Item.objects.create(project_id=project, item_id="mug", collection="creatives", title="An advertisement")
    happen(project, "Product Viewed", "mug", 5)
    assert read(project).titles == ("",)


def test_log__outside_the_window_or_of_another_project__is_not_read():
    project, other = make_project(), make_project(key="other")
    happen(project, "Product Viewed", "mug", 5)
    happen(project, "Product Viewed", "lamp", 20)
    happen(other, "Product Viewed", "scarf", 5)
    assert read(project, (0, 20)).item_ids == ("mug",)


def test_log__empty__has_empty_columns():
    found = read(make_project())
    assert (len(found.units), found.item_ids, found.unit_count) == (0, (), 0)
