"""Moments of an experiment of our own: units by their first exposure, outcomes within each unit's window."""

from collections.abc import Sequence
from functools import partial
from typing import Final

import ibis
from ibis import Table
from ibis.expr.types import NumericValue

from experiments.analysis.metrics import MetricSpec, variables
from experiments.warehouse.books import with_books
from experiments.warehouse.cells import cluster_of, total_columns
from experiments.warehouse.dimensions import leveled, names
from experiments.warehouse.functions import LOCAL_TIME
from experiments.warehouse.power_sums import sum_columns
from experiments.warehouse.question import Question
from experiments.warehouse.units import units
from experiments.warehouse.values import complete, totals

PLACE: Final = ("epoch", "variant_id")
SEGMENT: Final = ("dimension", "level", *PLACE)


def moments(question: Question) -> Table:
    """Return one row per (epoch, variant): unit counts and the power sums of every metric, from one query.

    Columns epoch, variant_id, units, crossed, unverified, complete_<hours> per length of window and maturity, `days`
    (see `read_days`), and those of `power_sums.sum_columns` with the prefix m<index>. Sums cover complete units that
    met one variant. With filters the units that they leave out have rows of their own, told apart by `filtered`, and
    f<position> counts those that met one variant and that a filter leaves out.
    """
    exposed = with_books(units(question), question)
    place = [*PLACE, *(["filtered"] if question.filters else [])]
    found = _counts(exposed, question, place)
    acted = totals(exposed.filter(~exposed.crossed), question, *place[len(PLACE) :])
    for hour in _hours(question):
        sums = _sums(acted.filter(complete(acted, question, hour)), question, hour, place)
        found = found.left_join(sums, place).drop(*(f"{name}_right" for name in place))
    return found


def segments(question: Question) -> Table:
    """Return one row per (dimension, level, epoch, variant): counts and power sums of the units that are kept.

    Columns dimension (its position), level, epoch, variant_id, units, complete_<hours> and the sums, as in `moments`.
    """
    exposed = units(question)
    kept = exposed.filter(~exposed.crossed & ~exposed.filtered if question.filters else ~exposed.crossed)
    levels = leveled(
        kept.select("number", "first_at", *PLACE, *names(len(question.dimensions))), len(question.dimensions)
    )
    found = levels.group_by(*SEGMENT).aggregate(
        units=levels.count(),
        **{f"complete_{hour}": complete(levels, question, hour).sum() for hour in _hours(question)},
    )
    # A unit's totals are made once and then counted in its level of every dimension.
    acted = totals(kept, question)
    of_unit = levels.select("dimension", "level", of_unit="number")
    met = acted.join(of_unit, acted.number == of_unit.of_unit)
    for hour in _hours(question):
        sums = _sums(met.filter(complete(met, question, hour)), question, hour, SEGMENT)
        found = found.left_join(sums, SEGMENT).drop(*(f"{name}_right" for name in SEGMENT))
    return found


def clusters(question: Question, *, block: int | None) -> Table:
    """Return one row per (cluster, variant) of the cells that met one variant, where units are randomised by period.

    Columns cluster, variant_id, complete_<hours>, the complete cells, and the totals of `cells.total_columns`. block:
    periods of a unit that make a cluster; None takes all of them.
    """
    exposed = with_books(units(question), question)
    kept = exposed.filter(~exposed.crossed)
    kept = kept.mutate(cluster=cluster_of(kept.plain_unit, kept.period, block))
    found = kept.group_by("cluster", "variant_id").aggregate(
        **{f"complete_{hour}": complete(kept, question, hour).sum() for hour in _hours(question)}
    )
    acted = totals(kept, question, "cluster")
    for hour in _hours(question):
        done = acted.filter(complete(acted, question, hour))
        columns = total_columns(question.metrics, partial(_value, done))
        due = tuple(f"t{index}_" for index, spec in enumerate(question.metrics) if spec.settled_hours == hour)
        sums = done.group_by("cluster", "variant_id").aggregate(
            **{name: column for name, column in columns.items() if name.startswith(due)}
        )
        found = found.left_join(sums, ["cluster", "variant_id"]).drop("cluster_right", "variant_id_right")
    return found


def cells(question: Question) -> Table:
    """Return one row per cell that met one variant, where units are randomised by period: what it brought itself.

    Columns plain_unit, period, variant_id, complete_<hours>, and the totals as text, t<index>_<variable>, null where
    nothing happened.
    """
    exposed = with_books(units(question), question)
    kept = exposed.filter(~exposed.crossed)
    done = {f"complete_{hour}": complete(kept, question, hour) for hour in _hours(question)}
    acted = totals(kept, question, "plain_unit", "period")
    names = [f"{index}_{part.name}" for index, spec in enumerate(question.metrics) for part in variables(spec)]
    brought = acted.select("plain_unit", "period", **{f"t{name}": acted[f"v{name}"].cast("string") for name in names})
    place = ["plain_unit", "period"]
    found = kept.select(*place, "variant_id", **done).left_join(brought, place)
    return found.drop(*(f"{name}_right" for name in place))


def _value(acted: Table, index: int, _: MetricSpec, variable: str) -> NumericValue:
    return acted[f"v{index}_{variable}"]


def read_days(days: str) -> dict[str, int]:
    """Return the units that a row's `days` holds, by the day of their first exposure in the question's zone."""
    pairs = (entry.split("=") for entry in days.split(",") if entry)
    return {day: count for day, text in pairs if (count := int(text))}


def _counts(exposed: Table, question: Question, place: Sequence[str]) -> Table:
    """Return the unit counts, added up from those of each day."""
    kept = ~exposed.crossed
    flags = {f"f{index}": (kept & exposed[f"f{index}"]).sum() for index in range(len(question.filters))}
    counts = {
        "units": kept.sum(),
        "crossed": exposed.crossed.sum(),
        "unverified": (exposed.unverified & kept).sum(),
        **{f"complete_{hour}": (kept & complete(exposed, question, hour)).sum() for hour in _hours(question)},
        **flags,
    }
    daily = exposed.group_by(*place, day=LOCAL_TIME(question.zone, exposed.first_at).date()).aggregate(**counts)
    entry = daily.day.strftime("%Y-%m-%d") + "=" + daily.units.cast("string")
    return daily.group_by(*place).aggregate(
        **{name: daily[name].sum() for name in counts}, days=entry.group_concat(",", order_by=daily.day)
    )


def _hours(question: Question) -> list[int]:
    return sorted({spec.settled_hours for spec in question.metrics})


def _sums(acted: Table, question: Question, hours: int, place: Sequence[str]) -> Table:
    """Return the power sums of the metrics whose window and maturity have this length, by place."""
    columns: dict[str, ibis.Value] = {}
    for index, spec in enumerate(question.metrics):
        if spec.settled_hours == hours:
            names = variables(spec)
            values = {variable.name: acted[f"v{index}_{variable.name}"] for variable in names}
            columns |= sum_columns(prefix=f"m{index}", names=names, values=values)
    return acted.group_by(*place).aggregate(**columns)
