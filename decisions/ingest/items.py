"""Items of the catalogue, and actions of other collections, as a shop sends them: checked field by field."""

import math
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from decisions.domain import Field, FieldKind
from decisions.ingest.collections import Collection
from foundation.money import MICROS, AmountInvalid, to_micros

LONGEST_ID = 200
LONGEST_TEXT = 500
LARGEST_STOCK = 2**31 - 1
LARGEST_NUMBER = 1e15

ItemValues = dict[str, Any]
"""Fields of an item by name; `price` in millionths; `properties` has the fields without a column of their own."""


class ItemRefused(Exception):
    """An item that cannot be taken; the message says why."""

    code = "ITEM_REFUSED"


def read_item(sent: object, collection: Collection) -> tuple[str, ItemValues]:
    """Return the id and all values of an action; a field that is not sent is unknown. Raises ItemRefused."""
    item = _object(sent, collection.known)
    item_id = _item_id(item)
    values: ItemValues = {
        "title": _text(item, "title", LONGEST_TEXT),
        "category": _text(item, "category", LONGEST_ID),
        "price": _money(item, "price"),
        "rating": _rating(item) if "rating" in collection.built_in else None,
        "stock": _stock(item),
    }
    properties = {name: _declared(item, name, field) for name, field in collection.extra.items()}
    values["properties"] = {name: value for name, value in properties.items() if value not in (None, "")}
    for name, field in collection.declared.items():
        if field.required and (values | properties)[name] in (None, ""):
            raise ItemRefused(f"{name} is missing.")
    return item_id, values


def read_stock(sent: object) -> tuple[str, ItemValues]:
    """Return the id and the stock of an item; null says that it is not counted. Raises ItemRefused."""
    item = _object(sent, ("item_id", "stock"))
    if "stock" not in item:
        raise ItemRefused("stock is missing.")
    return _item_id(item), {"stock": _stock(item)}


def _object(sent: object, fields: tuple[str, ...]) -> Mapping[str, Any]:
    if not isinstance(sent, Mapping):
        raise ItemRefused("An item must be an object.")
    unknown = sorted(str(name) for name in set(sent) - set(fields))
    if unknown:
        raise ItemRefused(f"The field {unknown[0][:100]!r} is unknown; there are {', '.join(fields)}.")
    return sent


def _item_id(item: Mapping[str, Any]) -> str:
    value = item.get("item_id")
    if not isinstance(value, str) or not 0 < len(value) <= LONGEST_ID or not _is_storable(value):
        raise ItemRefused(f"item_id must be a text of 1 to {LONGEST_ID} characters.")
    return value


def _declared(item: Mapping[str, Any], name: str, field: Field) -> str | float | None:
    """Return a field that a domain declares: a text, a number, or money in currency units."""
    if field.kind is FieldKind.TEXT:
        return "" if item.get(name) is None else _text(item, name, LONGEST_TEXT)
    if field.kind is FieldKind.NUMBER:
        return _number(item, name)
    micros = _money(item, name)
    return None if micros is None else micros / MICROS


def _text(item: Mapping[str, Any], name: str, longest: int) -> str:
    value = item.get(name, "")
    if not isinstance(value, str) or len(value) > longest or not _is_storable(value):
        raise ItemRefused(f"{name} must be a text of at most {longest} characters.")
    return value


def _is_storable(text: str) -> bool:
    """Return whether Postgres can hold the text: no NUL, no lone surrogate."""
    try:
        return b"\0" not in text.encode()
    except UnicodeEncodeError:
        return False


def _money(item: Mapping[str, Any], name: str) -> int | None:
    """Return an amount in millionths."""
    value = item.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float | str | Decimal):
        raise ItemRefused(f"{name} must be a number of at least 0.")
    try:
        micros = to_micros(value)
    except AmountInvalid as error:
        raise ItemRefused(f"{name}: {error.message}") from error
    if micros < 0:
        raise ItemRefused(f"{name} must be a number of at least 0.")
    return micros


def _number(item: Mapping[str, Any], name: str) -> float | None:
    value = item.get(name)
    if value is None:
        return None
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not -LARGEST_NUMBER <= value <= LARGEST_NUMBER:
        raise ItemRefused(f"{name} must be a number of at most {LARGEST_NUMBER:.0e} on either side of 0.")
    return float(value)


def _rating(item: Mapping[str, Any]) -> float | None:
    value = item.get("rating")
    if value is None:
        return None
    is_number = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    if not is_number or not 0 <= value <= 5:
        raise ItemRefused("rating must be a number from 0 to 5.")
    return float(value)


def _stock(item: Mapping[str, Any]) -> int | None:
    value = item.get("stock")
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= LARGEST_STOCK:
        raise ItemRefused(f"stock must be a whole number from 0 to {LARGEST_STOCK}.")
    return value
