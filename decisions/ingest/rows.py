"""Rows of the event log, and their text form for COPY."""

from dataclasses import dataclass
from datetime import date, datetime

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
_ESCAPES = str.maketrans({"\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"})


@dataclass(frozen=True, slots=True)
class EventRow:
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
    return "\t".join(
        (
            str(row.project_id),
            row.day.isoformat(),
            _text(row.message_id),
            row.kind,
            _text(row.event),
            _moment(row.occurred_at),
            _moment(row.corrected_at),
            row.visitor or _NULL,
            row.customer or _NULL,
            row.session or _NULL,
            _text(row.item),
            _text(row.store),
            row.properties.replace("\\", "\\\\"),
            _NULL if row.enrolments is None else row.enrolments.replace("\\", "\\\\"),
        )
    )


def _text(value: str | None) -> str:
    if value is None:
        return _NULL
    return value if value.isprintable() and "\\" not in value else value.translate(_ESCAPES)


def _moment(value: datetime | None) -> str:
    return _NULL if value is None else value.isoformat()
