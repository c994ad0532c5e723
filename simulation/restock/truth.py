"""What is true of the simulated stores: demand, lead times, lost sales, and so which rule of ordering is better.

Each item in a store is asked for D ~ negative binomial pieces a day of mean m w with the weekday's factor w, and of
variance mean + dispersion mean^2. What meets an empty shelf is lost. Each morning arrives what has been ordered; each
night an order may be placed. A rule's truth is its mean profit in steady state: a margin for each piece sold, less what
holding the rest costs. The true effect of one rule is its profit less another's, from simulating both for long, on the
same demand.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Whole = npt.NDArray[np.int64]
Rule = Callable[[Whole], Whole]
"""Positions (pieces on hand and on order) -> pieces to order."""

WEEK = (0.9, 0.9, 0.9, 0.95, 1.1, 1.2, 1.05)
"""Factors of the weekdays, Monday first."""
YEAR = 365.0
SUPPLIER = "wholesaler"
_WARM_UP, _STEADY = 28, 364


@dataclass(frozen=True, slots=True)
class RestockTruth:
    """The parameters of stores, items, demand and supply.

    demand: mean pieces a day of an item in a store. demand_spread: standard deviation of its logarithm over items in
    stores. price, cost: of a piece, currency units. leads: each lead time in days with its chance. review: days between
    two orders. holding: what holding a piece for a year costs, as a share of its cost.
    """

    stores: int = 10
    items: int = 24
    demand: float = 4.0
    demand_spread: float = 0.25
    dispersion: float = 0.1
    price: float = 10.0
    cost: float = 9.2
    leads: tuple[tuple[int, float], ...] = ((1, 0.25), (2, 0.5), (3, 0.25))
    review: int = 1
    holding: float = 0.25

    def __post_init__(self) -> None:
        if abs(sum(chance for _, chance in self.leads) - 1.0) > 1e-9 or min(self.leads)[0] < 1:
            raise ValueError("the chances of lead times, of a day or more, must add up to 1")
        if not 0.0 < self.cost < self.price or self.demand <= 0.0 or self.dispersion <= 0.0:
            raise ValueError("needs a margin, and demand that varies")

    @property
    def lead_days(self) -> float:
        """The mean lead time."""
        return sum(days * chance for days, chance in self.leads)

    @property
    def lead_sd(self) -> float:
        """The standard deviation of the lead time, days."""
        return float(sum((days - self.lead_days) ** 2 * chance for days, chance in self.leads) ** 0.5)

    def profit(self, sold: Whole, on_hand: Whole) -> Floats:
        """Return the margin of the pieces sold less the cost of holding for a day what is left, currency units."""
        found: Floats = sold * (self.price - self.cost) - on_hand * self.cost * self.holding / YEAR
        return found


@dataclass(frozen=True, slots=True, eq=False)
class Shelves:
    """Items in stores, one entry of each column for each: ids, and mean pieces asked for in a day."""

    truth: RestockTruth
    seed: int
    stores: tuple[str, ...]
    items: tuple[str, ...]
    means: Floats

    @property
    def subjects(self) -> tuple[str, ...]:
        """The ids of the items in stores, `store|item`."""
        return tuple(f"{store}|{item}" for store, item in zip(self.stores, self.items, strict=True))

    def catalogue(self) -> list[dict[str, Any]]:
        """Return the items as `PUT /v1/items` takes them."""
        ids = dict.fromkeys(self.items)
        return [
            {"item_id": item, "title": f"Item {item}", "price": self.truth.price, "supplier": SUPPLIER} for item in ids
        ]

    def asked(self, ordinal: int) -> Whole:
        """Return the pieces asked for on a day, given by its ordinal; the same whatever is in stock."""
        return self._drawn(self._generator(311, ordinal), (ordinal - 1) % 7)

    def leads(self, ordinal: int) -> Whole:
        """Return how many days an order of that day takes."""
        days, chances = zip(*self.truth.leads, strict=True)
        return self._generator(312, ordinal).choice(days, size=len(self.means), p=chances).astype(np.int64)

    def up_to(self, reorder: float, level: float) -> tuple[Whole, Whole]:
        """Return reorder point and level of a rule (s, S) that are so many days' mean demand, pieces."""
        point = np.rint(self.means * reorder).astype(np.int64)
        return point, np.maximum(point + 1, np.rint(self.means * level).astype(np.int64))

    def steady_profit(self, rule: Rule) -> float:
        """Return the mean profit of an item in a store and day in the long run, where the rule always orders."""
        stock = Stock.full(self, rule(np.zeros(len(self.means), np.int64)))
        found = []
        for day in range(1, _WARM_UP + _STEADY + 1):
            stock.receive(day)
            stock.order(day, rule(stock.position), self.leads(day))
            sold = stock.sell(self.asked(day))
            if day > _WARM_UP:
                found.append(float(self.truth.profit(sold, stock.on_hand).mean()))
        return float(np.mean(found))

    def _drawn(self, generator: np.random.Generator, weekday: int) -> Whole:
        size = 1.0 / self.truth.dispersion
        means = self.means * WEEK[weekday]
        return generator.negative_binomial(size, size / (size + means)).astype(np.int64)

    def _generator(self, purpose: int, ordinal: int) -> np.random.Generator:
        return np.random.default_rng([self.seed, purpose, ordinal])


class Stock:
    """Pieces on hand and on their way, of all items in stores side by side. Days are ordinals."""

    def __init__(self, on_hand: Whole) -> None:
        self.on_hand = on_hand.copy()
        self._coming: dict[int, Whole] = {}

    @classmethod
    def full(cls, shelves: Shelves, on_hand: Whole) -> "Stock":
        """Return shelves with so many pieces and nothing on its way."""
        return cls(np.broadcast_to(on_hand, shelves.means.shape).astype(np.int64))

    @property
    def on_order(self) -> Whole:
        """Pieces that were ordered and have not come."""
        none = np.zeros_like(self.on_hand)
        return sum(self._coming.values(), none)

    @property
    def position(self) -> Whole:
        """Pieces on hand and on order."""
        return self.on_hand + self.on_order

    def receive(self, day: int) -> None:
        """Put on the shelves what has come by the morning of a day."""
        for due in [due for due in self._coming if due <= day]:
            self.on_hand += self._coming.pop(due)

    def order(self, day: int, pieces: Whole, leads: Whole) -> None:
        """Order pieces that come so many days after `day`."""
        for lead in np.unique(leads).tolist():
            due = day + lead
            self._coming[due] = self._coming.get(due, np.zeros_like(self.on_hand)) + np.where(leads == lead, pieces, 0)

    def sell(self, asked: Whole) -> Whole:
        """Sell what is there of what is asked for, and return it; the rest is lost."""
        sold: Whole = np.minimum(asked, self.on_hand)
        self.on_hand -= sold
        return sold


def min_max(point: Whole, level: Whole) -> Rule:
    """Return the rule that orders up to the level where the position is at or below the reorder point."""
    return lambda position: np.where(position <= point, level - position, 0)


def draw_shelves(truth: RestockTruth, seed: int) -> Shelves:
    """Return the stores of a seed: every store has every item."""
    generator = np.random.default_rng([seed, 310])
    count = truth.stores * truth.items
    logs = generator.normal(-0.5 * truth.demand_spread**2, truth.demand_spread, count)
    return Shelves(
        truth=truth,
        seed=seed,
        stores=tuple(f"s-{place // truth.items:02d}" for place in range(count)),
        items=tuple(f"p-{place % truth.items:03d}" for place in range(count)),
        means=truth.demand * np.exp(logs),
    )
