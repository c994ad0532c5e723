from datetime import UTC, date, datetime

from decisions.ingest.rows import COLUMNS, EventRow, copy_line


def row(**changes: object) -> EventRow:
    fields: dict[str, object] = {
        "project_id": 1,
        "day": date(2026, 6, 1),
        "message_id": "m",
        "kind": "track",
        "event": "Product Viewed",
        "occurred_at": datetime(2026, 6, 1, tzinfo=UTC),
        "corrected_at": None,
        "visitor": "v" * 22,
        "customer": None,
        "session": None,
        "item": None,
        "store": None,
        "properties": "{}",
        "enrolments": None,
    }
    return EventRow(**(fields | changes))  # type: ignore[arg-type]


def test_copy_line__plain_row__has_a_field_for_each_column() -> None:
    fields = copy_line(row()).split("\t")

    assert len(fields) == len(COLUMNS)
    assert dict(zip(COLUMNS, fields, strict=True))["occurred_at"] == "2026-06-01T00:00:00+00:00"
    assert fields.count("\\N") == 6


def test_copy_line__separators_inside__are_escaped() -> None:
    line = copy_line(row(message_id="a\tb\nc\\d\r", event="\\.", item="\\N", properties='{"a":"\\n"}'))

    assert "\n" not in line
    assert "\r" not in line
    assert line.split("\t")[2] == "a\\tb\\nc\\\\d\\r"
    assert line.split("\t")[4] == "\\\\."
    assert line.split("\t")[10] == "\\\\N"
    assert line.split("\t")[12] == '{"a":"\\\\n"}'
