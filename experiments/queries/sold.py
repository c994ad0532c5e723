"""How many pieces were sold, by item or by item in a store, from the outcomes."""

from collections.abc import Mapping
from datetime import datetime

from django.db import connection

# A day of margin on both sides: rows lie under the day of their message's untouched timestamp. An order with lines has
# its items in them, and none itself.
_SOLD = """
SELECT {store}, item, sum(quantity)::double precision
FROM experiments_outcome
WHERE project_id = %(project)s AND day BETWEEN %(start)s::date - 1 AND %(end)s::date + 1
    AND event = 'Order Completed' AND item IS NOT NULL AND quantity IS NOT NULL
    AND occurred_at >= %(start)s AND occurred_at < %(end)s
GROUP BY 1, 2
"""
_BY_ITEM = _SOLD.format(store="''")
_BY_STORE_ITEM = _SOLD.format(store="coalesce(store, '')")


def pieces_sold(project_id: int, *, start: datetime, end: datetime) -> Mapping[str, float]:
    """Return the pieces ordered of each item that was ordered in [start, end), project time; returns do not count."""
    return {item: pieces for (_, item), pieces in _asked(_BY_ITEM, project_id, start, end).items()}


def pieces_sold_by_store(project_id: int, *, start: datetime, end: datetime) -> Mapping[tuple[str, str], float]:
    """Return the same by (store, item); the store is "" where the order named none."""
    return _asked(_BY_STORE_ITEM, project_id, start, end)


def _asked(statement: str, project_id: int, start: datetime, end: datetime) -> dict[tuple[str, str], float]:
    with connection.cursor() as cursor:
        cursor.execute(statement, {"project": project_id, "start": start, "end": end})
        return {(store, item): pieces for store, item, pieces in cursor.fetchall()}
