"""The shop's own interaction log in columns, as training reads it: streamed from the event log, ids hashed."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import numpy as np
import numpy.typing as npt
from django.db import connection, transaction

from decisions.domain import ITEMS, InteractionLog
from decisions.models import Item
from foundation.money import MICROS

ROWS_AT_ONCE = 50_000

Own = Callable[[str | None, str | None, str | None, float], bool]
"""(visitor, customer, session, time in seconds since 1970) -> whether the row is the own arm's."""

# Kinds are numbered as in decisions.domain.INTERACTIONS. A day of margin on both sides: rows lie under the day of their
# untouched timestamp. `{who}` is empty, or the columns that say whose arm a row belongs to.
_INTERACTIONS = """
SELECT unit, item, kind, extract(epoch FROM at)::double precision{who} FROM (
    SELECT coalesce(customer, visitor) AS unit, item, CASE event WHEN 'Product Viewed' THEN 0 ELSE 1 END AS kind,
        corrected_at AS at{who}
    FROM decisions_eventlog
    WHERE project_id = %(project)s AND day BETWEEN %(start)s::date - 1 AND %(end)s::date + 1 AND kind = 'track'
        AND event IN ('Product Viewed', 'Product Added') AND item IS NOT NULL
        AND corrected_at >= %(start)s AND corrected_at < %(end)s
    UNION ALL
    SELECT coalesce(customer, visitor), line->>'product_id', 2, corrected_at{who}
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
    rows = _batches(_INTERACTIONS.format(who=""), {"project": project_id, "start": start, "end": end})
    return _log(project_id, [_columns(batch, units, items) for batch in rows], items, start=start, end=end)


def interaction_log_by_arm(
    project_id: int, *, start: datetime, end: datetime, own: Own
) -> tuple[InteractionLog, npt.NDArray[np.bool_]]:
    """Return the same log, and for each of its rows whether it is the own arm's."""
    units: dict[str, int] = {}
    items: dict[str, int] = {}
    columns, flags = [], [np.zeros(0, np.bool_)]
    statement = _INTERACTIONS.format(who=", visitor, customer, session")
    for batch in _batches(statement, {"project": project_id, "start": start, "end": end}):
        columns.append(_columns(batch, units, items))
        flags.append(np.fromiter((own(row[4], row[5], row[6], row[3]) for row in batch), np.bool_, len(batch)))
    return _log(project_id, columns, items, start=start, end=end), np.concatenate(flags)


def _log(
    project_id: int,
    columns: Sequence[tuple[np.ndarray, ...]],
    items: Mapping[str, int],
    *,
    start: datetime,
    end: datetime,
) -> InteractionLog:
    """Return the log of these columns, its items in the order of their ids; `items` are the codes they have so far."""
    empty = (np.zeros(0, np.int32), np.zeros(0, np.int32), np.zeros(0, np.int8), np.zeros(0, np.float64))
    unit, item, kind, at = (np.concatenate(parts) for parts in zip(*(columns or [empty]), strict=True))
    item_ids = tuple(sorted(items))
    places = np.zeros(max(1, len(items)), np.int32)
    places[[items[name] for name in item_ids]] = np.arange(len(items), dtype=np.int32)
    found = _known(project_id, item_ids)
    return InteractionLog(
        units=unit,
        items=places[item] if len(item) else item,
        kinds=kind,
        at=at,
        item_ids=item_ids,
        categories=tuple(category for _, category, _, _ in found),
        prices=np.array([(price or 0) / MICROS for _, _, price, _ in found], dtype=np.float32),
        ratings=np.array([rating or 0.0 for _, _, _, rating in found], dtype=np.float32),
        start=start,
        end=end,
        titles=tuple(title for title, _, _, _ in found),
    )


def _known(project_id: int, item_ids: Sequence[str]) -> list[tuple[str, str, int | None, float | None]]:
    """Return (title, category, price, rating) of each item as the catalogue has it."""
    rows = Item.objects.filter(project_id=project_id, collection=ITEMS)
    wanted = ("item_id", "title", "category", "price", "rating")
    known = {row[0]: row[1:] for row in rows.values_list(*wanted).iterator(ROWS_AT_ONCE)}
    return [known.get(name, ("", "", None, None)) for name in item_ids]


def _columns(rows: Sequence[Sequence[Any]], units: dict[str, int], items: dict[str, int]) -> tuple[np.ndarray, ...]:
    """Return the columns of some rows; units and items that are new get the next code."""
    return (
        np.fromiter((units.setdefault(row[0], len(units)) for row in rows), np.int32, len(rows)),
        np.fromiter((items.setdefault(row[1], len(items)) for row in rows), np.int32, len(rows)),
        np.fromiter((row[2] for row in rows), np.int8, len(rows)),
        np.fromiter((row[3] for row in rows), np.float64, len(rows)),
    )


def _batches(statement: str, parameters: Mapping[str, Any]) -> Iterator[Sequence[Sequence[Any]]]:
    """Yield rows from a cursor on the server, so that memory does not grow with the text of the log."""
    with transaction.atomic(), connection.chunked_cursor() as cursor:
        cursor.execute(statement, parameters)
        while rows := cursor.fetchmany(ROWS_AT_ONCE):
            yield rows
