"""The rows of suppliers and of stock counts: written in sets, in the order of their ids."""

import json
from collections.abc import Sequence
from typing import Any, Final

from django.db import connection

from decisions.actions.catalogue import ItemFault, ItemsTaken
from decisions.ingest.items import ItemValues

_SUPPLIERS: Final = """
WITH put AS (
    INSERT INTO decisions_supplier AS known (project_id, supplier_id, name, lead_days, lead_sd, updated_at)
    SELECT %(project)s, supplier_id, name, lead_days, lead_sd, now()
    FROM jsonb_to_recordset(%(rows)s::jsonb) AS sent(
        supplier_id text, name text, lead_days double precision, lead_sd double precision
    )
    ORDER BY supplier_id
    ON CONFLICT (project_id, supplier_id) DO UPDATE
    SET name = excluded.name, lead_days = excluded.lead_days, lead_sd = excluded.lead_sd,
        updated_at = excluded.updated_at
    WHERE (known.name, known.lead_days, known.lead_sd) IS DISTINCT FROM
        (excluded.name, excluded.lead_days, excluded.lead_sd)
    RETURNING xmax = 0 AS is_new
)
SELECT count(*) FILTER (WHERE is_new), count(*) FILTER (WHERE NOT is_new) FROM put
"""

# A count that is there already stays as it is; the same again is as it was, another one for that time is refused.
_COUNTS: Final = """
WITH sent AS MATERIALIZED (
    SELECT * FROM jsonb_to_recordset(%(rows)s::jsonb) AS sent(
        index integer, store_id text, item_id text, on_hand integer, on_order integer, capacity integer,
        reorder_point integer, order_up_to integer, counted_at timestamptz
    )
), put AS (
    INSERT INTO decisions_stockcount AS known
        (project_id, store_id, item_id, on_hand, on_order, capacity, reorder_point, order_up_to, counted_at)
    SELECT %(project)s, store_id, item_id, on_hand, on_order, capacity, reorder_point, order_up_to, counted_at
    FROM sent ORDER BY store_id, item_id, counted_at
    ON CONFLICT (project_id, store_id, item_id, counted_at) DO NOTHING
    RETURNING store_id, item_id, counted_at
)
SELECT sent.index, sent.item_id, known.pk IS NULL AS is_new, known.is_same
FROM sent
LEFT JOIN put USING (store_id, item_id, counted_at)
LEFT JOIN LATERAL (
    SELECT count.id AS pk,
        (count.on_hand, count.on_order, count.capacity, count.reorder_point, count.order_up_to)
        IS NOT DISTINCT FROM
        (sent.on_hand, sent.on_order, sent.capacity, sent.reorder_point, sent.order_up_to) AS is_same
    FROM decisions_stockcount count
    WHERE put.store_id IS NULL AND count.project_id = %(project)s AND count.store_id = sent.store_id
        AND count.item_id = sent.item_id AND count.counted_at = sent.counted_at
) known ON true
ORDER BY sent.index
"""


def write_suppliers(project_id: int, rows: Sequence[ItemValues]) -> ItemsTaken:
    """Write suppliers, of which none appears twice; in a transaction."""
    ((created, updated),) = _all(_SUPPLIERS, project_id, rows)
    return ItemsTaken(created, updated, len(rows) - created - updated, ())


def write_counts(project_id: int, rows: Sequence[ItemValues]) -> ItemsTaken:
    """Add counts, of which none is of the store, item and time of another; in a transaction.

    `index` says which of what was sent a row is.
    """
    created = unchanged = 0
    refused: list[ItemFault] = []
    for index, item, is_new, is_same in _all(_COUNTS, project_id, rows):
        if is_new:
            created += 1
        elif is_same:
            unchanged += 1
        else:
            reason = "COUNT_KNOWN: another count of that very time is known, and counts are kept; send a later one."
            refused.append(ItemFault(index, item, reason))
    return ItemsTaken(created, 0, unchanged, tuple(refused))


def _all(statement: str, project_id: int, rows: Sequence[ItemValues]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, {"project": project_id, "rows": json.dumps(list(rows), ensure_ascii=False)})
        return list(cursor.fetchall())
