"""The shop's own interaction log in columns, as training reads it: streamed from the event log, ids hashed."""

from collections.abc import Iterator, Sequence
from datetime import datetime

import numpy as np
from django.db import connection, transaction

from decisions.domain import InteractionLog
from decisions.models import Item
from foundation.money import MICROS

ROWS_AT_ONCE = 50_000

# Kinds are numbered as in decisions.domain.INTERACTIONS. A day of margin on both sides: rows lie under the day of their
# untouched timestamp.
_INTERACTIONS = """
SELECT unit, item, kind, extract(epoch FROM at)::double precision FROM (
    SELECT coalesce(customer, visitor) AS unit, item, CASE event WHEN 'Product Viewed' THEN 0 ELSE 1 END AS kind,
        corrected_at AS at
    FROM decisions_eventlog
    WHERE project_id = %(project)s AND day BETWEEN %(start)s::date - 1 AND %(end)s::date + 1 AND kind = 'track'
        AND event IN ('Product Viewed', 'Product Added') AND item IS NOT NULL
        AND corrected_at >= %(start)s AND corrected_at < %(end)s
    UNION ALL
    SELECT coalesce(customer, visitor), line->>'product_id', 2, corrected_at
    FROM decisions_eventlog, jsonb_array_elements(
        CASE WHEN jsonb_typeof(properties->'products') = 'array' THEN properties->'products' ELSE '[]' END
    ) AS line
    WHERE project_id = %(project)s AND day BETWEEN %(start)s::date - 1 AND %(end)s::date + 1 AND kind = 'track'
        AND event = 'Order Completed' AND line->>'product_id' IS NOT NULL
        AND corrected_at >= %(start)s AND corrected_at < %(end)s
) interaction
WHERE unit IS NOT NULL
ORDER BY at, unit, item, kind
"""


def interaction_log(project_id: int, *, start: datetime, end: datetime) -> InteractionLog:
    """Return what the project's units did with items in [start, end), project time, in the order of time.

    Items are those that were dealt with, in the order of their ids; what the catalogue knows of them comes along.
    """
    units: dict[str, int] = {}
    items: dict[str, int] = {}
    columns = [_columns(rows, units, items) for rows in _batches(project_id, start, end)]
    empty = (np.zeros(0, np.int32), np.zeros(0, np.int32), np.zeros(0, np.int8), np.zeros(0, np.float64))
    unit, item, kind, at = (np.concatenate(parts) for parts in zip(*(columns or [empty]), strict=True))
    item_ids = tuple(sorted(items))
    places = np.zeros(max(1, len(items)), np.int32)
    places[[items[name] for name in item_ids]] = np.arange(len(items), dtype=np.int32)
    known = {row.item_id: row for row in Item.objects.filter(project_id=project_id).iterator(ROWS_AT_ONCE)}
    found = [known.get(name) for name in item_ids]
    return InteractionLog(
        units=unit,
        items=places[item] if len(item) else item,
        kinds=kind,
        at=at,
        item_ids=item_ids,
        categories=tuple(row.category if row else "" for row in found),
        prices=np.array([(row.price or 0) / MICROS if row else 0.0 for row in found], dtype=np.float32),
        ratings=np.array([row.rating or 0.0 if row else 0.0 for row in found], dtype=np.float32),
        start=start,
        end=end,
    )


def _columns(
    rows: Sequence[tuple[str, str, int, float]], units: dict[str, int], items: dict[str, int]
) -> tuple[np.ndarray, ...]:
    """Return the columns of some rows; units and items that are new get the next code."""
    return (
        np.fromiter((units.setdefault(row[0], len(units)) for row in rows), np.int32, len(rows)),
        np.fromiter((items.setdefault(row[1], len(items)) for row in rows), np.int32, len(rows)),
        np.fromiter((row[2] for row in rows), np.int8, len(rows)),
        np.fromiter((row[3] for row in rows), np.float64, len(rows)),
    )


def _batches(project_id: int, start: datetime, end: datetime) -> Iterator[Sequence[tuple[str, str, int, float]]]:
    """Yield rows from a cursor on the server, so that memory does not grow with the text of the log."""
    with transaction.atomic(), connection.chunked_cursor() as cursor:
        cursor.execute(_INTERACTIONS, {"project": project_id, "start": start, "end": end})
        while rows := cursor.fetchmany(ROWS_AT_ONCE):
            yield rows
