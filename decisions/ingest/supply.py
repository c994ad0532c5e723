"""What a shop sends of its supply: what items cost, who delivers them, how many pieces stores have of them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from types import MappingProxyType
from typing import Any, Final

from decisions.domain import FieldKind
from decisions.ingest.fields import (
    LONGEST_ID,
    LONGEST_TEXT,
    ItemRefused,
    id_of,
    money_of,
    number_of,
    object_of,
    pieces_of,
    text_of,
    time_of,
)
from decisions.ingest.forms import Form
from decisions.ingest.items import ItemValues, read_stock

COSTS: Final = "costs"
SUPPLIERS: Final = "suppliers"
STOCK: Final = "stock"
SUPPLY: Final = (COSTS, SUPPLIERS, STOCK)
"""The tables that a shop fills besides the collections of the domains."""
UNITS: Final = ("store_id", "item_id", "supplier_id")
"""Fields that say what a record is about."""
LONGEST_LEAD: Final = 3_650.0
"""Days."""
FARTHEST: Final = timedelta(days=3_650)
"""From now, in which a cost may begin."""

BAR: Final = "|"
"""Between store and item of a subject; ids of items may have it."""

_APART: Final = "\0"
"""Between the parts of a key: no id contains it."""
_COST: Final = MappingProxyType(
    {"item_id": FieldKind.TEXT, "cost": FieldKind.MONEY, "currency": FieldKind.TEXT, "from": FieldKind.TEXT}
)
_SUPPLIER: Final = MappingProxyType(
    {
        "supplier_id": FieldKind.TEXT,
        "name": FieldKind.TEXT,
        "lead_days": FieldKind.NUMBER,
        "lead_sd": FieldKind.NUMBER,
    }
)
_PIECES: Final = ("stock", "on_order", "capacity", "reorder_point", "order_up_to")
_COUNT: Final = MappingProxyType(
    {
        "store_id": FieldKind.TEXT,
        "item_id": FieldKind.TEXT,
        **dict.fromkeys(_PIECES, FieldKind.NUMBER),
        "counted_at": FieldKind.TEXT,
    }
)
_OF_ITEM: Final = frozenset(("item_id", "stock"))


@dataclass(frozen=True, slots=True)
class Terms:
    """What records are read by: the project's currency, and its time, which holds where a record names none."""

    currency: str
    now: datetime


def supply_form(name: str, terms: Terms) -> Form:
    """Return the form of the records of a supply table."""
    kinds, read = _FORMS[name]
    id_field = "supplier_id" if name == SUPPLIERS else "item_id"
    return Form(name, id_field, kinds, frozenset(_PIECES), partial(read, terms=terms))


def read_cost(sent: object, *, terms: Terms) -> tuple[str, ItemValues]:
    """Return what an item costs: `item_id`, `cost` in millionths, `since` as ISO 8601. Raises ItemRefused."""
    item = object_of(sent, tuple(_COST))
    item_id, cost = id_of(item), money_of(item, "cost")
    if cost is None:
        raise ItemRefused("cost is missing.")
    currency = text_of(item, "currency", LONGEST_ID) or terms.currency
    if currency != terms.currency:
        raise ItemRefused(f"CURRENCY_MISMATCH: the currency is {currency[:20]!r}, the project's is {terms.currency!r}.")
    since = time_of(item, "from") or terms.now
    if abs(since - terms.now) > FARTHEST:
        raise ItemRefused("from must lie within ten years.")
    return f"{item_id}{_APART}{since.isoformat()}", {"item_id": item_id, "cost": cost, "since": since.isoformat()}


def read_supplier(sent: object, *, terms: Terms) -> tuple[str, ItemValues]:  # noqa: ARG001 - as every form is read
    """Return a supplier: `supplier_id`, `name`, `lead_days`, `lead_sd`. Raises ItemRefused."""
    item = object_of(sent, tuple(_SUPPLIER))
    supplier_id, lead = id_of(item, "supplier_id"), _days(item, "lead_days")
    if lead is None:
        raise ItemRefused("lead_days is missing.")
    return supplier_id, {
        "supplier_id": supplier_id,
        "name": text_of(item, "name", LONGEST_TEXT),
        "lead_days": lead,
        "lead_sd": _days(item, "lead_sd") or 0.0,
    }


def read_count(sent: object, *, terms: Terms) -> tuple[str, ItemValues]:
    """Return what a store had of an item at a time, as columns of a count; without `store_id`, the item's stock alone.

    `counted_at` is ISO 8601. Raises ItemRefused.
    """
    item = object_of(sent, tuple(_COUNT))
    if item.get("store_id") is None:
        if set(item) - _OF_ITEM - {"store_id"}:
            raise ItemRefused("store_id is missing: without a store an item has its stock and nothing else.")
        item_id, values = read_stock({name: item[name] for name in item if name != "store_id"})
        return item_id, {"item_id": item_id, **values}
    store_id, item_id = id_of(item, "store_id"), id_of(item)
    if BAR in store_id:
        raise ItemRefused(f"store_id must not have a {BAR}: store{BAR}item names an item in a store.")
    pieces = {name: pieces_of(item, name) for name in _PIECES}
    if pieces["stock"] is None:
        raise ItemRefused("stock is missing.")
    _check_rule(pieces)
    counted = time_of(item, "counted_at") or terms.now
    if counted > terms.now:
        raise ItemRefused("counted_at lies in the future.")
    on_hand, on_order = pieces.pop("stock"), pieces.pop("on_order") or 0
    return _APART.join((store_id, item_id, counted.isoformat())), {
        "store_id": store_id,
        "item_id": item_id,
        "on_hand": on_hand,
        "on_order": on_order,
        **pieces,
        "counted_at": counted.isoformat(),
    }


def _check_rule(pieces: Mapping[str, int | None]) -> None:
    """Refuse a rule of the shop's own that orders up to less than where it orders."""
    point, up_to = pieces["reorder_point"], pieces["order_up_to"]
    if point is not None and up_to is not None and up_to < point:
        raise ItemRefused("order_up_to must be at least reorder_point.")


def _days(item: Mapping[str, Any], name: str) -> float | None:
    value = number_of(item, name, least=0.0)
    if value is not None and value > LONGEST_LEAD:
        raise ItemRefused(f"{name} must be at most {LONGEST_LEAD:g} days.")
    return value


_Read = Callable[..., tuple[str, ItemValues]]
_FORMS: Final[Mapping[str, tuple[Mapping[str, FieldKind], _Read]]] = MappingProxyType(
    {COSTS: (_COST, read_cost), SUPPLIERS: (_SUPPLIER, read_supplier), STOCK: (_COUNT, read_count)}
)
