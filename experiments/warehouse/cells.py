"""Cells of unit x period: which one an outcome lies in, and when a cell begins to count."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import ibis
from ibis import Table
from ibis.expr.types import IntegerValue, NumericValue, StringValue, TimestampValue

from experiments.analysis.metrics import MetricSpec, variables
from experiments.warehouse.question import Calendar, moment

_LAST: Final = r"\|(-?[0-9]+)$"


def period_of(at: TimestampValue, calendar: Calendar) -> IntegerValue:
    """Return the number of the period in which a time lies; wrong before the first one, where nothing counts.

    Whole minutes, because a database may round what it cuts to seconds, and every boundary is on one.
    """
    begun = int(calendar.anchor.timestamp())
    return (at.truncate("m").epoch_seconds() - begun) // (60 * calendar.minutes)


def in_cells(units: Table, calendar: Calendar) -> Table:
    """Return the exposed cells, each with `period`, `plain_unit` and `first_at` at the end of its burn-in."""
    period = cell_period(units.unit)
    seconds = 60 * (period * calendar.minutes + calendar.burn_in)
    return units.mutate(
        period=period,
        plain_unit=cell_unit(units.unit),
        first_at=moment(calendar.anchor) + seconds.as_interval("s"),
    )


def cell_period(cell: StringValue) -> IntegerValue:
    """Return the number of a cell's period."""
    return cell.re_extract(_LAST, 1).cast("int64")


def cell_unit(cell: StringValue) -> StringValue:
    """Return the id of a cell's unit."""
    return cell.re_replace(_LAST, "")


def cluster_of(unit: StringValue, period: IntegerValue, block: int | None) -> StringValue:
    """Return the name of the cluster that a cell belongs to: its unit, or its unit's block of so many periods."""
    return unit if block is None else unit + "|" + (period // block).cast("string")


def total_columns(
    metrics: Sequence[MetricSpec], values: Callable[[int, MetricSpec, str], NumericValue]
) -> dict[str, ibis.Value]:
    """Return the totals of every metric's variables as text, by column name (see `read_total`).

    values: what gives the column of a metric, by its place, itself and the variable.
    """
    return {
        f"t{index}_{variable.name}": values(index, spec, variable.name).sum().cast("string")
        for index, spec in enumerate(metrics)
        for variable in variables(spec)
    }


def read_total(row: Mapping[str, Any], index: int, variable: str) -> int:
    """Return the total of a metric's variable that a row holds; what the query left null is a sum over nothing."""
    found = row.get(f"t{index}_{variable}")
    return 0 if found is None else int(str(found).partition(".")[0])
