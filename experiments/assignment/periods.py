"""Experiments by period: into which period a moment falls, and with which slot a unit is drawn in it.

Periods are counted from an anchor in steps of fixed minutes, in UTC: a change to summer time moves no boundary, all
periods are equally long, and the whole schedule follows from the stored salt before the first one begins. What is
randomised is the cell `unit|period`.
"""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from math import gcd
from typing import Final
from zoneinfo import ZoneInfo

from experiments.assignment.bucketing import SLOTS, draw_slot
from experiments.vocabulary import PeriodDesign

DAY_MINUTES: Final = 1_440
LONGEST_PERIOD: Final = 366 * DAY_MINUTES
"""Minutes."""
LONGEST_BLOCK: Final = 100
"""Periods in which every variant appears in proportion to its weight."""


@dataclass(frozen=True, slots=True)
class Periods:
    """The calendar of an experiment. `anchor` is the start of period 0, `minutes` and `burn_in` are in minutes.

    `block` is the number of periods that are balanced together; 1 where each is drawn on its own. `prefix` stands
    before a cell in what is hashed. `blackouts` are the edges of the stretches of periods that are kept out, ascending:
    the first period of a stretch, then the first one after it.
    """

    anchor: datetime
    minutes: int
    design: PeriodDesign
    burn_in: int
    block: int
    prefix: bytes
    blackouts: tuple[int, ...] = ()

    @property
    def length(self) -> timedelta:
        """How long a period is."""
        return timedelta(minutes=self.minutes)

    def index(self, at: datetime) -> int:
        """Return the number of the period that a moment falls into; below 0 before the first one."""
        return (at - self.anchor) // self.length

    def start(self, index: int) -> datetime:
        """Return when a period begins; the one before it ends then."""
        return self.anchor + index * self.length

    def counts_from(self, index: int) -> datetime:
        """Return when the burn-in of a period is over."""
        return self.start(index) + timedelta(minutes=self.burn_in)

    def is_kept_out(self, index: int) -> bool:
        """Return whether a period touches days that the shop keeps out."""
        return bool(self.blackouts) and bisect_right(self.blackouts, index) % 2 == 1

    def slot(self, unit: bytes, index: int) -> int:
        """Return the slot, 0 to 999 999, with which a unit is drawn in a period.

        Independent: the slot of the cell. Balanced: the cells of a block are put in the order of their slots, and the
        one in place r of b gets the middle of the r-th of b equal parts of all slots, so that every variant gets as
        many periods of the block as its weight says, in an order of the unit's own.
        """
        if self.block == 1:
            return draw_slot(self.prefix, _cell(unit, index))
        first = index - index % self.block
        drawn = [(draw_slot(self.prefix, _cell(unit, i)), i) for i in range(first, first + self.block)]
        own = drawn[index - first]
        place = sum(other < own for other in drawn)
        return (2 * place + 1) * SLOTS // (2 * self.block)


def cell_id(unit: str, index: int) -> str:
    """Return the id of a unit in a period, under which its exposures are kept."""
    return f"{unit}|{index}"


def first_anchor(started_at: datetime, minutes: int, zone: str) -> datetime:
    """Return when the first period of an experiment begins, in UTC: never before it was started.

    Periods of whole days begin at the next midnight of the project's time zone, those of whole hours at its next full
    hour, others at the next full minute. A start on the very boundary is the anchor.
    """
    local = started_at.astimezone(ZoneInfo(zone))
    if minutes % DAY_MINUTES == 0:
        midnight = _midnight(local)
        return midnight if midnight >= started_at else _midnight(local + timedelta(days=1))
    step = timedelta(hours=1) if minutes % 60 == 0 else timedelta(minutes=1)
    into = timedelta(minutes=local.minute, seconds=local.second, microseconds=local.microsecond) % step
    return (started_at + (step - into if into else timedelta())).astimezone(UTC)


def days_between(first: date, last: date, zone: str) -> tuple[datetime, datetime]:
    """Return when the first of some days of a time zone begins and when the last one is over, in UTC."""
    local = ZoneInfo(zone)
    begun, over = (datetime.combine(day, time(), local) for day in (first, last + timedelta(days=1)))
    return _midnight(begun), _midnight(over)


def periods_touched(
    spans: Iterable[tuple[datetime, datetime]], *, anchor: datetime, minutes: int
) -> list[tuple[int, int]]:
    """Return the stretches of periods that overlap one of the half-open spans: [first, after), ascending, apart."""
    length = timedelta(minutes=minutes)
    found: list[tuple[int, int]] = []
    for begun, over in sorted(spans):
        first, after = max(0, (begun - anchor) // length), -((anchor - over) // length)
        if found and first <= found[-1][1]:
            first, after = found[-1][0], max(after, found.pop()[1])
        if first < after:
            found.append((first, after))
    return found


def block_length(weights: Sequence[int]) -> int | None:
    """Return the fewest periods in which every variant can appear in proportion to its weight, None beyond 100.

    `weights` are slots and add up to a million; a third is as near as slots can say it (333 333).
    """
    exact = SLOTS // gcd(*weights) if any(weights) else LONGEST_BLOCK + 1
    for block in range(1, min(exact, LONGEST_BLOCK) + 1):
        periods = [round(weight * block / SLOTS) for weight in weights]
        misses = [abs(weight * block - count * SLOTS) for weight, count in zip(weights, periods, strict=True)]
        if max(misses) < block and sum(periods) == block:
            return block
    return None


def _midnight(local: datetime) -> datetime:
    """Return the midnight with which a local day began, in UTC; where clocks skip it, the first moment after."""
    return local.replace(hour=0, minute=0, second=0, microsecond=0, fold=0).astimezone(UTC)


def _cell(unit: bytes, index: int) -> bytes:
    return b"%b|%d" % (unit, index)
