"""The schedule of an experiment by period, written out: what the engine answers for every unit in every period."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from experiments.assignment.budgets import split
from experiments.assignment.bulk import assign_table
from experiments.assignment.bulk_table import UnitTable
from experiments.assignment.periods import Periods
from experiments.assignment.snapshot import Answer, Snapshot
from experiments.vocabulary import Reason

MOST_CELLS: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Cell:
    """A unit in a period. Times in UTC; budgets in millionths of the currency, None without one.

    `budget` is the cell's part of its variant's, which all cells of the variant share evenly, to the last millionth.
    """

    unit: str
    period: int
    start: datetime
    end: datetime
    counts_from: datetime
    variant: str
    parameters: Mapping[str, object]
    variant_budget: int | None
    budget: int | None = None


@dataclass(frozen=True, slots=True)
class Schedule:
    """The cells, unit by unit in the order given, and how many units take no part, by reason.

    `blackouts` are the periods in which nobody has a cell, because they touch days that are kept out.
    """

    cells: tuple[Cell, ...]
    left_out: Mapping[Reason, int]
    blackouts: tuple[int, ...] = ()


def write_out(snapshot: Snapshot, key: str, units: Sequence[str], periods: int) -> Schedule:
    """Return the schedule of an experiment by period for these units, from its first period on.

    Units that holdout, layer, coverage or a bad id keep out have no cells. Raises KeyError for an experiment that the
    snapshot does not have, ValueError for one without periods.
    """
    experiment = snapshot.experiments[key]
    calendar = experiment.periods
    if calendar is None:
        raise ValueError(f"{key} is not randomised by period")
    counting = [index for index in range(periods) if not calendar.is_kept_out(index)]
    table = UnitTable({experiment.unit_kind: units})
    columns = [_column(snapshot, key, table, calendar, index) for index in counting]
    cells = [column.cell(row, unit) for row, unit in enumerate(units) for column in columns if column.enrols(row)]
    first = [columns[0].reason(row) if columns else Reason.BLACKOUT for row in range(len(units))]
    left_out = Counter(reason for reason in first if reason is not None)
    kept_out = tuple(index for index in range(periods) if calendar.is_kept_out(index))
    return Schedule(tuple(_with_budgets(cells)), left_out, kept_out)


@dataclass(frozen=True, slots=True)
class _Column:
    """A period: what each unit gets in it."""

    period: int
    start: datetime
    end: datetime
    counts_from: datetime
    answers: tuple[Answer, ...]
    codes: list[int]

    def reason(self, row: int) -> Reason | None:
        """Return why a unit has no cell, None where it has one."""
        answer = self.answers[self.codes[row]]
        return None if answer.enrolled else answer.reason

    def enrols(self, row: int) -> bool:
        """Return whether a unit has a cell."""
        return self.answers[self.codes[row]].enrolled

    def cell(self, row: int, unit: str) -> Cell:
        """Return the cell of a unit that has one."""
        found = self.answers[self.codes[row]]
        assert found.variant is not None
        return Cell(
            unit, self.period, self.start, self.end, self.counts_from, found.variant, found.parameters, found.budget
        )


def _column(snapshot: Snapshot, key: str, table: UnitTable, calendar: Periods, index: int) -> _Column:
    at = calendar.counts_from(index)
    (found,) = assign_table(table, at, snapshot, keys=[key])
    start, end = calendar.start(index), calendar.start(index + 1)
    return _Column(index, start, end, at, found.answers, found.codes.tolist())


def _with_budgets(cells: Sequence[Cell]) -> Iterator[Cell]:
    counts = Counter(cell.variant for cell in cells)
    parts = {
        cell.variant: iter(split(cell.variant_budget, [1] * counts[cell.variant]))
        for cell in {cell.variant: cell for cell in cells}.values()
        if cell.variant_budget is not None
    }
    for cell in cells:
        yield cell if cell.variant not in parts else _paid(cell, next(parts[cell.variant]))


def _paid(cell: Cell, budget: int) -> Cell:
    return Cell(
        cell.unit,
        cell.period,
        cell.start,
        cell.end,
        cell.counts_from,
        cell.variant,
        cell.parameters,
        cell.variant_budget,
        budget,
    )
