"""Recorded demand as its publishers describe it: weekly sales of 811 products, SupplyGraph's orders, daily orders."""

import csv
import gzip
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Final

import numpy as np

from decisions.domain_reports import RecordedDataMissing
from decisions.domains.restock.training.panel import Floats, Panel, complete_panel

WEEKLY: Final = "demand/uci_weekly_sales_811.csv.gz"
SUPPLY_GRAPH: Final = "demand/supplygraph_sales_order.csv.gz"
DAILY: Final = "demand/uci_daily_demand_orders.csv.gz"
FILES: Final = (WEEKLY, SUPPLY_GRAPH, DAILY)

WEEKS: Final = 52
SUNDAY: Final = 6
WORKING_DAYS: Final = 5
FIRST_WORKING_DAY: Final = 2
"""The file calls Monday 2 and Friday 6."""


@dataclass(frozen=True, slots=True, eq=False)
class Recorded:
    """A panel of recorded demand. interval: the steps of a protection interval. folds: how many of them judge."""

    name: str
    panel: Panel
    interval: int
    folds: int

    @property
    def origins(self) -> tuple[int, ...]:
        """The steps before which forecasts are made; the intervals after them do not overlap and end with the panel."""
        return tuple(self.panel.steps - self.interval * fold for fold in range(self.folds, 0, -1))


def read_weekly(folder: Path) -> Recorded:
    """Return 811 products x 52 weeks; two weeks of lead time and one of review are protected."""
    header, *rows = _lines(folder, WEEKLY)
    _ensure(header[: WEEKS + 1] == ["Product_Code", *(f"W{week}" for week in range(WEEKS))], WEEKLY)
    units = _numbers((row[1 : WEEKS + 1] for row in rows), WEEKLY)
    panel = complete_panel(tuple(row[0] for row in rows), units, season=1, horizons=(1, 2, 3, 6))
    return Recorded("811 weekly products", panel, interval=3, folds=4)


def read_supply_graph(folder: Path) -> Recorded:
    """Return 41 products x 221 days of sales orders, by the places of their columns, for two names are one product's.

    Their publisher's header has POP001L12P twice; a reader that goes by names loses one, or calls it POP001L12P.1.
    """
    header, *rows = _lines(folder, SUPPLY_GRAPH)
    _ensure(header[0] == "Date", SUPPLY_GRAPH)
    units = _numbers((row[1:] for row in rows), SUPPLY_GRAPH).T
    ids = tuple(f"{place}|{name}" for place, name in enumerate(header[1:]))
    panel = complete_panel(ids, units, season=7, horizons=(1, 7, 14, 28))
    return Recorded("SupplyGraph", _beginning(panel, SUNDAY), interval=14, folds=4)


def read_daily(folder: Path) -> Recorded:
    """Return 11 counts of orders x working days; days that the file leaves out are not known."""
    header, *rows = _lines(folder, DAILY, delimiter=";")
    _ensure(len(header) == 13 and header[-1].startswith("Target"), DAILY)
    weekdays = [int(row[1]) - FIRST_WORKING_DAY for row in rows]
    gaps = [(after - before) % WORKING_DAYS or WORKING_DAYS for before, after in pairwise(weekdays)]
    steps = np.cumsum([0, *gaps])
    units = np.zeros((len(header) - 2, int(steps[-1]) + 1))
    units[:, steps] = _numbers((row[2:] for row in rows), DAILY).T
    panel = complete_panel(tuple(header[2:]), units, season=WORKING_DAYS, horizons=(1, 5, 10))
    panel.known[:] = False
    panel.known[:, steps] = True
    return Recorded("daily orders", _beginning(panel, weekdays[0]), interval=5, folds=4)


def _beginning(panel: Panel, phase: int) -> Panel:
    return Panel(panel.ids, panel.units, panel.known, panel.censored, panel.season, phase, panel.horizons)


def _lines(folder: Path, name: str, *, delimiter: str = ",") -> list[list[str]]:
    try:
        with gzip.open(folder / name, "rt", encoding="utf-8", newline="") as file:
            lines = [line for line in csv.reader(file, delimiter=delimiter) if line]
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise RecordedDataMissing(f"{name} cannot be read.") from error
    _ensure(len(lines) > 1, name)
    return lines


def _numbers(rows: Iterable[list[str]], name: str) -> Floats:
    try:
        found = np.array([[float(cell) for cell in row] for row in rows])
    except ValueError as error:
        raise RecordedDataMissing(f"{name} holds something else than numbers.") from error
    _ensure(found.ndim == 2 and bool(np.isfinite(found).all()) and bool((found >= 0.0).all()), name)
    return found


def _ensure(holds: bool, name: str) -> None:
    if not holds:
        raise RecordedDataMissing(f"{name} is not the file that the figures are about.")
