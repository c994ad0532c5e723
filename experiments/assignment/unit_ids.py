"""Ids of units that are made of other units."""

from collections.abc import Mapping
from typing import Any

from experiments.vocabulary import UnitKind

STORE = UnitKind.STORE.value
ITEM = UnitKind.ITEM.value
STORE_ITEM = UnitKind.STORE_ITEM.value


def with_store_item(units: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the units with the item in the store, `store|item`, where both are named and it is not."""
    if STORE not in units or ITEM not in units or STORE_ITEM in units:
        return units
    store, item = units[STORE], units[ITEM]
    if not (isinstance(store, str) and isinstance(item, str) and store and item):
        return units
    return {**units, STORE_ITEM: store_item_id(store, item)}


def store_item_id(store: str, item: str) -> str:
    """Return the id of an item in a store; the store's has no bar."""
    return f"{store}|{item}"


def store_and_item(store_item: str) -> tuple[str, str]:
    """Return the ids of the store and the item that `store|item` is made of."""
    store, _, item = store_item.partition("|")
    return store, item
