"""The rows of catalogues: written in sets, in the order of their ids, so that no two writers wait in a circle."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from django.db import connection

from decisions.ingest.items import ItemValues

SENT: Final = """
jsonb_to_recordset(%(rows)s::jsonb) AS sent(
    item_id text, title text, category text, price bigint, rating double precision, stock integer, properties jsonb
)
"""

# An item as it was is locked and not written, so that `updated_at` tells of changes.
_PUT: Final = """
WITH put AS (
    INSERT INTO decisions_item AS known
        (project_id, collection, item_id, title, category, price, rating, stock, properties, updated_at)
    SELECT %(project)s, %(collection)s, item_id, title, category, price, rating, stock, properties, now()
    FROM {source} ORDER BY item_id
    ON CONFLICT (project_id, collection, item_id) DO UPDATE
    SET title = excluded.title, category = excluded.category, price = excluded.price, rating = excluded.rating,
        stock = excluded.stock, properties = excluded.properties, updated_at = excluded.updated_at
    WHERE (known.title, known.category, known.price, known.rating, known.stock, known.properties)
        IS DISTINCT FROM
        (excluded.title, excluded.category, excluded.price, excluded.rating, excluded.stock, excluded.properties)
    RETURNING xmax = 0 AS is_new
)
SELECT count(*) FILTER (WHERE is_new), count(*) FILTER (WHERE NOT is_new) FROM put
"""
_PUT_SENT: Final = _PUT.format(source=SENT)

_STAGE: Final = """
DROP TABLE IF EXISTS pg_temp.staged_items;
CREATE TEMPORARY TABLE staged_items (
    item_id text, title text, category text, price bigint, rating double precision, stock integer, properties jsonb,
    line bigint GENERATED ALWAYS AS IDENTITY
) ON COMMIT DROP
"""
_FILL: Final = (
    "INSERT INTO staged_items (item_id, title, category, price, rating, stock, properties) SELECT sent.* FROM" + SENT
)
STAGED: Final = "(SELECT DISTINCT ON (item_id) * FROM staged_items ORDER BY item_id, line DESC) AS sent"
_PUT_STAGED: Final = _PUT.format(source=STAGED)

_KNOWN: Final = """
SELECT item_id FROM decisions_item
WHERE project_id = %(project)s AND collection = %(collection)s AND item_id = ANY(%(ids)s)
ORDER BY item_id FOR UPDATE
"""
_PUT_STOCK: Final = """
UPDATE decisions_item known SET stock = sent.stock, updated_at = now()
FROM jsonb_to_recordset(%(rows)s::jsonb) AS sent(item_id text, stock integer)
WHERE known.project_id = %(project)s AND known.collection = %(collection)s AND known.item_id = sent.item_id
    AND known.stock IS DISTINCT FROM sent.stock
"""


@dataclass(frozen=True, slots=True)
class Written:
    """How many rows are new and how many have changed."""

    created: int
    updated: int


def as_rows(items: Mapping[str, ItemValues]) -> str:
    """Return items by their ids as the JSON text that statements read."""
    return json.dumps([{"item_id": item_id, **values} for item_id, values in items.items()], ensure_ascii=False)


def write_items(project_id: int, collection: str, rows: str) -> Written:
    """Write whole items, of which none appears twice; in a transaction."""
    return _written(_PUT_SENT, {"project": project_id, "collection": collection, "rows": rows})


def stage() -> None:
    """Make the place for items that come in many batches; it is gone with the transaction."""
    with connection.cursor() as cursor:
        cursor.execute(_STAGE)


def stage_items(rows: str) -> None:
    """Add a batch of whole items to those that wait to be written."""
    with connection.cursor() as cursor:
        cursor.execute(_FILL, {"rows": rows})


def count_staged() -> int:
    """Return how many items wait; several with one id are one."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(DISTINCT item_id) FROM staged_items")
        return int(cursor.fetchone()[0])


def write_staged(project_id: int, collection: str) -> Written:
    """Write all items that wait; of several with one id the last."""
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE staged_items")
    return _written(_PUT_STAGED, {"project": project_id, "collection": collection})


def lock_known(project_id: int, collection: str, item_ids: list[str]) -> set[str]:
    """Return those of the ids that the collection has, their rows locked until the transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute(_KNOWN, {"project": project_id, "collection": collection, "ids": item_ids})
        return {item_id for (item_id,) in cursor.fetchall()}


def write_stock(project_id: int, collection: str, rows: str) -> int:
    """Write the stock of items whose rows are locked and return of how many it has changed."""
    with connection.cursor() as cursor:
        cursor.execute(_PUT_STOCK, {"project": project_id, "collection": collection, "rows": rows})
        return int(cursor.rowcount)


def _written(statement: str, values: dict[str, Any]) -> Written:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        created, updated = cursor.fetchone()
    return Written(created, updated)
