"""Simulated stock of items in stores under (s, S) policies: lead times, lost sales, shared shelves.

Each morning what was ordered arrives; every few days each item's position (on hand and on order) is looked at, and
where it is at or below s, an order brings it up to S. Demand that meets an empty shelf is lost. Truth comes from
simulating both policies for long, not from a formula.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import cache
from typing import Self

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]
Whole = NDArray[np.int64]
Flags = NDArray[np.bool_]

_WEEK = np.array([0.85, 0.85, 0.9, 0.95, 1.1, 1.25, 1.1])
_PRICE_CENTS, _COST_CENTS = 1_000, 600
_TRUTH_SHOPS, _TRUTH_DAYS, _TRUTH_SEED, _TRUTH_BATCH = 400, 364, 123_456_789, 100


@dataclass(frozen=True, slots=True)
class Policy:
    """Order-up-to levels: mean demand of lead time and review, and so many standard deviations of it more."""

    safety: float


@dataclass(frozen=True, slots=True)
class Inventory:
    """What shops are drawn from.

    groups, items: shelves and the items on each; an item on a shelf of one store is a unit. capacity: pieces that a
    shelf takes, as a multiple of what the lean policy wants for all of its items; None for shelves without end.
    review, shortest_lead, longest_lead: days. holding: cents for a piece and night. dispersion: how much daily demand
    varies beyond Poisson (its variance is mean + dispersion mean^2). level_spread: standard deviation of the log of
    the units' mean demand.
    """

    groups: int = 72
    items: int = 1
    capacity: float | None = None
    lean: Policy = Policy(0.4)
    generous: Policy = Policy(1.2)
    review: int = 2
    shortest_lead: int = 1
    longest_lead: int = 3
    holding: int = 2
    dispersion: float = 0.15
    level_spread: float = 0.25

    @property
    def memory(self) -> int:
        """Longest lead time and review period in days."""
        return self.longest_lead + self.review

    @property
    def units(self) -> int:
        """Items in stores."""
        return self.groups * self.items


@dataclass(frozen=True, slots=True, eq=False)
class Shelves:
    """Shelves of several shops side by side: the first axis of every column.

    level (shops, groups, items): mean pieces a day. demand (days, shops, groups, items): pieces asked for. lead (as
    demand): days that an order placed on that day takes.
    """

    level: Values
    demand: Whole
    lead: Whole

    @classmethod
    def side_by_side(cls, shops: Sequence["Shelves"]) -> Self:
        """Return all shops in one record."""
        axes = {"level": 0, "demand": 1, "lead": 1}
        return cls(*(np.concatenate([getattr(shop, p.name) for shop in shops], axis=axes[p.name]) for p in fields(cls)))


@dataclass(frozen=True, slots=True, eq=False)
class Books:
    """What happened on each day: shape (days, shops, groups, items), pieces.

    stock: on hand and on order in the evening; on_hand: in the evening.
    """

    sold: Whole
    ordered: Whole
    on_hand: Whole
    stock: Whole


def draw_shelves(inventory: Inventory, rng: np.random.Generator, days: int) -> Shelves:
    """Return one shop's demand and lead times over so many days."""
    shape = (1, inventory.groups, inventory.items)
    spread = inventory.level_spread
    level = 5.0 * np.exp(rng.normal(-0.5 * spread**2, spread, shape))
    week = np.resize(_WEEK, days)[:, None, None, None]
    mood = rng.gamma(1.0 / inventory.dispersion, inventory.dispersion, (days, *shape))
    demand = rng.poisson(level * week * mood)
    lead = rng.integers(inventory.shortest_lead, inventory.longest_lead + 1, (days, *shape))
    return Shelves(level, demand, lead)


def order_up_to(inventory: Inventory, level: Values, policy: Policy) -> Whole:
    """Return S of each unit in whole pieces."""
    days = inventory.review + (inventory.shortest_lead + inventory.longest_lead) / 2.0
    spread = np.sqrt(days * (level + inventory.dispersion * level**2))
    found: Whole = np.ceil(level * days + policy.safety * spread).astype(np.int64)
    return found


def keep_books(inventory: Inventory, shelves: Shelves, generous: Flags) -> Books:
    """Return what the policies do. generous: whether a unit has the generous policy on a day (as `shelves.demand`).

    Before the first day every position was at its policy's S, all of it on hand.
    """
    levels = [order_up_to(inventory, shelves.level, policy) for policy in (inventory.lean, inventory.generous)]
    pack = np.maximum(1, (0.3 * shelves.level).astype(np.int64))
    room = None if inventory.capacity is None else np.floor(inventory.capacity * levels[0].sum(axis=-1))
    on_hand = np.where(generous[0], levels[1], levels[0])
    arriving = np.zeros((inventory.longest_lead, *on_hand.shape), dtype=np.int64)
    books = Books(*(np.empty(shelves.demand.shape, dtype=np.int64) for _ in fields(Books)))
    for day, asked in enumerate(shelves.demand):
        slot = day % inventory.longest_lead
        on_hand = on_hand + arriving[slot]
        arriving[slot] = 0
        ordered = np.zeros_like(on_hand)
        if day % inventory.review == 0:
            position = on_hand + arriving.sum(axis=0)
            target = np.where(generous[day], levels[1], levels[0])
            ordered = np.where(position <= target - pack, target - position, 0)
            if room is not None:
                ordered = _fitted(ordered, room - position.sum(axis=-1))
            # an order of the longest lead time takes the slot that was emptied this morning
            due = (day + shelves.lead[day]) % inventory.longest_lead
            np.put_along_axis(arriving, due[None], np.take_along_axis(arriving, due[None], 0) + ordered[None], 0)
        sold = np.minimum(asked, on_hand)
        on_hand = on_hand - sold
        books.sold[day], books.ordered[day], books.on_hand[day] = sold, ordered, on_hand
        books.stock[day] = on_hand + arriving.sum(axis=0)
    return books


def cash_cents(books: Books) -> Whole:
    """Return each day's revenue less what was paid for the day's orders."""
    found: Whole = _PRICE_CENTS * books.sold - _COST_CENTS * books.ordered
    return found


def profit_cents(inventory: Inventory, books: Books) -> Whole:
    """Return each day's cash with the change of the stock, on hand and on order, at its cost, less holding.

    The first day's stock is compared with its own evening: that day is never counted.
    """
    change = np.diff(books.stock, axis=0, prepend=books.stock[:1])
    found: Whole = cash_cents(books) + _COST_CENTS * change - inventory.holding * books.on_hand
    return found


@cache
def truth(inventory: Inventory) -> float:
    """Return the mean profit of a unit and day in cents, always generous less always lean, a year after a warm-up."""
    warm_up = 7 * (inventory.memory // 7 + 4)
    rng = np.random.default_rng(_TRUTH_SEED)
    means = []
    for _ in range(_TRUTH_SHOPS // _TRUTH_BATCH):
        drawn = [draw_shelves(inventory, rng, warm_up + _TRUTH_DAYS) for _shop in range(_TRUTH_BATCH)]
        shelves = Shelves.side_by_side(drawn)
        worlds = [keep_books(inventory, shelves, np.full(shelves.demand.shape, is_b)) for is_b in (False, True)]
        lean, generous = (profit_cents(inventory, books)[warm_up:].mean() for books in worlds)
        means.append(float(generous - lean))
    return float(np.mean(means))


def _fitted(ordered: Whole, room: Values) -> Whole:
    """Return orders cut to the room that is left on each shelf, all of them by the same share."""
    wanted = ordered.sum(axis=-1)
    share = np.where(wanted > room, np.maximum(room, 0.0) / np.maximum(wanted, 1), 1.0)
    found: Whole = np.floor(ordered * share[..., None]).astype(np.int64)
    return found
