"""Costs, suppliers and stock as shops send them: each field is checked, each fault told in words."""

from datetime import UTC, datetime, timedelta

import pytest

from decisions.ingest.fields import ItemRefused
from decisions.ingest.supply import COSTS, STOCK, SUPPLIERS, Terms, supply_form

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
TERMS = Terms("USD", NOW)


def read(name: str, **sent):
    return supply_form(name, TERMS).read(sent)


def test_cost__with_and_without_a_time__holds_from_then_or_from_now():
    assert read(COSTS, item_id="mug", cost="7.25", currency="USD")[1] == {
        "item_id": "mug",
        "cost": 7_250_000,
        "since": NOW.isoformat(),
    }
    assert read(COSTS, item_id="mug", cost=7, **{"from": "2026-03-01T01:00:00+01:00"})[1]["since"] == (
        "2026-03-01T00:00:00+00:00"
    )


def test_supplier__without_spread_and_name__has_none():
    assert read(SUPPLIERS, supplier_id="acme", lead_days=7) == (
        "acme",
        {"supplier_id": "acme", "name": "", "lead_days": 7.0, "lead_sd": 0.0},
    )


def test_stock__of_a_store__is_a_count_and_without_one_the_item_alone():
    counted = (NOW - timedelta(hours=1)).isoformat()
    assert read(STOCK, store_id="s", item_id="mug", stock=3, reorder_point=2, order_up_to=2, counted_at=counted)[1] == {
        "store_id": "s",
        "item_id": "mug",
        "on_hand": 3,
        "on_order": 0,
        "capacity": None,
        "reorder_point": 2,
        "order_up_to": 2,
        "counted_at": counted,
    }
    assert read(STOCK, item_id="mug", stock=None) == ("mug", {"item_id": "mug", "stock": None})


@pytest.mark.parametrize(
    ("name", "sent", "told"),
    [
        (COSTS, {"item_id": "mug"}, "cost is missing"),
        (COSTS, {"cost": 1}, "item_id"),
        (COSTS, {"item_id": "mug", "cost": -1}, "cost must be a number of at least 0"),
        (COSTS, {"item_id": "mug", "cost": 1, "currency": "EUR"}, "CURRENCY_MISMATCH"),
        (COSTS, {"item_id": "mug", "cost": 1, "from": "2026-03-01"}, "from must be a time"),
        (COSTS, {"item_id": "mug", "cost": 1, "from": "1999-03-01T00:00:00Z"}, "within ten years"),
        (COSTS, {"item_id": "mug", "cost": 1, "colour": "red"}, "'colour' is unknown"),
        (SUPPLIERS, {"supplier_id": "acme"}, "lead_days is missing"),
        (SUPPLIERS, {"supplier_id": "", "lead_days": 1}, "supplier_id must be a text"),
        (SUPPLIERS, {"supplier_id": "acme", "lead_days": -1}, "lead_days must be a number from 0"),
        (SUPPLIERS, {"supplier_id": "acme", "lead_days": float("nan")}, "lead_days must be a number"),
        (SUPPLIERS, {"supplier_id": "acme", "lead_days": 1, "lead_sd": 4_000}, "at most 3650 days"),
        (STOCK, {"store_id": "s", "item_id": "mug"}, "stock is missing"),
        (STOCK, {"store_id": "s", "item_id": "mug", "stock": -1}, "stock must be a whole number"),
        (STOCK, {"store_id": "s", "item_id": "mug", "stock": 1, "on_order": 1.5}, "on_order"),
        (STOCK, {"store_id": "", "item_id": "mug", "stock": 1}, "store_id"),
        (STOCK, {"item_id": "mug", "stock": 1, "on_order": 1}, "store_id is missing"),
        (STOCK, {"store_id": "s", "item_id": "mug", "stock": 1, "counted_at": "2026-03-02T12:00:01Z"}, "future"),
        (STOCK, {"store_id": "s", "item_id": "mug", "stock": 1, "reorder_point": 5, "order_up_to": 4}, "order_up_to"),
    ],
)
def test_record__that_cannot_be__is_refused_in_words(name, sent, told):
    with pytest.raises(ItemRefused, match=told):
        read(name, **sent)
