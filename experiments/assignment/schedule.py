"""The schedule of an experiment by period, written out: what the engine answers for every unit in every period."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from experiments.assignment.budgets import split
from experiments.assignment.engine import assign
from experiments.assignment.periods import Periods
from experiments.assignment.snapshot import Snapshot
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
    """The cells, unit by unit in the order given, and how many units take no part, by reason."""

    cells: tuple[Cell, ...]
    left_out: Mapping[Reason, int]


def write_out(snapshot: Snapshot, key: str, units: Sequence[str], periods: int) -> Schedule:
    """Return the schedule of an experiment by period for these units, from its first period on.

    Units that holdout, layer, coverage or a bad id keep out have no cells. Raises KeyError for an experiment that the
    snapshot does not have, ValueError for one without periods.
    """
    experiment = snapshot.experiments[key]
    calendar = experiment.periods
    if calendar is None:
        raise ValueError(f"{key} is not randomised by period")
    left_out: Counter[Reason] = Counter()
    cells: list[Cell] = []
    for unit in units:
        found = list(_cells(snapshot, key, unit, calendar, periods))
        if isinstance(found[0], Reason):
            left_out[found[0]] += 1
        cells += [cell for cell in found if isinstance(cell, Cell)]
    return Schedule(tuple(_with_budgets(cells)), left_out)


def _cells(snapshot: Snapshot, key: str, unit: str, calendar: Periods, periods: int) -> Iterator[Cell | Reason]:
    kind = snapshot.experiments[key].unit_kind
    for index in range(periods):
        at = calendar.counts_from(index)
        (given,) = assign({kind: unit}, {}, at, None, snapshot, keys=(key,))
        if not given.enrolled or given.variant is None:
            yield given.reason
            continue
        start, end = calendar.start(index), calendar.start(index + 1)
        yield Cell(unit, index, start, end, at, given.variant, given.parameters, given.answer.budget)


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
