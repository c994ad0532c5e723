"""The books of one item in a store for one period, against figures worked out by hand."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from decisions.domains.restock.closing import (
    Books,
    Count,
    Ledger,
    Missing,
    Ordered,
    Span,
    Terms,
    close,
    missing_before,
)

MIDNIGHT = datetime(2026, 3, 3, tzinfo=UTC)
MICROS = 1_000_000
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
SPAN = Span(MIDNIGHT, MIDNIGHT + DAY, MIDNIGHT + 4 * DAY)
"""Four days, of which the first is the burn-in."""
TERMS = Terms(holding_rate=0.365, oldest=timedelta(hours=48), zone=ZoneInfo("UTC"))


def count(days: float, on_hand: int, on_order: int = 0) -> Count:
    return Count(MIDNIGHT + days * DAY, on_hand, on_order)


def order(days: float, pieces: float) -> Ordered:
    return Ordered(MIDNIGHT + days * DAY, round(pieces * MICROS))


PLAIN = Ledger(
    cost=2_500_000,
    counts=[count(-0.25, 50), count(0.75, 20), count(1.5, 12, 30), count(2.5, 0, 30), count(3.5, 40)],
    orders=[order(1.25, 30), order(3.25, 6)],
)


def test_close__counts_and_orders__are_purchases_change_and_holding():
    # 20 pieces for half a day, 12 for a day, none for a day, 40 for half a day: 42 piece days at 0.0025 a day
    assert close(PLAIN, SPAN, TERMS) == Books(
        purchases=-90_000_000,
        change=(40 - 20) * 2_500_000,
        holding=-105_000,
        ordered=36,
        piece_days=42,
        counted_days=3,
        empty_days=1,
    )


def test_close__ordered_after_the_last_count__is_among_the_stock():
    later = replace(PLAIN, orders=[*PLAIN.orders, order(3.75, 10)])
    found = close(later, SPAN, TERMS)
    assert isinstance(found, Books)
    assert (found.ordered, found.change) == (46, 30 * 2_500_000)


def test_close__ordered_in_the_burn_in_after_its_count__is_there_when_the_period_begins_to_count():
    earlier = replace(PLAIN, orders=[order(0.9, 8), *PLAIN.orders])
    found = close(earlier, SPAN, TERMS)
    assert isinstance(found, Books)
    assert (found.ordered, found.change) == (36, 12 * 2_500_000)


@pytest.mark.parametrize(("days", "ordered", "change"), [(1.0, 5, 20), (4.0, 0, 20)])
def test_close__order_at_a_boundary__counts_once_from_there_on(days, ordered, change):
    found = close(replace(PLAIN, orders=[order(days, 5)]), SPAN, TERMS)
    assert isinstance(found, Books)
    assert (found.ordered, found.change) == (ordered, change * 2_500_000)


def test_close__position_moves_by_what_was_ordered_and_sold__so_profit_is_the_margin():
    sold = 15
    ledger = Ledger(3_000_000, [count(0.9, 10), count(3.9, 10 + 24 - sold)], [order(1.5, 24)])
    found = close(ledger, SPAN, TERMS)
    assert isinstance(found, Books)
    assert found.purchases + found.change == -sold * 3_000_000


@pytest.mark.parametrize(
    ("counts", "fault"),
    [
        ([], Missing.STALE_STOCK),
        ([count(-1.5, 5), count(3.9, 5)], Missing.STALE_STOCK),  # 60 hours old when the burn-in ends
        ([count(0.9, 5), count(1.9, 5)], Missing.STALE_STOCK),  # 50 hours old at the end
        ([count(4.1, 5)], Missing.STALE_STOCK),
    ],
)
def test_close__counts_that_are_missing_or_too_old__has_no_books(counts, fault):
    assert close(replace(PLAIN, counts=counts), SPAN, TERMS) is fault


def test_close__counts_exactly_as_old_as_allowed__are_good_enough():
    ledger = Ledger(1_000_000, [count(-1.0, 5), count(2.0, 3)], [])
    found = close(ledger, SPAN, TERMS)
    assert isinstance(found, Books)
    assert (found.change, found.counted_days) == (-2_000_000, 1)


def test_close__without_a_cost__has_no_books():
    assert close(replace(PLAIN, cost=None), SPAN, TERMS) is Missing.COST_MISSING


def test_missing_before__the_period_began__is_what_no_variant_could_change():
    assert missing_before(PLAIN, SPAN, TERMS) is None
    assert missing_before(replace(PLAIN, cost=None), SPAN, TERMS) is Missing.COST_MISSING
    assert missing_before(replace(PLAIN, counts=[count(-2.5, 5), count(0.5, 5)]), SPAN, TERMS) is Missing.STALE_STOCK


def test_close__days__are_those_of_the_zone():
    ledger = Ledger(1_000_000, [count(0.9, 5), count(1.6, 0), count(1.8, 0), count(3.9, 1)], [])
    shanghai = replace(TERMS, zone=ZoneInfo("Asia/Shanghai"))
    by_zone = [close(ledger, SPAN, terms) for terms in (TERMS, shanghai)]
    assert [found.empty_days for found in by_zone if isinstance(found, Books)] == [1, 2]


def test_close__fractions_of_a_millionth__are_rounded_half_to_even_once():
    ledger = Ledger(1, [count(0.9, 1), count(3.9, 1)], [order(2, 0.5), order(2.5, 1)])
    found = close(ledger, SPAN, replace(TERMS, holding_rate=0.0))
    assert isinstance(found, Books)
    assert (found.purchases, found.holding, found.ordered) == (-2, 0, 2)
