"""The shop's items, as the edge loads them and as people see them."""

import json
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection

from decisions.domain import ITEMS
from decisions.models import Item, PublishedCatalogue

SCHEMA = 1
POPULAR_FOR = timedelta(days=28)

# Weights of interest by event; a view is cheap, an order is not.
_POPULARITY = """
SELECT item, round(sum(weight)::numeric, 3)::double precision FROM (
    SELECT item, CASE event WHEN 'Product Viewed' THEN 1.0 ELSE 4.0 END AS weight
    FROM decisions_eventlog
    WHERE project_id = %(project)s AND day BETWEEN %(start)s::date AND %(end)s::date AND kind = 'track'
        AND event IN ('Product Viewed', 'Product Added') AND item IS NOT NULL
    UNION ALL
    SELECT line->>'product_id', 10.0
    FROM decisions_eventlog, jsonb_array_elements(
        CASE WHEN jsonb_typeof(properties->'products') = 'array' THEN properties->'products' ELSE '[]' END
    ) AS line
    WHERE project_id = %(project)s AND day BETWEEN %(start)s::date AND %(end)s::date AND kind = 'track'
        AND event = 'Order Completed'
) interest
WHERE item IS NOT NULL GROUP BY item
"""


@dataclass(frozen=True, slots=True)
class CatalogueFacts:
    """The catalogue that bundles name: its digest, its size in bytes, and how many items it has."""

    sha256: str
    size: int
    items: int
    published_at: datetime


@dataclass(frozen=True, slots=True)
class ItemFacts:
    """An item as people see it; `price` in millionths."""

    item_id: str
    title: str
    category: str
    price: int | None
    stock: int | None


def published_catalogue(project_id: int) -> CatalogueFacts | None:
    """Return the catalogue that the project's bundles name now."""
    row = PublishedCatalogue.objects.filter(project_id=project_id, collection=ITEMS).first()
    if row is None:
        return None
    return CatalogueFacts(sha256=row.sha256, size=row.size, items=row.items, published_at=row.published_at)


def catalogue_content(project_id: int, *, at: datetime) -> tuple[bytes, int]:
    """Return the bytes of the catalogue as it is now and how many items it has; equal items give equal bytes.

    The baseline score of an item is how much it was dealt with in the 28 days before `at` (project time).
    """
    with connection.cursor() as cursor:
        cursor.execute(_POPULARITY, {"project": project_id, "start": at - POPULAR_FOR, "end": at})
        popularity = dict(cursor.fetchall())
    rows = list(
        Item.objects.filter(project_id=project_id, collection=ITEMS)
        .order_by("item_id")
        .values_list("item_id", "stock")
        .iterator(10_000)
    )
    columns = {
        "schema": SCHEMA,
        "items": [item for item, _ in rows],
        "in_stock": [int(stock is None or stock > 0) for _, stock in rows],
        "baseline": [popularity.get(item, 0.0) for item, _ in rows],
    }
    return json.dumps(columns, ensure_ascii=False, separators=(",", ":")).encode(), len(rows)


def items_by_id(project_id: int, item_ids: set[str]) -> dict[str, ItemFacts]:
    """Return these items of the catalogue, as far as it has them."""
    rows = Item.objects.filter(project_id=project_id, collection=ITEMS, item_id__in=item_ids)
    return {row.item_id: ItemFacts(row.item_id, row.title, row.category, row.price, row.stock) for row in rows}
