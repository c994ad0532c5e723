"""What models of demand learn from: days of items with a price, in columns, item by item in the order of time."""

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt

DAY: Final = 86_400.0
WEEK: Final = 7
THURSDAY: Final = 4
"""1970 began on one; days are numbered so that whole weeks begin on Mondays."""

LATEST_ZONE: Final = 13.75 * 3_600.0
"""Seconds by which the clocks that are furthest ahead of UTC, of those that change, are ahead: the Chatham Islands'."""

_COLUMNS: Final = ("item", "day", "units", "price", "paid", "largest", "open")

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Panel:
    """Rows of items on days, in the order of (item, day): columns of equal length.

    item: places from 0, every place below `items` has a row. day: whole numbers that rise by 1 a day, Mondays are
    divisible by 7. units: pieces sold. price: log of the price. paid, largest: log of the mean paid for a piece and of
    the pieces of the largest line, NaN on days without a sale. open: share of the day during which it could be bought.
    """

    item: Integers
    day: Integers
    units: Floats
    price: Floats
    paid: Floats
    largest: Floats
    open: Floats
    items: int

    def __len__(self) -> int:
        return len(self.item)

    @property
    def starts(self) -> Integers:
        """The row with which each item begins."""
        return np.searchsorted(self.item, np.arange(self.items)).astype(np.int64)

    def sums(self, column: Floats) -> Floats:
        """Return the sum of a column (or of each of several, rows x columns) over the rows of each item."""
        found: Floats = np.add.reduceat(column, self.starts, axis=0)
        return found

    def kept(self, rows: Mask) -> "Panel":
        """Return the panel with these rows alone. Items that keep none are not left out: the places stay."""
        return replace(self, **{name: getattr(self, name)[rows] for name in _COLUMNS})


def day_numbers(at: Floats) -> Integers:
    """Return the number of the day that begins at each time (seconds since 1970; midnights of one zone).

    Midnights of a zone lie up to LATEST_ZONE before those of UTC, and less than a day after that: so wherever clocks
    change, its days rise by 1. In zones further east or west weeks begin on another day, which changes nothing.
    """
    days: Integers = np.floor((at + LATEST_ZONE) / DAY).astype(np.int64) + (THURSDAY - 1)
    return days


def filled_forward(values: Floats, item: Integers) -> Floats:
    """Return the values with each NaN replaced by the last known one of its item, else by the next known one."""
    found = _carried(values, item)
    return _carried(found[::-1], item[::-1])[::-1]


def _carried(values: Floats, item: Integers) -> Floats:
    """Return the values with each NaN replaced by the one that came last before it in the same item."""
    rows = np.arange(len(values))
    last = np.maximum.accumulate(np.where(np.isnan(values), -1, rows))
    usable = (last >= 0) & (item[np.maximum(last, 0)] == item)
    return np.where(usable, values[np.maximum(last, 0)], np.nan)
