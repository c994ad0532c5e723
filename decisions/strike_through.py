"""Prices that are struck through: which former price an offer may be compared with, and why another one may not.

Directive 98/6/EC, Article 6a: who announces a reduction shows the lowest price that was asked during at least the 30
days before the reduction began. Every fall of the price counts as a reduction of its own; what Member States may allow
besides (falls that follow one another, goods that spoil, goods that are new) is not made use of, so that what is
allowed here is allowed everywhere.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

LOOK_BACK: Final = timedelta(days=30)
"""How far back before a reduction the lowest price counts: Article 6a(2)."""


class Struck(StrEnum):
    """What becomes of a price that is to be struck through."""

    ALLOWED = "ALLOWED"
    NOT_OFFERED = "NOT_OFFERED"
    """The item has no price now, or none that is known."""
    HISTORY_UNKNOWN = "HISTORY_UNKNOWN"
    """The ledger does not reach back 30 days before the reduction."""
    NOT_REDUCED = "NOT_REDUCED"
    """The present price is not below the one to be struck through."""
    WAS_PRICE_TOO_HIGH = "WAS_PRICE_TOO_HIGH"
    """The price was lower within the 30 days before the reduction."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """A price in millionths that everybody was offered from and until project times; until: None for no end."""

    price: int
    since: datetime
    until: datetime | None


@dataclass(frozen=True, slots=True)
class Judged:
    """What becomes of a price to be struck through, with what that rests on.

    lowest: the lowest offer of the 30 days before the present one began, where it is known. known_since: from when on
    the ledger has the item.
    """

    verdict: Struck
    now: Stretch | None = None
    lowest: Stretch | None = None
    known_since: datetime | None = None


def judge(price: int, offers: list[Stretch], *, at: datetime) -> Judged:
    """Return whether `price` (millionths) may be struck through beside what is offered at a project time.

    offers: all that is known of the item, in the order of time, without overlaps.
    """
    now = next((offer for offer in offers if offer.since <= at and (offer.until is None or at < offer.until)), None)
    if now is None:
        return Judged(Struck.NOT_OFFERED)
    known_since = offers[0].since
    window = now.since - LOOK_BACK
    before = [offer for offer in offers if offer.since < now.since and (offer.until or now.since) > window]
    # Of equal prices the latest: its dates are those that people remember.
    lowest = min(reversed(before), key=lambda offer: offer.price, default=None)
    if lowest is None or known_since > window:
        return Judged(Struck.HISTORY_UNKNOWN, now, lowest, known_since)
    if now.price >= price:
        return Judged(Struck.NOT_REDUCED, now, lowest, known_since)
    verdict = Struck.WAS_PRICE_TOO_HIGH if price > lowest.price else Struck.ALLOWED
    return Judged(verdict, now, lowest, known_since)
