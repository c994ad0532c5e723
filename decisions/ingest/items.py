"""Items of the catalogue as a shop sends them: checked field by field, each fault told in words."""

import math
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from foundation.money import AmountInvalid, to_micros

LONGEST_ID = 200
LONGEST_TEXT = 500
LARGEST_STOCK = 2**31 - 1
FIELDS = ("item_id", "title", "category", "price", "rating", "stock")

ItemValues = dict[str, Any]
"""Fields of an item by name; `price` in millionths."""


class ItemRefused(Exception):
    """An item that cannot be taken; the message says why."""

    code = "ITEM_REFUSED"


def read_item(sent: object) -> tuple[str, ItemValues]:
    """Return the id and all values of an item; a field that is not sent is unknown. Raises ItemRefused."""
    item = _object(sent, FIELDS)
    return _item_id(item), {
        "title": _text(item, "title", LONGEST_TEXT),
        "category": _text(item, "category", LONGEST_ID),
        "price": _price(item),
        "rating": _rating(item),
        "stock": _stock(item),
    }


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


def _price(item: Mapping[str, Any]) -> int | None:
    value = item.get("price")
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float | str | Decimal):
        raise ItemRefused("price must be a number of at least 0.")
    try:
        micros = to_micros(value)
    except AmountInvalid as error:
        raise ItemRefused(f"price: {error.message}") from error
    if micros < 0:
        raise ItemRefused("price must be a number of at least 0.")
    return micros


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
