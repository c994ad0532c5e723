"""Moments of a recorded experiment: its units, or the clusters that they came in, as imported; one stratum."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import ibis
from ibis import Table
from ibis.expr.types import NumericValue

from experiments.analysis.metrics import MetricSpec, variables
from experiments.vocabulary import Source
from experiments.warehouse import tables
from experiments.warehouse.cells import cell_period, cluster_of, total_columns
from experiments.warehouse.dimensions import level, leveled, names
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


@dataclass(frozen=True, slots=True)
class Recorded:
    """The imported units of an experiment; clustered: they came in clusters, which are what was randomised."""

    experiment_id: int
    columns: tuple[Column, ...]
    clustered: bool
    dimensions: tuple[str, ...] = ()


def moments(asked: Recorded, metrics: Sequence[MetricSpec]) -> Table:
    """Return one row per variant: `units` and the power sums of every metric (see `power_sums`), from one query.

    Units are clusters where the experiment has them: the totals of their units added up.
    """
    return _sums(asked, metrics, _randomised(asked, _units(asked), ["variant_id"]), ["variant_id"])


def segments(asked: Recorded, metrics: Sequence[MetricSpec]) -> Table:
    """Return one row per (dimension, level, variant), else as `moments`; `dimension` is its position.

    A cluster counts in every level that its units have, with the totals of those units.
    """
    place = ["dimension", "level", "variant_id"]
    levels = leveled(_units(asked), len(asked.dimensions))
    return _sums(asked, metrics, _randomised(asked, levels, place), place)


def clusters(asked: Recorded, metrics: Sequence[MetricSpec], *, block: int | None) -> Table:
    """Return one row per (cluster, variant) of recorded cells of unit x period, as `own.clusters`; column `cells`."""
    recorded = _units(asked)
    cluster = cluster_of(recorded.cluster, cell_period(recorded.unit), block)
    places = {(column.metric, column.part): _name(column) for column in asked.columns}
    found = recorded.mutate(cluster=cluster)
    return found.group_by("cluster", "variant_id").aggregate(
        cells=found.count(),
        **total_columns(metrics, lambda _, spec, name: _value(found, spec, name, places)),
    )


def cells(asked: Recorded, metrics: Sequence[MetricSpec]) -> Table:
    """Return one row per recorded cell of unit x period, as `own.cells`; each of them is complete."""
    found = _units(asked)
    found = found.mutate(plain_unit=found.cluster, period=cell_period(found.unit))
    places = {(column.metric, column.part): _name(column) for column in asked.columns}
    columns = total_columns(metrics, lambda _, spec, name: _value(found, spec, name, places))
    return found.group_by("plain_unit", "period", "variant_id").aggregate(**columns)


def _units(asked: Recorded) -> Table:
    """Return one row per recorded unit: variant_id, cluster, a column for each metric's part, and its levels."""
    recorded = tables.external_units()
    recorded = recorded.filter(recorded.experiment_id == asked.experiment_id)
    arrays = {"y": recorded.totals, "d": recorded.totals, "x": recorded.covariates, "x_d": recorded.covariates}
    levels = zip(names(len(asked.dimensions)), asked.dimensions, strict=True)
    return recorded.select(
        "unit",
        "variant_id",
        "cluster",
        **{_name(column): arrays[column.part][column.index] for column in asked.columns},
        **{column: level(recorded.dimensions, attribute) for column, attribute in levels},
    )


def _randomised(asked: Recorded, units: Table, place: Sequence[str]) -> Table:
    """Return what was randomised: the units, or the clusters with the totals of their units added up."""
    if not asked.clustered:
        return units
    sums = {_name(column): units[_name(column)].sum().cast("int64") for column in asked.columns}
    return units.group_by(*place, "cluster").aggregate(**sums)


def _sums(asked: Recorded, metrics: Sequence[MetricSpec], randomised: Table, place: Sequence[str]) -> Table:
    columns = {(column.metric, column.part): _name(column) for column in asked.columns}
    aggregates = {"units": randomised.count()}
    for index, spec in enumerate(metrics):
        parts = variables(spec, source=Source.EXTERNAL)
        aggregates |= sum_columns(
            prefix=f"m{index}",
            names=parts,
            values={variable.name: _value(randomised, spec, variable.name, columns) for variable in parts},
        )
    return randomised.group_by(*place).aggregate(**aggregates)


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
