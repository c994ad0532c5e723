"""Rows of the event log, and their text form for COPY."""

from datetime import date, datetime
from functools import lru_cache

import msgspec

COLUMNS = (
    "project_id",
    "day",
    "message_id",
    "kind",
    "event",
    "occurred_at",
    "corrected_at",
    "visitor",
    "customer",
    "session",
    "item",
    "store",
    "properties",
    "enrolments",
)

_NULL = "\\N"
_BACKSLASH, _ESCAPED = "\\", "\\\\"
_ESCAPES = str.maketrans({"\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"})


class EventRow(msgspec.Struct, frozen=True, gc=False):
    """One message as it is stored: personal ids hashed, `properties` and `enrolments` as JSON text."""

    project_id: int
    day: date
    message_id: str
    kind: str
    event: str | None
    occurred_at: datetime | None
    corrected_at: datetime | None
    visitor: str | None
    customer: str | None
    session: str | None
    item: str | None
    store: str | None
    properties: str
    enrolments: str | None

    @property
    def key(self) -> tuple[date, str]:
        """What makes the row unique within its project; also the order in which rows are written."""
        return self.day, self.message_id


def copy_line(row: EventRow) -> str:
    """Return the row as a line of COPY's text format, in the order of COLUMNS."""
    occurred = _moment(row.occurred_at)
    corrected = occurred if row.corrected_at is row.occurred_at else _moment(row.corrected_at)
    enrolments = _NULL if row.enrolments is None else row.enrolments.replace(_BACKSLASH, _ESCAPED)
    return (
        f"{row.project_id}\t{_day(row.day)}\t{_text(row.message_id)}\t{row.kind}\t{_text(row.event)}\t{occurred}\t"
        f"{corrected}\t{row.visitor or _NULL}\t{row.customer or _NULL}\t{row.session or _NULL}\t{_text(row.item)}\t"
        f"{_text(row.store)}\t{row.properties.replace(_BACKSLASH, _ESCAPED)}\t{enrolments}"
    )


def _text(value: str | None) -> str:
    if value is None:
        return _NULL
    return value if value.isprintable() and "\\" not in value else value.translate(_ESCAPES)


@lru_cache(maxsize=1_024)
def _day(value: date) -> str:
    return value.isoformat()


def _moment(value: datetime | None) -> str:
    return _NULL if value is None else value.isoformat()
