from typing import Any

import pytest

from decisions.ingest.properties import LONGEST_TEXT, MOST_PRODUCTS, keep_allowed, keep_attributes

ALLOWED = frozenset({"country"})


def test_keep_allowed__order_of_the_specification__is_kept_whole() -> None:
    order: dict[str, Any] = {
        "order_id": "o-1",
        "revenue": "25.00",
        "total": 27.5,
        "currency": "USD",
        "products": [
            {"product_id": "p-1", "sku": "s-1", "price": 10, "quantity": 2, "category": "Games"},
            {"product_id": "p-2", "price": 5.0},
        ],
    }

    assert keep_allowed(order, ALLOWED) == (order, 0)


def test_keep_allowed__everything_else__is_dropped_and_counted() -> None:
    sent = {
        "email": "a@example.com",
        "country": "DE",
        "price": {"amount": 5},
        "sku": "x" * (LONGEST_TEXT + 1),
        "coupon": ["A"],
        "value": None,
        "products": [{"product_id": "p", "name": "secret"}, 5, {"price": [1]}],
        "attributes": {"country": "DE", "phone": "1"},
        "decision_token": "x.y",
    }

    kept, dropped = keep_allowed(sent, ALLOWED)

    assert kept == {
        "country": "DE",
        "value": None,
        "products": [{"product_id": "p"}, {}, {}],
        "attributes": {"country": "DE"},
    }
    assert dropped == 5 + 3 + 1


@pytest.mark.parametrize("products", ["p", {"product_id": "p"}, [{}] * (MOST_PRODUCTS + 1), None])
def test_keep_allowed__products_that_are_no_list__are_dropped(products: object) -> None:
    assert keep_allowed({"products": products}, ALLOWED) == ({}, 1)


def test_keep_attributes__only_the_allowed__are_kept() -> None:
    assert keep_attributes({"country": "DE", "email": "x", "other": 1}, ALLOWED) == ({"country": "DE"}, 2)
    assert keep_attributes({"country": {"a": 1}}, ALLOWED) == ({}, 1)
