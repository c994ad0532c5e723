"""The moments of a message: when it says it happened, when that was by our clock, and under which day it is kept."""

from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple

OLDEST = timedelta(days=400)
LATEST = timedelta(days=1)
LONGEST_TEXT = 40


class Moments(NamedTuple):
    """`occurred_at` is the client's own timestamp, `corrected_at` the same by our clock; None where unreadable."""

    day: date
    occurred_at: datetime | None
    corrected_at: datetime | None


def read_timestamp(value: object) -> datetime | None:
    """Return the aware time that ISO 8601 text stands for, None where it is missing, unreadable or without a zone."""
    if not isinstance(value, str) or len(value) > LONGEST_TEXT:
        return None
    try:
        moment = datetime.fromisoformat(value)
        zone = moment.tzinfo
        if zone is None:
            return None
        return moment if zone is UTC else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def moments_of(timestamp: object, sent_at: datetime | None, *, received: datetime) -> Moments:
    """Return the moments of a message; `received` is project time.

    The day is the UTC date of the untouched timestamp, so that a retry falls on the same day and is found to be a
    duplicate. One that is missing, unreadable or outside [-400 d, +1 d] of the receipt goes under the receipt's.
    corrected = timestamp + (received - sentAt): the client's clock may be wrong, but it is wrong in both alike.
    """
    occurred = read_timestamp(timestamp)
    if occurred is None:
        return Moments(received.astimezone(UTC).date(), None, None)
    in_range = received - OLDEST <= occurred <= received + LATEST
    day = occurred.date() if in_range else received.astimezone(UTC).date()
    if sent_at is None:
        return Moments(day, occurred, occurred)
    try:
        return Moments(day, occurred, occurred + (received - sent_at))
    except OverflowError:
        return Moments(day, occurred, occurred)
