"""Moments of an experiment of our own: units by their first exposure, outcomes within each unit's window."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import ibis
from ibis import Table
from ibis.expr.types import BooleanValue, NumericValue

from experiments.analysis.metrics import Aggregation, MetricSpec, What, variables
from experiments.vocabulary import UnitKind
from experiments.warehouse import tables
from experiments.warehouse.power_sums import sum_columns

CLOCK_SKEW = timedelta(days=2)
"""How far the day of an outcome's partition may lie from its corrected time."""


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of the data: one experiment, its metrics, and the times that bound every row."""

    experiment_id: int
    project_id: int
    unit_kind: UnitKind
    metrics: tuple[MetricSpec, ...]
    window_start: datetime
    window_end: datetime
    received_before: datetime
    exposed_before: datetime


def units(question: Question) -> Table:
    """Return one row per exposed unit: its first variant and epoch, when, and whether it met several variants.

    Columns number (of the unit within this query; grouping by it is cheaper than by its id), unit, variant_id, epoch,
    first_at, crossed, unverified.
    """
    seen = tables.exposures()
    seen = seen.filter(
        seen.experiment_id == question.experiment_id,
        seen.received_at < _moment(question.received_before),
        seen.exposed_at < _moment(question.exposed_before),
    )
    by_unit = ibis.window(group_by=seen.unit)
    earliest = ibis.window(
        group_by=seen.unit, order_by=[seen.exposed_at, seen.received_at, seen.message_id, seen.variant_id]
    )
    ranked = seen.mutate(
        number=ibis.row_number(),
        place=ibis.row_number().over(earliest),
        crossed=seen.variant_id.min().over(by_unit) != seen.variant_id.max().over(by_unit),
    )
    return ranked.filter(ranked.place == 0).select(
        "number",
        "unit",
        "variant_id",
        "epoch",
        "crossed",
        first_at=ranked.exposed_at,
        unverified=ranked.verification == "UNVERIFIED",
    )


def moments(question: Question) -> Table:
    """Return one row per (epoch, variant): unit counts and the power sums of every metric, from one query.

    Columns epoch, variant_id, units, crossed, unverified, complete_<hours> per window length, and those of
    `power_sums.sum_columns` with the prefix m<index>. Sums cover units with a closed window that met one variant.
    """
    exposed = units(question)
    hours = sorted({spec.window_hours for spec in question.metrics})
    found = exposed.group_by("epoch", "variant_id").aggregate(
        units=(~exposed.crossed).sum(),
        crossed=exposed.crossed.sum(),
        unverified=(exposed.unverified & ~exposed.crossed).sum(),
        **{f"complete_{hour}": (~exposed.crossed & _complete(exposed, question, hour)).sum() for hour in hours},
    )
    acted = _totals(exposed.filter(~exposed.crossed), question)
    for hour in hours:
        sums = _sums(acted.filter(_complete(acted, question, hour)), question, hour)
        found = found.left_join(sums, ["epoch", "variant_id"]).drop("epoch_right", "variant_id_right")
    return found


def _sums(complete: Table, question: Question, hours: int) -> Table:
    """Return the power sums of the metrics whose window has this length, by epoch and variant."""
    columns: dict[str, ibis.Value] = {}
    for index, spec in enumerate(question.metrics):
        if spec.window_hours == hours:
            names = variables(spec)
            values = {variable.name: complete[f"v{index}_{variable.name}"] for variable in names}
            columns |= sum_columns(prefix=f"m{index}", names=names, values=values)
    return complete.group_by("epoch", "variant_id").aggregate(**columns)


def _totals(kept: Table, question: Question) -> Table:
    """Return the units that did anything that counts, with a column v<metric>_<variable> for each of their totals."""
    events = sorted({event for spec in question.metrics for event in _events(spec)})
    longest = max((spec.covariate_days for spec in question.metrics), default=0)
    done = tables.outcomes()
    done = done.filter(
        done.project_id == question.project_id,
        done.day >= (question.window_start - timedelta(days=longest) - CLOCK_SKEW).date(),
        done.day <= (question.window_end + CLOCK_SKEW).date(),
        done.received_at < _moment(question.received_before),
        done.occurred_at < _moment(question.window_end),
        done.event.isin(events),
        *([] if question.unit_kind is UnitKind.ITEM else [done.line == 0]),
    )
    met = kept.join(done, kept.unit == done[question.unit_kind.value])
    columns: dict[str, NumericValue] = {}
    for index, spec in enumerate(question.metrics):
        columns |= {f"v{index}_{name}": value for name, value in _values(met, spec).items()}
    return met.group_by("number", "epoch", "variant_id", "first_at").aggregate(**columns)


def _values(met: Table, spec: MetricSpec) -> dict[str, NumericValue]:
    """Return the totals of one unit for one metric, by variable name."""
    after = (met.occurred_at >= met.first_at) & (met.occurred_at < met.first_at + _hours(spec.window_hours))
    before = (met.occurred_at < met.first_at) & (met.occurred_at >= met.first_at - _hours(24 * spec.covariate_days))
    found = {"y": _capped(_total(met, spec.numerator, after), spec)}
    if spec.denominator is not None:
        found["d"] = _total(met, spec.denominator, after)
    if spec.cap_micros is not None:
        found["y_uncapped"] = _total(met, spec.numerator, after)
    if spec.covariate_days > 0:
        found["x"] = _capped(_total(met, spec.numerator, before), spec)
        if spec.denominator is not None:
            found["x_d"] = _total(met, spec.denominator, before)
    return found


def _total(met: Table, aggregation: Aggregation, inside: BooleanValue) -> NumericValue:
    counts = met.event.isin(aggregation.events) & inside
    match aggregation.what:
        case What.ANY:
            return ibis.ifelse(counts.any(), 1, 0)
        case What.COUNT:
            return counts.sum().fill_null(0).cast("int64")
        case What.SUM_VALUE:
            return met.value.sum(where=counts).fill_null(0).cast("int64")
        case What.SUM_QUANTITY:
            return met.quantity.sum(where=counts).fill_null(0).cast("int64")


def _capped(value: NumericValue, spec: MetricSpec) -> NumericValue:
    return value if spec.cap_units is None else ibis.least(value, ibis.literal(spec.cap_units, "int64"))


def _complete(table: Table, question: Question, hours: int) -> BooleanValue:
    return table.first_at + _hours(hours) <= _moment(question.window_end)


def _events(spec: MetricSpec) -> Sequence[str]:
    return (*spec.numerator.events, *(spec.denominator.events if spec.denominator else ()))


def _moment(at: datetime) -> ibis.Value:
    return ibis.literal(at, "timestamp('UTC')")


def _hours(count: int) -> ibis.Value:
    return ibis.interval(hours=count)
