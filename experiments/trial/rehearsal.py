"""A test that never took place: known customers enter on random days of the log's last weeks, and nothing changes."""

from dataclasses import dataclass
from typing import ClassVar, Final

import numpy as np
from numpy.typing import NDArray

from experiments.trial.orders import Floats, Integers, OrderLog
from foundation.errors import DomainError

WINDOW_DAYS: Final = 7
ENTRY_DAYS: Final = (28, 21, 14, 7)
LONGEST_HISTORY: Final = 84
SHORTEST_HISTORY: Final = 14
FEWEST_CUSTOMERS: Final = 200
FEWEST_BUYERS: Final = 20


class LogTooSmall(DomainError):
    """An order log in which no test can be rehearsed."""

    code: ClassVar[str] = "LOG_TOO_SMALL"
    hint = "Export more days, or all customers: five weeks and some hundred customers are little, a year is good."


@dataclass(frozen=True, slots=True, eq=False)
class Rehearsal:
    """One row per customer who ordered before the test began; the first entry day is 0.

    entry: day on which the customer enters. orders, revenue: within the closed window from that day; before_*: in the
    `history_days` before it. all_orders, all_revenue, all_squares, all_lines, all_line_squares: in the whole test,
    orders and lines and the sums of their amounts and squared amounts. cap: of a customer's revenue, fixed before the
    first entry.
    """

    entry_days: int
    window_days: int
    history_days: int
    entry: Integers
    orders: Floats
    revenue: Floats
    before_orders: Floats
    before_revenue: Floats
    all_orders: Floats
    all_revenue: Floats
    all_squares: Floats
    all_lines: Floats
    all_line_squares: Floats
    cap: float

    @property
    def customers(self) -> int:
        """Customers who enter."""
        return int(self.entry.size)

    @property
    def bought(self) -> Floats:
        """1 where the customer ordered within the window."""
        return (self.orders > 0.0).astype(float)

    @property
    def before_bought(self) -> Floats:
        """1 where the customer ordered in the days before entering that history covers."""
        return (self.before_orders > 0.0).astype(float)

    @property
    def days(self) -> int:
        """Days from the first entry to the last closed window."""
        return self.entry_days + self.window_days


def rehearse(log: OrderLog, *, seed: int) -> Rehearsal:
    """Return the test on the last weeks of the log: four weeks of entry if it is long enough, and a week's windows.

    Raises LogTooSmall.
    """
    entry_days = next((days for days in ENTRY_DAYS if log.days >= 2 * days + WINDOW_DAYS + SHORTEST_HISTORY), None)
    if entry_days is None:
        raise LogTooSmall(f"The log covers {log.days} days; a rehearsal takes {2 * ENTRY_DAYS[-1] + 21} or more.")
    start = log.days - entry_days - WINDOW_DAYS
    known = np.unique(log.customer[log.is_order & (log.day < start)])
    if known.size < FEWEST_CUSTOMERS:
        raise LogTooSmall(
            f"{known.size} customers ordered before the last {entry_days + WINDOW_DAYS} days;"
            f" a rehearsal takes {FEWEST_CUSTOMERS} or more."
        )
    rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(0,)))
    entry = rng.integers(0, entry_days, known.size)
    history = min(LONGEST_HISTORY, start)
    place = np.full(int(log.customer.max()) + 1, -1)
    place[known] = np.arange(known.size)
    row = place[log.customer]
    inside = row >= 0
    since = log.day - start - np.where(inside, entry[row], 0)
    windowed = inside & (since >= 0) & (since < WINDOW_DAYS)
    before = inside & (since < 0) & (since >= -history)
    whole = inside & (log.day >= start)
    found = Rehearsal(
        entry_days,
        WINDOW_DAYS,
        history,
        entry,
        orders=_total(row, windowed & log.is_order, None, known.size),
        revenue=_total(row, windowed, log.amount, known.size),
        before_orders=_total(row, before & log.is_order, None, known.size),
        before_revenue=_total(row, before, log.amount, known.size),
        all_orders=_total(row, whole & log.is_order, None, known.size),
        all_revenue=_total(row, whole & log.is_order, log.amount, known.size),
        all_squares=_total(row, whole & log.is_order, log.amount**2, known.size),
        all_lines=_total(row, whole & log.is_order, log.line_count.astype(float), known.size),
        all_line_squares=_total(row, whole & log.is_order, log.line_squares, known.size),
        cap=_cap(log, start),
    )
    if found.bought.sum() < FEWEST_BUYERS:
        raise LogTooSmall(
            f"Only {int(found.bought.sum())} of {known.size} customers ordered in their week of the test;"
            f" a rehearsal takes {FEWEST_BUYERS} or more."
        )
    return found


def _cap(log: OrderLog, start: int) -> float:
    """Return the 99.9th percentile of customers' revenue in each of the four weeks before the start, zeros aside."""
    inside = (log.day < start) & (log.day >= start - 4 * WINDOW_DAYS)
    if not inside.any():
        return float("inf")
    cell = log.customer[inside] * 4 + (start - 1 - log.day[inside]) // WINDOW_DAYS
    totals = np.bincount(cell, weights=log.amount[inside])
    spent = totals[totals > 0.0]
    return float(np.quantile(spent, 0.999)) if spent.size else float("inf")


def _total(row: Integers, chosen: NDArray[np.bool_], weights: Floats | None, size: int) -> Floats:
    """Return sums (or numbers) of the chosen entries by customer."""
    picked = None if weights is None else weights[chosen]
    return np.bincount(row[chosen], weights=picked, minlength=size).astype(float)
