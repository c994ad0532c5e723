"""Costs, suppliers and stock: same again changes nothing, rows are added and closed and never else changed."""

import threading
from datetime import datetime, timedelta

import pytest
from django.db import connection

from decisions.actions.catalogue import TooManyItems, put_items
from decisions.actions.supply import put_supply
from decisions.ingest.supply import COSTS, STOCK, SUPPLIERS
from decisions.models import CatalogueFreshness, Item, ItemCost, StockCount, Supplier
from decisions.queries.stock_counts import latest_count_columns
from decisions.queries.supply import costs_at, suppliers_of
from tests.fixtures.records import NOW, make_project

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


def cost(value: float, since: datetime | None = NOW, item: str = "mug") -> dict:
    return {"item_id": item, "cost": value, **({"from": since.isoformat()} if since else {})}


def count(stock: int, at: datetime = NOW, **more) -> dict:
    return {"store_id": "s", "item_id": "mug", "stock": stock, "counted_at": at.isoformat(), **more}


def told(taken) -> tuple:
    return taken.created, taken.updated, taken.unchanged, [fault.index for fault in taken.refused]


def spans() -> list[tuple]:
    rows = ItemCost.objects.order_by("item_id", "valid_from")
    return [(row.item_id, row.cost // 1_000_000, row.valid_from, row.valid_until) for row in rows]


def test_costs__one_after_another__close_and_open_rows_and_the_same_again_changes_nothing():
    project = make_project()
    assert told(put_supply(project_id=project, name=COSTS, items=[cost(5), cost(9, item="lamp")])) == (2, 0, 0, [])
    later = [cost(6, NOW + 2 * DAY), cost(5, NOW + DAY)]
    assert told(put_supply(project_id=project, name=COSTS, items=later)) == (0, 1, 1, [])
    expected = [
        ("lamp", 9, NOW, None),
        ("mug", 5, NOW, NOW + 2 * DAY),
        ("mug", 6, NOW + 2 * DAY, None),
    ]
    assert spans() == expected
    assert told(put_supply(project_id=project, name=COSTS, items=[*later, cost(5)])) == (0, 0, 3, [])
    assert spans() == expected
    assert costs_at(project, NOW + DAY) == {"mug": 5_000_000, "lamp": 9_000_000}
    assert costs_at(project, NOW + 2 * DAY, ["mug"]) == {"mug": 6_000_000}
    assert costs_at(project, NOW - DAY) == {}


def test_costs__before_or_at_a_row_that_is_there__are_refused_unless_they_say_the_same():
    project = make_project()
    put_supply(project_id=project, name=COSTS, items=[cost(5), cost(6, NOW + 2 * DAY)])
    before = spans()
    sent = [cost(7, NOW + DAY / 2), cost(7, NOW + 2 * DAY), cost(5, NOW + DAY), cost(4, NOW - DAY)]
    taken = put_supply(project_id=project, name=COSTS, items=sent)
    assert told(taken) == (0, 0, 1, [0, 1, 3])
    assert [fault.reason.split(":")[0] for fault in taken.refused] == [
        "LATER_COST_KNOWN",
        "COST_KNOWN",
        "LATER_COST_KNOWN",
    ]
    assert spans() == before


def test_costs__several_in_one_request_and_one_twice__take_the_last_and_keep_their_order():
    project = make_project()
    sent = [cost(7, NOW + DAY), cost(5), cost(6), {"item_id": "mug", "cost": 1, "currency": "EUR"}]
    taken = put_supply(project_id=project, name=COSTS, items=sent)
    assert told(taken) == (1, 1, 0, [3])
    assert taken.refused[0].reason.startswith("CURRENCY_MISMATCH")
    assert spans() == [("mug", 6, NOW, NOW + DAY), ("mug", 7, NOW + DAY, None)]


@pytest.mark.django_db(transaction=True)
def test_costs__of_many_writers_at_once__leave_one_chain_of_rows():
    project = make_project()
    barrier = threading.Barrier(4)

    def write(worker: int) -> None:
        try:
            barrier.wait(timeout=60)
            for turn in range(5):
                put_supply(project_id=project, name=COSTS, items=[cost(1 + worker + 4 * turn, since=None)])
        finally:
            connection.close()

    threads = [threading.Thread(target=write, args=(worker,)) for worker in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=120)
    found = spans()
    assert len(found) > 1
    assert [row[3] for row in found] == [*(row[2] for row in found[1:]), None]


def test_suppliers__new_changed_and_same__are_counted():
    project = make_project()
    acme, other = {"supplier_id": "acme", "lead_days": 7}, {"supplier_id": "other", "lead_days": 3, "lead_sd": 1}
    assert told(put_supply(project_id=project, name=SUPPLIERS, items=[acme, other, {"lead_days": 1}])) == (2, 0, 0, [2])
    assert told(put_supply(project_id=project, name=SUPPLIERS, items=[acme | {"name": "Acme"}, other])) == (0, 1, 1, [])
    assert Supplier.objects.count() == 2
    found = suppliers_of(project)
    assert (found["acme"].name, found["acme"].lead_days, found["other"].lead_sd) == ("Acme", 7.0, 1.0)


def test_stock__of_a_store__adds_counts_and_another_count_of_one_time_is_refused():
    project = make_project()
    assert told(put_supply(project_id=project, name=STOCK, items=[count(3), count(4), count(9, NOW + DAY)])) == (
        2,
        0,
        0,
        [],
    )
    taken = put_supply(project_id=project, name=STOCK, items=[count(4), count(5), count(4, on_order=1)])
    assert told(taken) == (0, 0, 0, [2])
    assert taken.refused[0].reason.startswith("COUNT_KNOWN")
    assert told(put_supply(project_id=project, name=STOCK, items=[count(4)])) == (0, 0, 1, [])
    rows = StockCount.objects.order_by("counted_at").values_list("on_hand", "on_order", "counted_at")
    assert list(rows) == [(4, 0, NOW), (9, 0, NOW + DAY)]
    first = latest_count_columns(project, at=NOW + DAY / 2)
    assert (first.stores, first.on_hand.tolist()) == (("s",), [4])
    assert latest_count_columns(project, at=NOW + DAY).on_hand.tolist() == [9]


def test_stock__of_items_and_stores_together__goes_to_each_and_ghosts_are_told_with_their_place():
    project = make_project()
    put_items(project_id=project, items=[{"item_id": "mug", "title": "Mug"}])
    sent = [{"item_id": "ghost", "stock": 1}, {"item_id": "mug", "stock": 8}, count(2)]
    taken = put_supply(project_id=project, name=STOCK, items=sent)
    assert told(taken) == (1, 1, 0, [0])
    assert Item.objects.get().stock == 8
    assert StockCount.objects.get().on_hand == 2


@pytest.mark.parametrize("name", [COSTS, SUPPLIERS, STOCK])
def test_supply__taken__is_confirmed_under_its_own_name_and_what_is_refused_is_not(name):
    project = make_project()
    good = {COSTS: cost(1), SUPPLIERS: {"supplier_id": "a", "lead_days": 1}, STOCK: count(1)}[name]
    put_supply(project_id=project, name=name, items=[{"nothing": 1}])
    assert not CatalogueFreshness.objects.exists()
    put_supply(project_id=project, name=name, items=[good])
    assert list(CatalogueFreshness.objects.values_list("collection", flat=True)) == [name]
    CatalogueFreshness.objects.update(fresh_at=NOW - DAY)
    put_supply(project_id=project, name=name, items=[good])
    assert CatalogueFreshness.objects.get().fresh_at > NOW - DAY


def test_supply__more_than_a_thousand__takes_none():
    with pytest.raises(TooManyItems):
        put_supply(project_id=make_project(), name=COSTS, items=[cost(1, item=str(n)) for n in range(1_001)])
    assert not ItemCost.objects.exists()
