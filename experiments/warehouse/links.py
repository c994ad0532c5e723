"""Outcomes that name a customer alone, and the visitor that the customer was: resolved when they are read.

Nothing of it is stored with the outcomes, so that it depends neither on the order in which links and outcomes arrive
nor on when they were projected; a look sees the links that had been received by then.
"""

import ibis
from ibis import Table

from experiments.warehouse import tables
from experiments.warehouse.question import Question, moment


def resolved(done: Table, question: Question) -> Table:
    """Return the outcomes with the visitor of those that name a customer alone, where it is known.

    Of several visitors of a customer it is the one that was exposed first, which is also the one whose variant the
    customer is served.
    """
    if not question.has_links:
        return done
    known = _visitors(question)
    alone = done.mutate(alone=ibis.ifelse(done.visitor.isnull(), done.customer, None))
    joined = alone.left_join(known, alone.alone == known.of_customer)
    return joined.mutate(visitor=ibis.coalesce(joined.visitor, joined.was_visitor)).drop(
        "alone", "of_customer", "was_visitor"
    )


def conflicts(question: Question) -> Table:
    """Return one row with the number of `customers` whose visitors met different variants of the experiment."""
    met = _met(question)
    by_customer = met.group_by("customer").aggregate(first=met.variant_id.min(), last=met.variant_id.max())
    torn = by_customer.filter(by_customer.first != by_customer.last)
    return torn.aggregate(customers=torn.count())


def _visitors(question: Question) -> Table:
    """Return one row for each customer who was a visitor of the experiment: `of_customer`, `was_visitor`."""
    met = _met(question)
    first = ibis.window(
        group_by=met.customer,
        order_by=[met.exposed_at, met.received_at, met.message_id, met.variant_id, met.visitor],
    )
    ranked = met.mutate(place=ibis.row_number().over(first))
    return ranked.filter(ranked.place == 0).select(of_customer=ranked.customer, was_visitor=ranked.visitor)


def _met(question: Question) -> Table:
    """Return what the visitors of customers met: a row for each exposure of each."""
    links, seen = tables.identity_links(), tables.exposures()
    links = links.filter(
        links.project_id == question.project_id, links.received_at < moment(question.received_before)
    ).select("customer", "visitor")
    seen = seen.filter(
        seen.experiment_id == question.experiment_id,
        seen.received_at < moment(question.received_before),
        seen.exposed_at < moment(question.exposed_before),
    ).select("unit", "variant_id", "exposed_at", "received_at", "message_id")
    return links.join(seen, links.visitor == seen.unit)
