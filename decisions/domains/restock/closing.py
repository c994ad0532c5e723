"""What a period cost an item in a store: purchases, the change of its stock, and what holding that stock cost. Pure.

All of it is valued at one cost, frozen for the whole experiment, so that a change of costs is no effect of a variant.
Numbers are whole: pieces in millionths, money in millionths of the currency, rounded half to even once for each figure.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from fractions import Fraction
from typing import Final
from zoneinfo import ZoneInfo

from foundation.money import MICROS

YEAR: Final = timedelta(days=365)
DAY: Final = timedelta(days=1)
_TICK: Final = timedelta(microseconds=1)


class Missing(StrEnum):
    """Why an item in a store, or a cell, has no books."""

    COST_MISSING = "COST_MISSING"
    """Nobody had said what the item costs when the first period began."""
    STALE_STOCK = "STALE_STOCK"
    """The last count was too old when it was needed."""


@dataclass(frozen=True, slots=True)
class Span:
    """A period: it begins at `start`, counts from `begins` on, and is over at `ends`. Project time."""

    start: datetime
    begins: datetime
    ends: datetime


@dataclass(frozen=True, slots=True)
class Count:
    """What was there when somebody counted; pieces."""

    at: datetime
    on_hand: int
    on_order: int


@dataclass(frozen=True, slots=True)
class Ordered:
    """An order that was placed, or that nobody said was not; millionths of a piece."""

    at: datetime
    pieces: int


@dataclass(frozen=True, slots=True)
class Terms:
    """How books are kept: the yearly cost of holding as a share of the cost, how old counts may be, whose days."""

    holding_rate: float
    oldest: timedelta
    zone: ZoneInfo


@dataclass(frozen=True, slots=True)
class Ledger:
    """What is known of an item in a store about a period: counts and orders, oldest first; cost of a piece."""

    cost: int | None
    counts: Sequence[Count]
    orders: Sequence[Ordered]


@dataclass(frozen=True, slots=True)
class Books:
    """The books of an item in a store for a period.

    purchases: minus the cost of what was ordered. change: by how much stock on hand and on order was worth more at the
    end than at the end of the burn-in. holding: minus what holding the stock cost. ordered: pieces. piece_days:
    pieces on hand x days. counted_days, empty_days: days of the zone with a count, and with one that found nothing.
    """

    purchases: int
    change: int
    holding: int
    ordered: int
    piece_days: int
    counted_days: int
    empty_days: int


def missing_before(ledger: Ledger, span: Span, terms: Terms) -> Missing | None:
    """Return what kept an item in a store out of the books before its period began, None where nothing did.

    That does not depend on the variant, so that leaving it out favours none.
    """
    if ledger.cost is None:
        return Missing.COST_MISSING
    return None if _latest(ledger.counts, span.start, terms.oldest) else Missing.STALE_STOCK


def close(ledger: Ledger, span: Span, terms: Terms) -> Books | Missing:
    """Return the books of an item in a store for a period that is over, or why there are none.

    The stock at a moment is the last count before it, with what has been ordered since that count. Stock on hand is
    taken to be as counted until the next count.
    """
    if ledger.cost is None:
        return Missing.COST_MISSING
    first = _latest(ledger.counts, span.begins, terms.oldest)
    last = _latest(ledger.counts, span.ends, terms.oldest)
    if first is None or last is None:
        return Missing.STALE_STOCK
    inside = [count for count in ledger.counts if span.begins < count.at < span.ends]
    ordered = _ordered(ledger, span.begins, span.ends)
    held = _held([first, *inside], span)
    change = _position(ledger, last, span.ends) - _position(ledger, first, span.begins)
    days = {count.at.astimezone(terms.zone).date() for count in inside}
    empty = {count.at.astimezone(terms.zone).date() for count in inside if count.on_hand == 0}
    return Books(
        purchases=-round(Fraction(ledger.cost * ordered, MICROS)),
        change=round(Fraction(ledger.cost * change, MICROS)),
        holding=-round(ledger.cost * Fraction(str(terms.holding_rate)) * held / (YEAR // _TICK)),
        ordered=round(Fraction(ordered, MICROS)),
        piece_days=round(Fraction(held, DAY // _TICK)),
        counted_days=len(days),
        empty_days=len(empty),
    )


def _latest(counts: Sequence[Count], at: datetime, oldest: timedelta) -> Count | None:
    """Return the last count at or before a moment, None where there is none or it is too old."""
    before = [count for count in counts if count.at <= at]
    return before[-1] if before and at - before[-1].at <= oldest else None


def _position(ledger: Ledger, count: Count, at: datetime) -> int:
    """Return what was on hand and on order at a moment after a count, millionths of a piece, as far as orders tell."""
    return (count.on_hand + count.on_order) * MICROS + _ordered(ledger, count.at, at)


def _ordered(ledger: Ledger, since: datetime, until: datetime) -> int:
    """Return the pieces of the orders in [since, until), millionths."""
    return sum(order.pieces for order in ledger.orders if since <= order.at < until)


def _held(counts: Sequence[Count], span: Span) -> int:
    """Return pieces on hand x microseconds in the counted part of a period; the first count holds when it begins."""
    begins = [span.begins, *(count.at for count in counts[1:])]
    ends = [*begins[1:], span.ends]
    return sum(count.on_hand * ((end - begin) // _TICK) for count, begin, end in zip(counts, begins, ends, strict=True))
