"""Costs, suppliers and stock: taken row by row as a shop sends them, and noted as confirmed."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final

from django.db import transaction

from decisions.actions.catalogue import MOST_ITEMS, ItemFault, ItemsTaken, TooManyItems, confirm, write_item_stock
from decisions.actions.catalogue_pace import database_now
from decisions.actions.cost_rows import write_costs
from decisions.actions.supply_rows import write_counts, write_suppliers
from decisions.ingest.fields import ItemRefused
from decisions.ingest.items import ItemValues
from decisions.ingest.supply import COSTS, STOCK, SUPPLIERS, UNITS, Terms, supply_form
from foundation.queries import ProjectFacts, project_facts

NOTHING: Final = ItemsTaken(0, 0, 0, ())


def put_supply(*, project_id: int, name: str, items: Sequence[Any]) -> ItemsTaken:
    """Take what was sent for a table (costs, suppliers, stock) and return what became of each record.

    Sending the same again changes nothing but when it was confirmed. Of several records about the same the last is
    taken. Raises TooManyItems.
    """
    if len(items) > MOST_ITEMS:
        raise TooManyItems(f"The request holds {len(items)} items.")
    facts = project_facts(project_id)
    with transaction.atomic():
        read = supply_form(name, terms_of(facts, database_now())).read
        rows: dict[str, ItemValues] = {}
        refused: list[ItemFault] = []
        for index, sent in enumerate(items):
            try:
                key, values = read(sent)
                rows[key] = values | {"index": index}
            except ItemRefused as fault:
                refused.append(ItemFault(index, _named(sent), str(fault)))
        written = write_supply(project_id, name, list(rows.values()))
        if (rows and len(written.refused) < len(rows)) or not items:
            confirm(project_id=project_id, collection=name, at=facts.clock.at(database_now()))
    faults = sorted((*refused, *written.refused), key=lambda fault: fault.index or 0)
    return ItemsTaken(written.created, written.updated, written.unchanged, tuple(faults))


def write_supply(project_id: int, name: str, rows: Sequence[ItemValues]) -> ItemsTaken:
    """Write records that have been read, of which none is about the same as another; in a transaction.

    Each has its `index` among those that were sent, by which it is told where it is refused.
    """
    return _WRITERS[name](project_id, rows) if rows else NOTHING


def terms_of(facts: ProjectFacts, now: datetime) -> Terms:
    """Return what the records of a project are read by at a wall time."""
    return Terms(facts.currency, facts.clock.at(now))


def _write_stock(project_id: int, rows: Sequence[ItemValues]) -> ItemsTaken:
    """Write the stock of items of the catalogue, and what stores have of items."""
    of_items = [row for row in rows if "store_id" not in row]
    counted = write_counts(project_id, [row for row in rows if "store_id" in row])
    if not of_items:
        return counted
    stock: dict[str, ItemValues] = {row["item_id"]: {"stock": row["stock"]} for row in of_items}
    places = {row["item_id"]: row["index"] for row in of_items}
    taken = write_item_stock(project_id, stock)
    strange = tuple(ItemFault(places[fault.item_id or ""], fault.item_id, fault.reason) for fault in taken.refused)
    return ItemsTaken(
        counted.created + taken.created,
        counted.updated + taken.updated,
        counted.unchanged + taken.unchanged,
        (*counted.refused, *strange),
    )


def _named(sent: object) -> str | None:
    """Return the id of a record that could not be read, where it has one."""
    names = [sent.get(unit) for unit in reversed(UNITS)] if isinstance(sent, Mapping) else []
    return next((name for name in names if isinstance(name, str)), None)


_WRITERS: Final[Mapping[str, Callable[[int, Sequence[ItemValues]], ItemsTaken]]] = MappingProxyType(
    {COSTS: write_costs, SUPPLIERS: write_suppliers, STOCK: _write_stock}
)
