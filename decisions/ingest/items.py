"""Items of the catalogue, and actions of other collections, as a shop sends them: checked field by field."""

from collections.abc import Mapping
from typing import Any, Final

from decisions.domain import Field, FieldKind
from decisions.ingest.collections import Collection
from decisions.ingest.fields import (
    LONGEST_ID,
    LONGEST_TEXT,
    ItemRefused,
    id_of,
    money_of,
    number_of,
    object_of,
    pieces_of,
    rating_of,
    text_of,
)
from foundation.money import MICROS

ItemValues = dict[str, Any]
"""Fields of an item by name; `price` in millionths; `properties` has the fields without a column of their own."""

_IDS: Final = frozenset(("cluster", "supplier"))
"""Declared texts that name something else."""


def read_item(sent: object, collection: Collection) -> tuple[str, ItemValues]:
    """Return the id and all values of an action; a field that is not sent is unknown. Raises ItemRefused."""
    item = object_of(sent, collection.known)
    item_id = id_of(item)
    values: ItemValues = {
        "title": text_of(item, "title", LONGEST_TEXT),
        "category": text_of(item, "category", LONGEST_ID),
        "price": money_of(item, "price"),
        "rating": rating_of(item) if "rating" in collection.built_in else None,
        "stock": pieces_of(item),
    }
    properties = {name: _declared(item, name, field) for name, field in collection.extra.items()}
    values["properties"] = {name: value for name, value in properties.items() if value not in (None, "")}
    for name, field in collection.declared.items():
        if field.required and (values | properties)[name] in (None, ""):
            raise ItemRefused(f"{name} is missing.")
    return item_id, values


def read_stock(sent: object) -> tuple[str, ItemValues]:
    """Return the id and the stock of an item; null says that it is not counted. Raises ItemRefused."""
    item = object_of(sent, ("item_id", "stock"))
    if "stock" not in item:
        raise ItemRefused("stock is missing.")
    return id_of(item), {"stock": pieces_of(item)}


def _declared(item: Mapping[str, Any], name: str, field: Field) -> str | float | None:
    """Return a field that a domain declares: a text, a number, or money in currency units."""
    if field.kind is FieldKind.TEXT:
        return "" if item.get(name) is None else text_of(item, name, LONGEST_ID if name in _IDS else LONGEST_TEXT)
    if field.kind is FieldKind.NUMBER:
        return number_of(item, name)
    micros = money_of(item, name)
    return None if micros is None else micros / MICROS
