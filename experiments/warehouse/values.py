"""What units did: the outcomes that count for each unit, and the totals that each metric takes of them.

A refund or a cancellation belongs to the order that it reverses: it counts for the unit that ordered and where the
order lies, however much later it comes, up to the metric's maturity; so does the contribution that is booked for it.
All reversals of an order take back no more than it brought, even where the same money is both cancelled and refunded.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

import ibis
from ibis import Table
from ibis.expr.types import BooleanValue, IntegerValue, NumericValue, StringValue

from experiments.analysis.metrics import Aggregation, MetricSpec, What
from experiments.vocabulary import BOOKED_LINE, CONTRIBUTION_BOOKED, UnitKind
from experiments.warehouse import tables
from experiments.warehouse.cells import period_of
from experiments.warehouse.links import resolved
from experiments.warehouse.question import CLOCK_SKEW, Calendar, Question, moment

ORDER: Final = "Order Completed"
REVERSALS: Final = ("Order Refunded", "Order Cancelled")
"""Events that take back what an earlier order brought; `order_id` says which."""
OF_ORDERS: Final = (*REVERSALS, CONTRIBUTION_BOOKED)
"""Events that count where their order lies. What is booked for a reversal has the name of what is booked for orders."""
OLDEST_ORDER: Final = timedelta(days=400)
"""How long before the first event that counts an order may lie and still be known as what a reversal takes back."""


def totals(kept: Table, question: Question, *carried: str) -> Table:
    """Return the units that did anything that counts, with a column v<metric>_<variable> for each of their totals.

    `carried` are further columns of the units that are kept.
    """
    met = kept.join(done := _outcomes(question), kept.unit == done.doer)
    columns: dict[str, NumericValue] = {}
    for index, spec in enumerate(question.metrics):
        columns |= {f"v{index}_{name}": value for name, value in _values(met, spec, question.calendar).items()}
    known = ["booked"] if question.awaits_books else []
    return met.group_by("number", "epoch", "variant_id", "first_at", *known, *carried).aggregate(**columns)


def complete(table: Table, question: Question, hours: int) -> BooleanValue:
    """Return whether a unit's figures are final: `hours` (window and maturity) have passed since it was exposed.

    A cell has to be over before the experiment stops, its orders settled, and its books closed where metrics need them.
    """
    if question.calendar is None:
        return table.first_at + _hours(hours) <= moment(question.window_end)
    ends = table.first_at + _span(question.calendar.counted)
    settled = ends + _hours(hours - question.metrics[0].window_hours) <= moment(question.window_end)
    over = settled & (ends <= moment(question.exposed_before))
    return over & table.booked if question.awaits_books else over


def _outcomes(question: Question) -> Table:
    """Return the outcomes that may count, each with `doer`, the unit it counts for, and `counts_at`, where it lies."""
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
        *([] if question.by_line else [(done.line == 0) | (done.line >= BOOKED_LINE)]),
    )
    done = resolved(done, question)
    nets = {_amounts(part): kinds for spec in question.metrics for part in _parts(spec) if (kinds := _reversals(part))}
    plain = done.mutate(doer=unit_of(done, question), counts_at=done.occurred_at, **dict.fromkeys(nets, done.value))
    dependent = [event for event in events if event in OF_ORDERS]
    if not dependent:
        return in_period(plain, question)
    owed = done.filter(done.event.isin(dependent))
    owed = owed.left_join(orders := _orders(question), owed.order_id == orders.order_key)
    # what the lines of an order are about is their own affair, so that an item keeps what came back of it
    by_line, own = question.by_line, unit_of(owed, question)
    owed = owed.mutate(
        doer=own if by_line else ibis.coalesce(owed.ordered_by, own),
        counts_at=ibis.coalesce(owed.ordered_at, owed.occurred_at),
        **{name: owed.value if by_line else _taken_back(owed, kinds) for name, kinds in nets.items()},
    )
    names = ("event", "occurred_at", "value", "quantity", "doer", "counts_at", *nets)
    return in_period(plain.filter(~plain.event.isin(dependent)).select(*names).union(owed.select(*names)), question)


def unit_of(done: Table, question: Question) -> StringValue:
    """Return the unit that an outcome is about; an item in a store follows from both."""
    if question.unit_kind is UnitKind.STORE_ITEM:
        return done.store + "|" + done.item
    return done[question.unit_kind.value]


def in_period(done: Table, question: Question) -> Table:
    """Return the outcomes with the cell of unit x period as their doer, where units are randomised by period."""
    if question.calendar is None:
        return done
    period = period_of(done.counts_at, question.calendar).cast("string")
    return done.mutate(doer=done.doer + "|" + period)


def _taken_back(undone: Table, kinds: Sequence[str]) -> IntegerValue:
    """Return what each reversal of these kinds takes of its order: in the order of time, until nothing is left of it.

    min(w, S) - min(w, S + a) of an order's worth w, a reversal's amount a and the amounts S before it, so that those up
    to any time sum to -min(w, their amounts). A reversal without a known order takes its amount, and so does what is
    no reversal.
    """
    amount = ibis.ifelse(undone.event.isin(kinds), -undone.value, 0)
    until_now = ibis.window(
        group_by=undone.order_id, order_by=[undone.occurred_at, undone.message_id], preceding=None, following=0
    )
    sofar = amount.sum().over(until_now).cast("int64")
    worth = ibis.greatest(undone.ordered_value, 0)
    left = ibis.least(worth, sofar - amount) - ibis.least(worth, sofar)
    return ibis.ifelse(undone.ordered_value.isnull() | ~undone.event.isin(REVERSALS), undone.value, left)


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
    placed = resolved(placed, question)
    return placed.select(
        order_key=placed.order_id,
        ordered_at=placed.occurred_at,
        ordered_by=unit_of(placed, question),
        ordered_value=placed.value,
    )


def _values(met: Table, spec: MetricSpec, calendar: Calendar | None) -> dict[str, NumericValue]:
    """Return the totals of one unit for one metric, by variable name."""
    window = timedelta(hours=spec.window_hours) if calendar is None else calendar.counted
    closes = met.first_at + _span(window)
    after = (met.counts_at >= met.first_at) & (met.counts_at < closes)
    before = (met.counts_at < met.first_at) & (met.counts_at >= met.first_at - _hours(24 * spec.covariate_days))
    if any(event in OF_ORDERS for event in _events(spec)):
        after &= met.occurred_at < closes + _hours(spec.maturity_hours)
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


def _span(length: timedelta) -> ibis.Value:
    return ibis.interval(minutes=length // timedelta(minutes=1))


def _hours(count: int) -> ibis.Value:
    return ibis.interval(hours=count)
