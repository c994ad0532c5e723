"""The actions of each collection, as the edge loads them and as people see them."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import starmap
from typing import Any, Final

from decisions.domain import ITEMS, FieldKind
from decisions.ingest.collections import Collection
from decisions.models import Item, PublishedCatalogue
from decisions.queries.pacing import pace_columns, paid_rates
from decisions.queries.popularity import popularity_of
from foundation.money import MICROS

SCHEMA: Final = 2
BARE_SCHEMA: Final = 1
"""Of the shop's items while nothing but their stock and their popularity is needed: edges of before read it too."""
ROWS_AT_ONCE: Final = 10_000
PRICES: Final = "prices"
"""Under which name the file with what everybody is offered stands among the published catalogues."""


@dataclass(frozen=True, slots=True)
class CatalogueFacts:
    """The catalogue of a collection that bundles name: its digest, its size in bytes, how many items it has."""

    sha256: str
    size: int
    items: int
    published_at: datetime
    collection: str = ITEMS


@dataclass(frozen=True, slots=True)
class ItemFacts:
    """An item as people see it; `price` in millionths."""

    item_id: str
    title: str
    category: str
    price: int | None
    stock: int | None


@dataclass(frozen=True, slots=True)
class CatalogueContent:
    """The bytes of a catalogue and how many items it has."""

    content: bytes
    items: int


def published_catalogue(project_id: int, collection: str = ITEMS) -> CatalogueFacts | None:
    """Return the catalogue of a collection that the project's bundles name now."""
    row = PublishedCatalogue.objects.filter(project_id=project_id, collection=collection).first()
    return None if row is None else _facts(row)


def published_catalogues(project_id: int) -> list[CatalogueFacts]:
    """Return the catalogues of all collections that the project's bundles name now, in the order of their names."""
    return [_facts(row) for row in PublishedCatalogue.objects.filter(project_id=project_id).order_by("collection")]


def catalogue_content(
    project_id: int, collection: Collection, *, at: datetime, fresh_at: datetime | None
) -> CatalogueContent:
    """Return the catalogue as it is now; equal items give equal bytes.

    at: project time; the baseline is of the days before it. fresh_at: when the data were confirmed, None where nobody
    asks. Texts that are unknown are "", numbers that are unknown are null; money is in currency units.
    """
    rows = list(_rows(project_id, collection))
    rates = paid_rates(project_id, collection=collection.name, at=at)
    popularity = rates or popularity_of(project_id, collection, at=at)
    columns: dict[str, Any] = {"schema": BARE_SCHEMA}
    needs_more = bool(collection.published) or fresh_at is not None
    if needs_more or collection.name != ITEMS:
        confirmed = None if fresh_at is None else int(fresh_at.timestamp())
        columns = {"schema": SCHEMA, "collection": collection.name, "fresh_at": confirmed}
    columns["items"] = [row[0] for row in rows]
    columns["in_stock"] = [int(row[1] is None or row[1] > 0) for row in rows]
    columns["baseline"] = [popularity.get(row[0], 0.0) for row in rows]
    if columns["schema"] == SCHEMA:
        columns["fields"] = {
            name: _column(name, kind, _values(name, collection, rows)) for name, kind in collection.published.items()
        }
        columns["fields"] |= pace_columns(project_id, collection=collection.name, items=columns["items"])
    content = json.dumps(columns, ensure_ascii=False, separators=(",", ":")).encode()
    return CatalogueContent(content, len(rows))


def items_by_id(project_id: int, item_ids: set[str], *, collection: str = ITEMS) -> dict[str, ItemFacts]:
    """Return these items of a collection, as far as it has them."""
    rows = Item.objects.filter(project_id=project_id, collection=collection, item_id__in=item_ids)
    found = rows.values_list("item_id", "title", "category", "price", "stock")
    return {item.item_id: item for item in starmap(ItemFacts, found)}


def _facts(row: PublishedCatalogue) -> CatalogueFacts:
    return CatalogueFacts(
        sha256=row.sha256,
        size=row.size,
        items=row.items,
        published_at=row.published_at,
        collection=row.collection,
    )


def _rows(project_id: int, collection: Collection) -> Iterator[tuple[Any, ...]]:
    """Return (item, stock, published columns..., properties if any is published) of each item, in order of the ids."""
    own = _own(collection)
    properties = ["properties"] if len(own) < len(collection.published) else []
    rows = Item.objects.filter(project_id=project_id, collection=collection.name).order_by("item_id")
    return rows.values_list("item_id", "stock", *own, *properties).iterator(ROWS_AT_ONCE)


def _own(collection: Collection) -> list[str]:
    """Return the published fields that have a column of their own."""
    return [name for name in collection.published if name in collection.built_in]


def _values(name: str, collection: Collection, rows: Sequence[tuple[Any, ...]]) -> list[Any]:
    """Return a published field of all rows, None where it is unknown."""
    if name not in collection.built_in:
        return [row[-1].get(name) for row in rows]
    place = 2 + _own(collection).index(name)
    return [row[place] for row in rows]


def _column(name: str, kind: FieldKind, values: Sequence[Any]) -> list[Any]:
    if kind is FieldKind.TEXT:
        return [value or "" for value in values]
    if name == "price":
        return [None if value is None else value / MICROS for value in values]
    return [None if value is None else float(value) for value in values]
