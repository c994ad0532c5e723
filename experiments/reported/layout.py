"""Which columns of a report hold what: the unit, the period, and a column for each part of each metric."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from experiments.analysis.metrics import MetricSpec, What
from foundation.errors import DomainError

UNIT = "unit"
PERIOD = "period"
DATE = "date"
VARIANT = "variant"


class ReportInvalid(DomainError):
    """The report cannot be used; nothing was imported."""

    code: ClassVar[str] = "REPORT_INVALID"
    hint = "Send a CSV file in UTF-8 with a header: unit, period or date, and a column for each metric."


@dataclass(frozen=True, slots=True)
class Part:
    """A metric's part (y or d) in a column of the report."""

    metric: str
    part: str
    column: str
    what: What


def parts_of(specs: Sequence[MetricSpec]) -> tuple[Part, ...]:
    """Return the columns that the metrics need: `key`, or `key.numerator` and `key.denominator` of a ratio."""
    found: list[Part] = []
    for spec in specs:
        if spec.denominator is None:
            found.append(Part(spec.key, "y", spec.key, spec.numerator.what))
        else:
            found.append(Part(spec.key, "y", f"{spec.key}.numerator", spec.numerator.what))
            found.append(Part(spec.key, "d", f"{spec.key}.denominator", spec.denominator.what))
    return tuple(found)


@dataclass(frozen=True, slots=True)
class Layout:
    """Places of columns in a row. One of `period` and `date` is set."""

    width: int
    unit: int
    period: int | None
    date: int | None
    variant: int | None
    values: tuple[tuple[Part, int], ...]


def layout_of(header: Sequence[str], parts: Sequence[Part], *, daily: bool) -> Layout:
    """Return where a header has what is needed; other columns are passed over. `daily`: periods are days.

    Raises ReportInvalid with the first column that is missing or there twice.
    """
    names = [name.strip() for name in header]

    def place(name: str) -> int | None:
        if names.count(name) > 1:
            raise ReportInvalid(f"The column {name} is there {names.count(name)} times.")
        return names.index(name) if name in names else None

    unit = place(UNIT)
    if unit is None:
        raise ReportInvalid(f"The column {UNIT} is missing.")
    period, date = place(PERIOD), place(DATE) if daily else None
    if period is None and date is None:
        needed = f"{PERIOD} or {DATE}" if daily else PERIOD
        raise ReportInvalid(f"The column {needed} is missing.")
    values: list[tuple[Part, int]] = []
    for part in parts:
        column = place(part.column)
        if column is None:
            raise ReportInvalid(f"The column {part.column} is missing.", hint=f"Metric {part.metric} needs it.")
        values.append((part, column))
    return Layout(len(names), unit, period, None if period is not None else date, place(VARIANT), tuple(values))
