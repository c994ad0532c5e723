"""What units did: the outcomes that count for each unit, and the totals that each metric takes of them.

A refund or a cancellation belongs to the order that it reverses: it counts for the unit that ordered and where the
order lies, however much later it comes, up to the metric's maturity. All reversals of an order take back no more than
it brought, even where the same money is both cancelled and refunded.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

import ibis
from ibis import Table
from ibis.expr.types import BooleanValue, IntegerValue, NumericValue

from experiments.analysis.metrics import Aggregation, MetricSpec, What
from experiments.vocabulary import UnitKind
from experiments.warehouse import tables
from experiments.warehouse.question import CLOCK_SKEW, Question, moment

ORDER: Final = "Order Completed"
REVERSALS: Final = ("Order Refunded", "Order Cancelled")
"""Events that take back what an earlier order brought; `order_id` says which."""
OLDEST_ORDER: Final = timedelta(days=400)
"""How long before the first event that counts an order may lie and still be known as what a reversal takes back."""


def totals(kept: Table, question: Question, *carried: str) -> Table:
    """Return the units that did anything that counts, with a column v<metric>_<variable> for each of their totals.

    `carried` are further columns of the units that are kept.
    """
    met = kept.join(done := _outcomes(question), kept.unit == done.doer)
    columns: dict[str, NumericValue] = {}
    for index, spec in enumerate(question.metrics):
        columns |= {f"v{index}_{name}": value for name, value in _values(met, spec).items()}
    return met.group_by("number", "epoch", "variant_id", "first_at", *carried).aggregate(**columns)


def complete(table: Table, question: Question, hours: int) -> BooleanValue:
    """Return whether a unit's figures are final: `hours` (window and maturity) have passed since it was exposed."""
    return table.first_at + _hours(hours) <= moment(question.window_end)


def _outcomes(question: Question) -> Table:
    """Return the outcomes that may count, each with `doer`, the unit it counts for, and `counts_at`, where it lies."""
    unit = question.unit_kind.value
    events = sorted({event for spec in question.metrics for event in _events(spec)})
    longest = max((spec.covariate_days for spec in question.metrics), default=0)
    done = tables.outcomes()
    done = done.filter(
        done.project_id == question.project_id,
        done.day >= (question.window_start - timedelta(days=longest) - CLOCK_SKEW).date(),
        done.day <= (question.window_end + CLOCK_SKEW).date(),
        done.received_at < moment(question.received_before),
        done.occurred_at < moment(question.window_end),
        done.event.isin(events),
        *([] if question.unit_kind is UnitKind.ITEM else [done.line == 0]),
    )
    nets = {_amounts(part): kinds for spec in question.metrics for part in _parts(spec) if (kinds := _reversals(part))}
    plain = done.mutate(doer=done[unit], counts_at=done.occurred_at, **dict.fromkeys(nets, done.value))
    reversals = [event for event in events if event in REVERSALS]
    if not reversals:
        return plain
    undone = done.filter(done.event.isin(reversals))
    undone = undone.left_join(orders := _orders(question), undone.order_id == orders.order_key)
    # what the lines of an order are about is their own affair, so that an item keeps what came back of it
    by_line = question.unit_kind is UnitKind.ITEM
    undone = undone.mutate(
        doer=undone[unit] if by_line else ibis.coalesce(undone.ordered_by, undone[unit]),
        counts_at=ibis.coalesce(undone.ordered_at, undone.occurred_at),
        **{name: undone.value if by_line else _taken_back(undone, kinds) for name, kinds in nets.items()},
    )
    names = ("event", "occurred_at", "value", "quantity", "doer", "counts_at", *nets)
    return plain.filter(~plain.event.isin(reversals)).select(*names).union(undone.select(*names))


def _taken_back(undone: Table, kinds: Sequence[str]) -> IntegerValue:
    """Return what each reversal of these kinds takes of its order: in the order of time, until nothing is left of it.

    min(w, S) - min(w, S + a) of an order's worth w, a reversal's amount a and the amounts S before it, so that those up
    to any time sum to -min(w, their amounts). A reversal without a known order takes its amount.
    """
    amount = ibis.ifelse(undone.event.isin(kinds), -undone.value, 0)
    until_now = ibis.window(
        group_by=undone.order_id, order_by=[undone.occurred_at, undone.message_id], preceding=None, following=0
    )
    sofar = amount.sum().over(until_now).cast("int64")
    worth = ibis.greatest(undone.ordered_value, 0)
    left = ibis.least(worth, sofar - amount) - ibis.least(worth, sofar)
    return ibis.ifelse(undone.ordered_value.isnull(), undone.value, left)


def _orders(question: Question) -> Table:
    """Return when and by whom each order was placed; the projector keeps one row for each order."""
    longest = timedelta(days=max((spec.covariate_days for spec in question.metrics), default=0))
    placed = tables.outcomes()
    placed = placed.filter(
        placed.project_id == question.project_id,
        placed.day >= (question.window_start - longest - OLDEST_ORDER).date(),
        placed.order_id.notnull(),
        placed.line == 0,
        placed.event == ORDER,
        placed.received_at < moment(question.received_before),
    )
    return placed.select(
        order_key=placed.order_id,
        ordered_at=placed.occurred_at,
        ordered_by=placed[question.unit_kind.value],
        ordered_value=placed.value,
    )


def _values(met: Table, spec: MetricSpec) -> dict[str, NumericValue]:
    """Return the totals of one unit for one metric, by variable name."""
    closes = met.first_at + _hours(spec.window_hours)
    after = (met.counts_at >= met.first_at) & (met.counts_at < closes)
    before = (met.counts_at < met.first_at) & (met.counts_at >= met.first_at - _hours(24 * spec.covariate_days))
    if any(event in REVERSALS for event in _events(spec)):
        after &= met.occurred_at < met.first_at + _hours(spec.settled_hours)
        before &= met.occurred_at < met.first_at
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
            return met[_amounts(aggregation)].sum(where=counts).fill_null(0).cast("int64")
        case What.SUM_QUANTITY:
            return met.quantity.sum(where=counts).fill_null(0).cast("int64")


def _capped(value: NumericValue, spec: MetricSpec) -> NumericValue:
    return value if spec.cap_units is None else ibis.least(value, ibis.literal(spec.cap_units, "int64"))


def _reversals(aggregation: Aggregation) -> tuple[str, ...]:
    """Return the reversals that a sum of orders subtracts; none of one that does not sum orders."""
    nets = aggregation.what is What.SUM_VALUE and ORDER in aggregation.events
    return tuple(event for event in REVERSALS if nets and event in aggregation.events)


def _amounts(aggregation: Aggregation) -> str:
    """Return the column of the amounts that it sums: what reversals take depends on which of them are subtracted."""
    return "_".join(["value", *(event.rpartition(" ")[2].lower() for event in _reversals(aggregation))])


def _parts(spec: MetricSpec) -> Sequence[Aggregation]:
    return (spec.numerator, *([spec.denominator] if spec.denominator else []))


def _events(spec: MetricSpec) -> Sequence[str]:
    return [event for part in _parts(spec) for event in part.events]


def _hours(count: int) -> ibis.Value:
    return ibis.interval(hours=count)
