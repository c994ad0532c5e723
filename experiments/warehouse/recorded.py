"""Moments of a recorded experiment: its units, or the clusters that they came in, as imported; one stratum."""

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


def units(*, experiment_id: int, columns: Sequence[Column]) -> Table:
    """Return one row per recorded unit: variant_id, cluster, and a column for each metric's part (see `_name`)."""
    recorded = tables.external_units()
    recorded = recorded.filter(recorded.experiment_id == experiment_id)
    arrays = {"y": recorded.totals, "d": recorded.totals, "x": recorded.covariates, "x_d": recorded.covariates}
    return recorded.select(
        "variant_id", "cluster", **{_name(column): arrays[column.part][column.index] for column in columns}
    )


def clusters(*, experiment_id: int, columns: Sequence[Column]) -> Table:
    """Return one row per cluster, the unit that was really randomised: the totals of its units added up."""
    found = units(experiment_id=experiment_id, columns=columns)
    sums = {_name(column): found[_name(column)].sum().cast("int64") for column in columns}
    return found.group_by("variant_id", "cluster").aggregate(**sums)


def moments(*, randomised: Table, metrics: Sequence[MetricSpec], columns: Sequence[Column]) -> Table:
    """Return one row per variant: `units` and the power sums of every metric (see `power_sums`), from one query.

    randomised: the units or the clusters.
    """
    place = {(column.metric, column.part): _name(column) for column in columns}
    aggregates = {"units": randomised.count()}
    for index, spec in enumerate(metrics):
        names = variables(spec, source=Source.EXTERNAL)
        aggregates |= sum_columns(
            prefix=f"m{index}",
            names=names,
            values={variable.name: _value(randomised, spec, variable.name, place) for variable in names},
        )
    return randomised.group_by("variant_id").aggregate(**aggregates)


def _name(column: Column) -> str:
    kind = "t" if column.part in ("y", "d") else "x"
    return f"{kind}{column.index}"


def _value(randomised: Table, spec: MetricSpec, name: str, place: Mapping[tuple[str, str], str]) -> NumericValue:
    match name:
        case "y":
            total = randomised[place[spec.key, "y"]].fill_null(0)
            return total if spec.cap_units is None else total.clip(upper=spec.cap_units)
        case "y_uncapped":
            return randomised[place[spec.key, "y"]].fill_null(0)
        case "m":
            return ibis.ifelse(randomised[place[spec.key, "x"]].isnull(), 1, 0)
        case "x":
            before = randomised[place[spec.key, "x"]].fill_null(0)
            return before if spec.cap_units is None else before.clip(upper=spec.cap_units)
        case _:
            return randomised[place[spec.key, name]].fill_null(0)
