"""Fields of what a shop sends, checked one by one; each fault is told in words."""

import math
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from decisions.ingest.timestamps import read_timestamp
from foundation.money import AmountInvalid, to_micros

LONGEST_ID: Final = 200
LONGEST_TEXT: Final = 500
LARGEST_STOCK: Final = 2**31 - 1
LARGEST_NUMBER: Final = 1e15


class ItemRefused(Exception):
    """An item that cannot be taken; the message says why."""

    code = "ITEM_REFUSED"


def object_of(sent: object, fields: tuple[str, ...]) -> Mapping[str, Any]:
    """Return what was sent, which has none but these fields. Raises ItemRefused."""
    if not isinstance(sent, Mapping):
        raise ItemRefused("An item must be an object.")
    unknown = sorted(str(name) for name in set(sent) - set(fields))
    if unknown:
        raise ItemRefused(f"The field {unknown[0][:100]!r} is unknown; there are {', '.join(fields)}.")
    return sent


def id_of(item: Mapping[str, Any], name: str = "item_id") -> str:
    """Return an id that must be there. Raises ItemRefused."""
    value = item.get(name)
    if not isinstance(value, str) or not 0 < len(value) <= LONGEST_ID or not is_storable(value):
        raise ItemRefused(f"{name} must be a text of 1 to {LONGEST_ID} characters.")
    return value


def text_of(item: Mapping[str, Any], name: str, longest: int) -> str:
    """Return a text, empty where it is not sent. Raises ItemRefused."""
    value = item.get(name, "")
    if not isinstance(value, str) or len(value) > longest or not is_storable(value):
        raise ItemRefused(f"{name} must be a text of at most {longest} characters.")
    return value


def is_storable(text: str) -> bool:
    """Return whether Postgres can hold the text: no NUL, no lone surrogate."""
    try:
        return b"\0" not in text.encode()
    except UnicodeEncodeError:
        return False


def money_of(item: Mapping[str, Any], name: str) -> int | None:
    """Return an amount in millionths, None where it is not sent. Raises ItemRefused."""
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


def number_of(item: Mapping[str, Any], name: str, *, least: float = -LARGEST_NUMBER) -> float | None:
    """Return a number, None where it is not sent. Raises ItemRefused."""
    value = item.get(name)
    if value is None:
        return None
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not least <= value <= LARGEST_NUMBER:
        bounds = f"of at most {LARGEST_NUMBER:.0e} on either side of 0"
        told = bounds if least < 0 else f"from {least:g} to {LARGEST_NUMBER:.0e}"
        raise ItemRefused(f"{name} must be a number {told}.")
    return float(value)


def rating_of(item: Mapping[str, Any]) -> float | None:
    """Return the stars of an item, None where they are not sent. Raises ItemRefused."""
    value = item.get("rating")
    if value is None:
        return None
    is_number = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    if not is_number or not 0 <= value <= 5:
        raise ItemRefused("rating must be a number from 0 to 5.")
    return float(value)


def pieces_of(item: Mapping[str, Any], name: str = "stock") -> int | None:
    """Return a number of pieces, None where it is not sent. Raises ItemRefused."""
    value = item.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= LARGEST_STOCK:
        raise ItemRefused(f"{name} must be a whole number from 0 to {LARGEST_STOCK}.")
    return value


def time_of(item: Mapping[str, Any], name: str) -> datetime | None:
    """Return a time in UTC, None where it is not sent. Raises ItemRefused."""
    value = item.get(name)
    if value is None:
        return None
    found = read_timestamp(value)
    if found is None:
        raise ItemRefused(f"{name} must be a time as ISO 8601 has it, with a zone: 2026-03-01T00:00:00Z.")
    return found
