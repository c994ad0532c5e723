"""Filters as columns: whether a unit is one that a filter of the plan leaves out.

They read what lies before a unit's first exposure and never its variant, so that no arm decides who is left out.
"""

from datetime import timedelta

import ibis
from ibis import Table
from ibis.expr.types import BooleanValue

from experiments.analysis.filters import FilterRule, UnitFilter
from experiments.warehouse import tables
from experiments.warehouse.question import CLOCK_SKEW, Question, moment


def marked(units: Table, question: Question) -> Table:
    """Return the units with columns f<position>, whether that filter leaves them out, and `filtered`, whether any does.

    They come with the columns of `attribute_columns`, which are dropped.
    """
    columns = [name for name in units.columns if name not in attribute_columns(question)]
    rules = list(enumerate(question.filters))
    rates = [(index, rule) for index, rule in rules if rule.rule is FilterRule.EVENT_RATE]
    if rates:
        busy = _busy(units, rates, question)
        units = units.left_join(busy, units.unit == busy.busy_unit)
    for index, rule in rules:
        if rule.rule is FilterRule.UNIT_LIST:
            listed = _listed(rule, index, question)
            units = units.left_join(listed, units.unit == listed[f"unit{index}"])
    flags = {f"f{index}": _flag(units, index, rule) for index, rule in rules}
    return units.select(*columns, **flags, filtered=ibis.or_(*flags.values()))


def attribute_columns(question: Question) -> dict[str, str]:
    """Return the attribute that each column a<position> holds, as the ATTRIBUTE filter there needs it."""
    return {
        f"a{index}": rule.attribute
        for index, rule in enumerate(question.filters)
        if rule.rule is FilterRule.ATTRIBUTE and rule.attribute is not None
    }


def _flag(units: Table, index: int, rule: UnitFilter) -> BooleanValue:
    match rule.rule:
        case FilterRule.ATTRIBUTE:
            return units[f"a{index}"].isin(rule.values)
        case FilterRule.EVENT_RATE:
            return units[f"busy{index}"].fill_null(False)
        case FilterRule.UNIT_LIST:
            return (units[f"listed{index}"] < units.first_at).fill_null(False)


def _busy(units: Table, rates: list[tuple[int, UnitFilter]], question: Question) -> Table:
    """Return the units that did any of the events shortly before, with busy<position>: more of them than the limit."""
    longest = max(rule.hours or 0 for _, rule in rates)
    done = tables.outcomes()
    done = done.filter(
        done.project_id == question.project_id,
        done.day >= (question.window_start - timedelta(hours=longest) - CLOCK_SKEW).date(),
        done.day <= (question.window_end + CLOCK_SKEW).date(),
        done.received_at < moment(question.received_before),
        done.event.isin(sorted({event for _, rule in rates for event in rule.events})),
        *([] if question.by_line else [done.line == 0]),
    )
    met = units.select("unit", "first_at").join(done, units.unit == done[question.unit_kind.value])
    met = met.filter(met.occurred_at < met.first_at, met.occurred_at >= met.first_at - ibis.interval(hours=longest))
    return met.group_by(busy_unit=met.unit).aggregate(
        **{
            f"busy{index}": (
                met.event.isin(rule.events) & (met.occurred_at >= met.first_at - ibis.interval(hours=rule.hours or 0))
            ).sum()
            > (rule.limit or 0)
            for index, rule in rates
        }
    )


def _listed(rule: UnitFilter, index: int, question: Question) -> Table:
    """Return the units on the list of a filter and since when, as unit<position> and listed<position>."""
    listed = tables.filtered_units()
    listed = listed.filter(listed.project_id == question.project_id, listed.filter_key == rule.key)
    return listed.select(**{f"unit{index}": listed.unit, f"listed{index}": listed.received_at})
