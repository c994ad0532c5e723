"""Moments of a recorded experiment: its units as they were imported, one stratum."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import ibis
from ibis import Table
from ibis.expr.types import NumericValue

from experiments.analysis.metrics import MetricSpec, variables
from experiments.vocabulary import Source
from experiments.warehouse import tables
from experiments.warehouse.power_sums import sum_columns


@dataclass(frozen=True, slots=True)
class Column:
    """Where a metric's part lies in the arrays of a unit: y and d among the totals, x and x_d among the covariates."""

    metric: str
    part: str
    index: int


def read_columns(columns: Mapping[str, Sequence[Mapping[str, str]]]) -> tuple[Column, ...]:
    """Return the layout that an import stored."""
    return tuple(
        Column(entry["metric"], entry["part"], index)
        for array in ("totals", "covariates")
        for index, entry in enumerate(columns.get(array, ()))
    )


def moments(*, experiment_id: int, metrics: Sequence[MetricSpec], columns: Sequence[Column]) -> Table:
    """Return one row per variant: `units` and the power sums of every metric (see `power_sums`), from one query."""
    units = tables.external_units()
    units = units.filter(units.experiment_id == experiment_id)
    place = {(column.metric, column.part): column.index for column in columns}
    aggregates = {"units": units.count()}
    for index, spec in enumerate(metrics):
        names = variables(spec, source=Source.EXTERNAL)
        aggregates |= sum_columns(
            prefix=f"m{index}",
            names=names,
            values={variable.name: _value(units, spec, variable.name, place) for variable in names},
        )
    return units.group_by("variant_id").aggregate(**aggregates)


def _value(units: Table, spec: MetricSpec, name: str, place: Mapping[tuple[str, str], int]) -> NumericValue:
    match name:
        case "y":
            total = _total(units, place[spec.key, "y"])
            return total if spec.cap_units is None else total.clip(upper=spec.cap_units)
        case "y_uncapped":
            return _total(units, place[spec.key, "y"])
        case "d":
            return _total(units, place[spec.key, "d"])
        case "m":
            return ibis.ifelse(units.covariates[place[spec.key, "x"]].isnull(), 1, 0)
        case _:
            return units.covariates[place[spec.key, name]].fill_null(0)


def _total(units: Table, index: int) -> NumericValue:
    return units.totals[index].fill_null(0)
