"""A schedule as a file that people and platforms read: one line for each unit in each period."""

import json
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from experiments.assignment.schedule import Cell
from experiments.reports.tables import Cell as Value
from experiments.reports.tables import written
from foundation.money import format_micros

PARAMETER: Final = "parameter."
"""How the headings of parameters begin."""


def schedule_csv(cells: Sequence[Cell], *, zone: str) -> bytes:
    """Return the cells as comma-separated values; times in the zone, budgets in the currency.

    Headings are the same in every language, because programs read them.
    """
    local = ZoneInfo(zone)

    def at(moment: datetime) -> str:
        return moment.astimezone(local).isoformat()

    columns: list[tuple[str, Callable[[Cell], Value]]] = [
        ("unit", lambda cell: cell.unit),
        ("period", lambda cell: cell.period),
        ("start", lambda cell: at(cell.start)),
        ("end", lambda cell: at(cell.end)),
        ("variant", lambda cell: cell.variant),
        ("burn_in_until", lambda cell: at(cell.counts_from)),
    ]
    if any(cell.budget is not None for cell in cells):
        columns.append(("budget", lambda cell: _amount(cell.budget)))
        columns.append(("variant_budget", lambda cell: _amount(cell.variant_budget)))
    names = sorted({name for cell in cells for name in cell.parameters})
    columns.extend((f"{PARAMETER}{name}", _reader(name)) for name in names)
    return written(columns, cells)


def _reader(name: str) -> Callable[[Cell], Value]:
    return lambda cell: _plain(cell.parameters.get(name))


def _plain(value: object) -> Value:
    if value is None or isinstance(value, str | bool | int | float):
        return value
    return json.dumps(value, ensure_ascii=False, sort_keys=True, default=dict)


def _amount(micros: int | None) -> str | None:
    return None if micros is None else format_micros(micros)
