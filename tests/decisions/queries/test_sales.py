"""Sales day by day from order lines, the price ledger, counts of stock, costs and clusters."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from django.db import connection

from decisions.domain import SalesLog
from decisions.domains.restock.training.panel import panel_of
from decisions.models import ItemCluster, ItemCost, PriceOffer, StockCount
from decisions.queries.sales import sales_log
from experiments.vocabulary import UnitKind
from foundation.models import Project
from foundation.queries import ProjectUnknown
from tests.fixtures.messages import log
from tests.fixtures.records import NOW, make_project
from tests.fixtures.registry import make_items

pytestmark = pytest.mark.django_db

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
MIDNIGHT = NOW.replace(hour=0)
"""Of the first day of the windows below, in UTC."""


def order(
    project: int, *lines: Mapping[str, Any], at: datetime, message: str = "", store: str = "", **properties: Any
) -> None:
    message = message or f"order-{at.isoformat()}-{store}"
    log(
        project,
        message_id=message,
        event=properties.pop("event", "Order Completed"),
        at=at,
        received_at=properties.pop("received_at", None),
        properties={"products": list(lines), **properties},
    )
    if store:
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE decisions_eventlog SET store = %s WHERE message_id = %s AND project_id = %s",
                [store, message, project],
            )


def line(item: str = "mug", quantity: Any = 1, price: Any = 10.0) -> dict[str, Any]:
    return {"product_id": item, "quantity": quantity, "price": price}


def read(project: int, days: float = 4, *, start: datetime = MIDNIGHT, by: UnitKind = UnitKind.ITEM) -> SalesLog:
    return sales_log(project, start=start, end=start + days * DAY, by=by)


def column(found: SalesLog, name: str, series: str) -> list[float]:
    place = found.series_ids.index(series)
    return getattr(found, name)[found.series == place].tolist()


def same(found: list[float], wanted: list[float]) -> bool:
    return bool(np.allclose(found, wanted, equal_nan=True))


def test_log__orders_of_some_days__have_a_row_for_each_day_from_the_first_sale_on():
    project = make_project()
    order(project, line(quantity=2), line("lamp", price=30), at=MIDNIGHT + DAY + HOUR)
    order(project, line(quantity=5, price=8), at=MIDNIGHT + DAY + 2 * HOUR)
    order(project, line(quantity=1), at=MIDNIGHT + 3 * DAY)
    order(project, line("lamp"), at=MIDNIGHT)
    found = read(project)
    assert found.series_ids == found.items == ("lamp", "mug")
    assert found.stores == ("", "")
    assert column(found, "units", "mug") == [7.0, 0.0, 1.0]
    assert column(found, "units", "lamp") == [1.0, 1.0, 0.0, 0.0]
    assert column(found, "orders", "mug") == [2.0, 0.0, 1.0]
    assert column(found, "largest", "mug") == [5.0, 0.0, 1.0]
    assert same(column(found, "paid", "mug"), [60 / 7, np.nan, 10.0])
    assert same(column(found, "price", "mug"), [60 / 7, np.nan, 10.0])
    assert column(found, "in_stock", "mug") == [1.0] * 3
    assert column(found, "at", "mug") == [(MIDNIGHT + n * DAY).timestamp() for n in (1, 2, 3)]
    rows = list(zip(found.at.tolist(), found.series.tolist(), strict=True))
    assert rows == sorted(rows)


def test_log__days__are_those_of_the_projects_zone():
    project = make_project()
    Project.objects.filter(pk=project).update(time_zone="America/New_York")
    order(project, line(), at=MIDNIGHT + 3 * HOUR)
    order(project, line(quantity=4), at=MIDNIGHT + 6 * HOUR)
    found = read(project, start=MIDNIGHT - DAY + 5 * HOUR)
    assert column(found, "units", "mug") == [1.0, 4.0, 0.0, 0.0]
    assert found.at[0] == (MIDNIGHT - DAY + 5 * HOUR).timestamp()


@pytest.mark.parametrize("zone", ["Asia/Shanghai", "America/New_York"])
def test_log__weekdays_that_are_learnt__are_those_of_the_projects_zone(zone: str):
    project = make_project()
    Project.objects.update(time_zone=zone)
    begun = MIDNIGHT.replace(tzinfo=ZoneInfo(zone))
    assert begun.weekday() == 0
    order(project, line(), at=begun + HOUR)
    found = read(project, 7, start=begun.astimezone(UTC))
    assert (found.start, found.start.weekday()) == (begun, 0)
    assert panel_of(found).phase == 0


def test_log__a_window_that_ends_within_a_day__leaves_that_day_out():
    project = make_project()
    for day in range(4):
        order(project, line(), at=MIDNIGHT + day * DAY + HOUR)
    found = read(project, 3, start=MIDNIGHT + 2 * HOUR)
    assert column(found, "units", "mug") == [1.0, 1.0]
    assert (found.start, found.end) == (MIDNIGHT + 2 * HOUR, MIDNIGHT + 3 * DAY + 2 * HOUR)
    assert len(read(project, 0.9).at) == 0


def test_log__a_day_on_which_clocks_change__is_one_day():
    project = make_project()
    Project.objects.filter(pk=project).update(time_zone="Europe/Berlin")
    start = datetime.fromisoformat("2026-03-28T00:00:00+01:00")
    for hours in (1, 30, 49):
        order(project, line(), at=start + hours * HOUR)
    found = read(project, 3, start=start)
    assert column(found, "units", "mug") == [1.0, 1.0, 1.0]
    assert np.diff(found.at).tolist() == [24 * 3_600.0, 23 * 3_600.0]


def test_log__an_order_told_twice__counts_once_as_it_was_received_first():
    project = make_project()
    order(project, line(), at=MIDNIGHT + HOUR, message="a", order_id="o1")
    order(project, line(quantity=9), at=MIDNIGHT + 2 * HOUR, message="b", order_id="o1")
    order(project, line("lamp"), at=MIDNIGHT - HOUR, message="c", order_id="o2")
    order(project, line("lamp"), at=MIDNIGHT + HOUR, message="d", order_id="o2")
    found = read(project)
    assert found.series_ids == ("mug",)
    assert column(found, "units", "mug") == [1.0, 0.0, 0.0, 0.0]


@pytest.mark.parametrize(
    ("bad", "units"),
    [
        (line(quantity=-3), 1.0),
        (line(quantity=0), 1.0),
        (line(quantity="many"), 1.0),
        (line(price="free"), 2.0),
        (line(price=-1), 2.0),
        ({"quantity": 1, "price": 3}, 1.0),
    ],
)
def test_log__lines_that_cannot_be_read__are_left_out_or_have_no_price(bad: Mapping[str, Any], units: float):
    project = make_project()
    order(project, line(), bad, at=MIDNIGHT)
    found = read(project, 1)
    assert column(found, "units", "mug") == [units]
    assert column(found, "paid", "mug") == [10.0]


def test_log__an_order_that_names_its_item_itself__is_a_line():
    project = make_project()
    order(project, at=MIDNIGHT, product_id="mug", quantity=3, price=9, revenue=27)
    order(project, line(), at=MIDNIGHT + HOUR, product_id="mug", quantity=50)
    order(project, at=MIDNIGHT + 2 * HOUR, product_id="mug", revenue=27)
    found = read(project, 1)
    assert column(found, "units", "mug") == [5.0]
    assert column(found, "paid", "mug") == [pytest.approx(37 / 4)]


def test_log__other_currencies_events_and_projects__are_not_read():
    project, other = make_project(), make_project(key="other")
    order(project, line(), at=MIDNIGHT, currency="EUR")
    order(project, line(), at=MIDNIGHT + HOUR, event="Order Refunded")
    order(other, line(), at=MIDNIGHT + HOUR)
    log(project, message_id="odd", event="Order Completed", at=MIDNIGHT, properties={"products": "none"})
    found = read(project)
    assert (found.series_ids, len(found.at), len(found.costs)) == ((), 0, 0)
    with pytest.raises(ProjectUnknown):
        read(0)


def test_log__by_store__has_a_series_for_each_item_in_each_store():
    project = make_project()
    order(project, line(quantity=3), at=MIDNIGHT, store="north")
    order(project, line(quantity=2), at=MIDNIGHT + DAY, store="south")
    order(project, line(quantity=8), at=MIDNIGHT)
    found = read(project, 2, by=UnitKind.STORE_ITEM)
    assert found.series_ids == ("north|mug", "south|mug")
    assert (found.items, found.stores) == (("mug", "mug"), ("north", "south"))
    assert column(found, "units", "north|mug") == [3.0, 0.0]
    assert column(found, "units", "south|mug") == [2.0]
    assert column(read(project, 2), "units", "mug") == [11.0, 2.0]


def offer(project: int, price: int, start: float, end: float | None, item: str = "mug") -> None:
    PriceOffer.objects.create(
        project_id=project,
        item_id=item,
        price=price * 1_000_000,
        valid_from=MIDNIGHT + start * DAY,
        valid_until=None if end is None else MIDNIGHT + end * DAY,
    )


def test_price__where_the_ledger_has_one__is_the_price_offered_and_not_the_one_paid():
    project = make_project()
    order(project, line(price=7), at=MIDNIGHT)
    offer(project, 99, 0, 4, item="lamp")
    offer(project, 10, 1, 2.25)
    offer(project, 20, 2.25, None)
    found = read(project)
    assert same(column(found, "price", "mug"), [7.0, 10.0, 17.5, 20.0])
    assert same(column(found, "paid", "mug"), [7.0, np.nan, np.nan, np.nan])


def count(project: int, on_hand: int, at: float, store: str = "north") -> None:
    StockCount.objects.create(
        project_id=project, store_id=store, item_id="mug", on_hand=on_hand, counted_at=MIDNIGHT + at * DAY
    )


def test_in_stock__counts_of_nothing__are_shares_of_days_until_the_next_count():
    project = make_project()
    order(project, line(), at=MIDNIGHT, store="north")
    count(project, 5, -1)
    count(project, 0, 0.75)
    count(project, 3, 2.5)
    found = read(project, by=UnitKind.STORE_ITEM)
    assert same(column(found, "in_stock", "north|mug"), [0.75, 0.0, 0.5, 1.0])


def test_in_stock__a_count_that_is_a_week_old__says_nothing_any_more():
    project = make_project()
    order(project, line(), at=MIDNIGHT, store="north")
    count(project, 0, -5.5)
    assert same(column(read(project, by=UnitKind.STORE_ITEM), "in_stock", "north|mug"), [0.0, 0.5, 1.0, 1.0])


def test_in_stock__of_an_item_in_several_stores__is_the_mean_of_those_that_count():
    project = make_project()
    order(project, line(), at=MIDNIGHT, store="west")
    count(project, 0, 1)
    count(project, 9, 0, "south")
    assert same(column(read(project), "in_stock", "mug"), [1.0, 0.5, 0.5, 0.5])
    assert same(column(read(project, by=UnitKind.STORE_ITEM), "in_stock", "west|mug"), [1.0] * 4)


def test_series__what_is_known_of_their_items__is_that_of_the_end():
    project = make_project()
    make_items(project, {"mug": "Mug"})
    order(project, line(), line("lamp"), at=MIDNIGHT)
    for cost, start, end in ((4, -9, 1), (5, 1, 6), (6, 6, None)):
        ItemCost.objects.create(
            project_id=project,
            item_id="mug",
            cost=cost * 1_000_000,
            valid_from=MIDNIGHT + start * DAY,
            valid_until=None if end is None else MIDNIGHT + end * DAY,
        )
    ItemCluster.objects.create(
        project_id=project, item_id="mug", cluster="cups", origin="GIVEN", valid_from=MIDNIGHT - DAY
    )
    found = read(project)
    assert found.items == ("lamp", "mug")
    assert found.clusters == ("", "cups")
    assert found.categories == ("", "Kitchen")
    assert same(found.costs.tolist(), [np.nan, 5.0])
