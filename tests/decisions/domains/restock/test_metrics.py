"""The metrics of restock, beside the books that they add up."""

import pytest

from decisions.domains.restock import books
from decisions.domains.restock.domain import DOMAIN
from experiments.analysis.metrics import Aggregation, MetricSpec, What, needs_books
from experiments.vocabulary import MetricKind

BY_KEY = {template.key: template for template in DOMAIN.metrics}


def test_metrics__long_view_and_short_one__differ_by_the_stock_alone():
    profit, cash = BY_KEY["stock-profit"], BY_KEY["cash-view"]
    assert set(profit.events) - set(cash.events) == {books.VALUED}
    assert set(cash.events) < set(profit.events)
    assert (profit.role, cash.role) == ("DECISION", "DIAGNOSTIC")


def test_metrics__what_the_closing_books__is_measured_by_some_metric():
    measured = {event for template in DOMAIN.metrics for event in (*template.events, *template.denominator_events)}
    assert measured >= {books.PURCHASE_BOOKED, books.VALUED, books.HOLDING_BOOKED, books.STOCK_OUT_BOOKED}


@pytest.mark.parametrize(
    ("events", "denominator", "needed"),
    [
        (("Order Completed", "Stock Valued"), (), True),
        (("Stock Out Booked",), ("Stock Valued",), True),
        (("Order Completed", "Purchase Booked"), (), True),
        (("Order Completed",), ("Holding Booked",), True),
        (("Order Completed", "Stock Wasted"), (), False),
    ],
)
def test_needs_books__books_are_in_either_part__is_true(events, denominator, needed):
    kind, what = (MetricKind.RATIO, What.SUM_QUANTITY) if denominator else (MetricKind.SUM, What.SUM_VALUE)
    below = Aggregation(denominator, What.SUM_QUANTITY) if denominator else None
    assert needs_books(MetricSpec("profit", 1, kind, Aggregation(events, what), below)) is needed
