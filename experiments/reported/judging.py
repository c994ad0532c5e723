"""A report against its schedule: every row ends as a cell that counts or with a reason, and so does every cell."""

import csv
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time
from typing import Final
from zoneinfo import ZoneInfo

from experiments.assignment.schedule import Cell
from experiments.reported.faults import ReportFault
from experiments.reported.layout import Layout, Part, ReportInvalid, layout_of
from experiments.reported.values import read_value

MOST_ROWS: Final = 2_000_000
MOST_EXAMPLES: Final = 100
"""Quarantined rows or cells that are kept for each reason; all are counted."""


@dataclass(frozen=True, slots=True)
class Expected:
    """What a report is held against: the cells by unit and period, how texts name units, and the project's zone.

    `daily` says whether periods are days, so that a report may name them by their date.
    """

    cells: Mapping[tuple[str, int], Cell]
    units: Mapping[str, str]
    zone: str
    daily: bool


@dataclass(frozen=True, slots=True)
class Reported:
    """A cell that counts, with its values in the order of the layout's parts."""

    cell: Cell
    values: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Example:
    """Something that was quarantined: the line of the file, 0 for a missing cell, with what it is about."""

    fault: ReportFault
    line: int
    about: str
    value: str | None = None


@dataclass(frozen=True, slots=True)
class Judged:
    """A report as it was read. rows_read = cells that count + quarantined rows; MISSING_CELL counts cells, not rows."""

    counted: tuple[Reported, ...]
    rows_read: int
    faults: Mapping[ReportFault, int]
    examples: tuple[Example, ...]

    @property
    def missing(self) -> int:
        """Planned cells that the report does not have."""
        return self.faults.get(ReportFault.MISSING_CELL, 0)

    @property
    def bad_rows(self) -> int:
        """Rows that were quarantined."""
        return sum(self.faults.values()) - self.missing


@dataclass(slots=True)
class _Tally:
    """What was quarantined so far: how much of each kind, and examples."""

    faults: Counter[ReportFault] = field(default_factory=Counter)
    examples: list[Example] = field(default_factory=list)

    def add(self, found: Example) -> None:
        self.faults[found.fault] += 1
        if self.faults[found.fault] <= MOST_EXAMPLES:
            value = None if found.value is None else _storable(found.value)
            self.examples.append(Example(found.fault, found.line, _storable(found.about), value))


Row = tuple[int, list[str]]
"""A line of the file by its number."""


def judge_report(
    lines: Iterator[str], parts: Sequence[Part], expected: Expected, *, missing_is_zero: bool = False
) -> Judged:
    """Return what a report says about the cells of a schedule.

    missing_is_zero: an empty value means that nothing happened, and so does a cell without a row. Raises ReportInvalid
    where the file has no usable header or is no CSV.
    """
    layout, rows = _read(lines, parts, expected)
    tally = _Tally()
    placed: dict[tuple[str, int], list[Row]] = {}
    for line, row in rows:
        found = _cell_of(row, layout, expected)
        if isinstance(found, ReportFault):
            tally.add(Example(found, line, ",".join(row)))
        else:
            placed.setdefault(found, []).append((line, row))
    counted: list[Reported] = []
    for place, cell in expected.cells.items():
        outcome = _counted(cell, placed.get(place, []), layout, missing_is_zero=missing_is_zero)
        if isinstance(outcome, Reported):
            counted.append(outcome)
        else:
            for example in outcome:
                tally.add(example)
    return Judged(tuple(counted), len(rows), dict(tally.faults), tuple(tally.examples))


def _counted(
    cell: Cell, entries: Sequence[Row], layout: Layout, *, missing_is_zero: bool
) -> Reported | tuple[Example, ...]:
    """Return a cell with its values, or why it does not count: an example for each of its rows."""
    about = f"{cell.unit} in period {cell.period}"
    if len(entries) > 1:
        return tuple(Example(ReportFault.DUPLICATE_CELL, line, about) for line, _ in entries)
    if not entries:
        nothing = Reported(cell, (0,) * len(layout.values))
        return nothing if missing_is_zero else (Example(ReportFault.MISSING_CELL, 0, about),)
    line, row = entries[0]
    values: list[int] = []
    for part, column in layout.values:
        value = read_value(row[column], part.what, missing_is_zero=missing_is_zero)
        if isinstance(value, ReportFault):
            return (Example(value, line, f"{about}, column {part.column}", row[column]),)
        values.append(value)
    return Reported(cell, tuple(values))


def _read(lines: Iterator[str], parts: Sequence[Part], expected: Expected) -> tuple[Layout, list[Row]]:
    reader = csv.reader(lines)
    try:
        header = next(reader, None)
        if header is None:
            raise ReportInvalid("The report is empty.")
        layout = layout_of(header, parts, daily=expected.daily)
        return layout, [(reader.line_num, row) for row in _bounded(reader) if row]
    except csv.Error as error:
        raise ReportInvalid(f"Line {reader.line_num} is no CSV: {error}.") from error


def _storable(text: str) -> str:
    """Return the text as a database takes it, and no more of it than helps."""
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}")[:200]


def _bounded(rows: Iterator[list[str]]) -> Iterator[list[str]]:
    for number, row in enumerate(rows):
        if number >= MOST_ROWS:
            raise ReportInvalid(f"The report has more than {MOST_ROWS} rows.")
        yield row


def _cell_of(row: Sequence[str], layout: Layout, expected: Expected) -> tuple[str, int] | ReportFault:
    """Return the unit and period that a row is about, or why it is about none of the schedule."""
    if len(row) != layout.width:
        return ReportFault.MALFORMED_LINE
    unit = expected.units.get(row[layout.unit])
    if unit is None:
        return ReportFault.UNKNOWN_UNIT
    if layout.period is not None:
        text = row[layout.period].strip()
        period = int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None
    else:
        period = _period_of_date(row[layout.date or 0].strip(), expected)
    if period is None:
        return ReportFault.UNREADABLE_PERIOD
    cell = expected.cells.get((unit, period))
    if cell is None:
        return ReportFault.UNKNOWN_PERIOD
    if layout.variant is not None and row[layout.variant].strip() != cell.variant:
        return ReportFault.WRONG_VARIANT
    return unit, period


def _period_of_date(text: str, expected: Expected) -> int | None:
    """Return the period that holds noon of a day in the project's zone: clocks may have moved its midnight."""
    try:
        noon = datetime.combine(date.fromisoformat(text), time(12), ZoneInfo(expected.zone))
    except ValueError:
        return None
    some = next(iter(expected.cells.values()))
    length = some.end - some.start
    return (noon - some.start) // length + some.period
