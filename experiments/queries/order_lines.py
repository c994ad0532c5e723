"""Lines of orders among the outcomes: which items have any since a time, and which lines have nothing booked."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db import connection
from django.db.models import Max

from experiments.models import Scorecard
from experiments.vocabulary import BOOKED_LINE

# Two days of margin: rows lie under the day of their untouched timestamp.
_LINES = """
SELECT DISTINCT {wanted}
FROM unnest(%(items)s::text[], %(since)s::timestamptz[]) AS asked(item, since)
JOIN experiments_outcome o ON o.project_id = %(project)s AND o.item = asked.item AND o.occurred_at >= asked.since
WHERE o.day >= %(first)s::timestamptz::date - 2 AND o.occurred_at < %(before)s
    AND o.event IN ('Order Completed', 'Order Refunded', 'Order Cancelled')
"""

_UNBOOKED = """
SELECT count(*), min(o.received_at), max(o.received_at),
    (array_agg(o.item ORDER BY o.received_at DESC, o.day, o.message_id, o.line))[1],
    (array_agg(o.event ORDER BY o.received_at DESC, o.day, o.message_id, o.line))[1]
FROM experiments_outcome o
WHERE o.project_id = %(project)s AND o.day >= %(first)s
    AND o.event IN ('Order Completed', 'Order Refunded', 'Order Cancelled') AND o.item IS NOT NULL
    AND o.value IS NOT NULL AND NOT EXISTS (
        SELECT 1 FROM experiments_outcome booked
        WHERE booked.project_id = o.project_id AND booked.day = o.day AND booked.message_id = o.message_id
            AND booked.line = o.line + %(booked)s
    )
"""


@dataclass(frozen=True, slots=True)
class UnbookedLines:
    """Lines with a price and nothing booked: how many, when they came, and the item and event of the newest."""

    count: int
    first_at: datetime
    last_at: datetime
    item: str
    event: str


def items_with_lines(project_id: int, since: Mapping[str, datetime], *, before: datetime) -> set[str]:
    """Return those of the items that have a line of an order in [its own time, before), project time."""
    return {item for (item,) in _lines("o.item", project_id, since, before)}


def messages_with_lines(project_id: int, since: Mapping[str, datetime]) -> list[tuple[date, str]]:
    """Return the keys of the messages with a line about any of the items at or after its own time, in their order."""
    rows = _lines("o.day, o.message_id", project_id, since, None)
    return sorted((day, message_id) for day, message_id in rows)


def unbooked_lines(project_id: int, *, first: date) -> UnbookedLines | None:
    """Return the lines of orders since a day for which nothing is booked, None where there are none."""
    with connection.cursor() as cursor:
        cursor.execute(_UNBOOKED, {"project": project_id, "first": first, "booked": BOOKED_LINE})
        row = cursor.fetchone()
    return UnbookedLines(*row) if row[0] else None


def counted_until(project_id: int) -> datetime | None:
    """Return the project time up to which looks have counted outcomes; None where no look was taken."""
    looks = Scorecard.objects.filter(experiment__project_id=project_id, experiment__source="OWN")
    newest: datetime | None = looks.aggregate(newest=Max("window_end"))["newest"]
    return newest


def _lines(
    wanted: str, project_id: int, since: Mapping[str, datetime], before: datetime | None
) -> list[tuple[Any, ...]]:
    if not since:
        return []
    parameters: dict[str, Any] = {
        "project": project_id,
        "items": list(since),
        "since": list(since.values()),
        "first": min(since.values()),
        "before": before or "infinity",
    }
    with connection.cursor() as cursor:
        cursor.execute(_LINES.format(wanted=wanted), parameters)
        return list(cursor.fetchall())
