"""The latest count of every item in every store, in columns."""

from dataclasses import dataclass
from datetime import datetime

import numpy as np
import numpy.typing as npt
from django.db import connection

Floats = npt.NDArray[np.float64]

# From one pair to the next along the index, and in each the last count: rows of the past are many and are not read.
_LATEST = """
WITH RECURSIVE pair AS (
    (
        SELECT store_id, item_id FROM decisions_stockcount
        WHERE project_id = %(project)s ORDER BY store_id, item_id LIMIT 1
    )
    UNION ALL
    SELECT following.store_id, following.item_id FROM pair, LATERAL (
        SELECT known.store_id, known.item_id FROM decisions_stockcount known
        WHERE known.project_id = %(project)s AND (known.store_id, known.item_id) > (pair.store_id, pair.item_id)
        ORDER BY known.store_id, known.item_id LIMIT 1
    ) following
)
SELECT pair.store_id, pair.item_id, latest.on_hand, latest.on_order, latest.capacity, latest.reorder_point,
    latest.order_up_to, extract(epoch FROM latest.counted_at)::double precision
FROM pair, LATERAL (
    SELECT * FROM decisions_stockcount known
    WHERE known.project_id = %(project)s AND known.store_id = pair.store_id AND known.item_id = pair.item_id
        AND known.counted_at <= %(at)s
    ORDER BY known.counted_at DESC LIMIT 1
) latest
"""


@dataclass(frozen=True, slots=True, eq=False)
class CountColumns:
    """Counts in the order of `store|item`: texts, and float64 with NaN where nobody said. counted_at: seconds."""

    stores: tuple[str, ...]
    items: tuple[str, ...]
    on_hand: Floats
    on_order: Floats
    capacity: Floats
    reorder_point: Floats
    order_up_to: Floats
    counted_at: Floats


def latest_count_columns(project_id: int, *, at: datetime) -> CountColumns:
    """Return the last count of each item in each store that had been made by a project time."""
    with connection.cursor() as cursor:
        cursor.execute(_LATEST, {"project": project_id, "at": at})
        rows = sorted(cursor.fetchall(), key=lambda row: f"{row[0]}|{row[1]}")
    numbers = np.array([row[2:] for row in rows], np.float64).reshape(len(rows), 6)
    on_hand, on_order, capacity, reorder_point, order_up_to, counted_at = numbers.T.copy()
    return CountColumns(
        stores=tuple(row[0] for row in rows),
        items=tuple(row[1] for row in rows),
        on_hand=on_hand,
        on_order=on_order,
        capacity=capacity,
        reorder_point=reorder_point,
        order_up_to=order_up_to,
        counted_at=counted_at,
    )
