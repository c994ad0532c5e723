"""What is known of an item in a store when its order is decided, and what follows from it. Pure."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from decisions.moment import Catalogue, Moment

YEAR: Final = 365.0
"""Days, by which the yearly cost of holding stock is divided."""
NUMBERS: Final = (
    "on_hand",
    "on_order",
    "counted_at",
    "capacity",
    "reorder_point",
    "order_up_to",
    "lead_days",
    "lead_sd",
    "daily_sales",
    "price",
    "cost",
    "pack_size",
    "minimum_order",
    "shelf_life",
)
"""Columns of the subjects that a menu's `about` has; NaN is unknown."""
TEXTS: Final = ("item", "store", "cluster", "category", "supplier")


@dataclass(frozen=True, slots=True)
class Stock:
    """An item in a store. Pieces, days, currency units; NaN where nobody said.

    position: on hand and on order; what is on order is 0 where nobody said. pack: pieces of a pack, at least 1.
    least: the fewest pieces of an order, in whole packs. lead_days: from the order to the shelf, 0 where nobody said.
    daily_sales: mean pieces a day, 0 where nobody said.
    """

    on_hand: float
    position: float
    capacity: float
    reorder_point: float
    order_up_to: float
    lead_days: float
    lead_sd: float
    daily_sales: float
    price: float
    cost: float
    pack: int
    least: int
    shelf_life: float

    def packed(self, pieces: float) -> int:
        """Return the order that comes closest to so many pieces: whole packs, at least the smallest order.

        Packs are rounded up, and down where only the rounding would not find room. Nothing for 0 or less.
        """
        if not pieces > 0.0:
            return 0
        up = max(self.least, self.pack * math.ceil(pieces / self.pack))
        down = self.pack * math.floor(pieces / self.pack)
        return down if up > self.room >= pieces and down >= self.least else up

    @property
    def room(self) -> float:
        """How many pieces more there is room for; without end where nobody said."""
        return math.inf if math.isnan(self.capacity) else self.capacity - self.position


def about_of(catalogue: Catalogue, place: int) -> Mapping[str, float | str]:
    """Return what the catalogue of subjects knows in a place, as a menu's `about` has it."""
    known: dict[str, float | str] = {}
    for name in NUMBERS:
        column = catalogue.fields.get(name)
        known[name] = float(column[place]) if isinstance(column, np.ndarray) else math.nan
    for name in TEXTS:
        texts = catalogue.fields.get(name)
        known[name] = texts[place] if isinstance(texts, tuple) else ""
    return known


def stock_of(about: Mapping[str, float | str]) -> Stock:
    """Return the item in the store that a menu is about; a size of a pack that is none counts as 1."""
    number = {name: float(about.get(name, math.nan)) for name in NUMBERS}
    pack = max(1, round(_or(number["pack_size"], 1.0)))
    return Stock(
        on_hand=number["on_hand"],
        position=number["on_hand"] + _or(number["on_order"], 0.0),
        capacity=number["capacity"],
        reorder_point=number["reorder_point"],
        order_up_to=number["order_up_to"],
        lead_days=max(0.0, _or(number["lead_days"], 0.0)),
        lead_sd=max(0.0, _or(number["lead_sd"], 0.0)),
        daily_sales=max(0.0, _or(number["daily_sales"], 0.0)),
        price=number["price"],
        cost=number["cost"],
        pack=pack,
        least=pack * max(1, math.ceil(_or(number["minimum_order"], 0.0) / pack)),
        shelf_life=number["shelf_life"],
    )


def protection(stock: Stock, moment: Moment) -> float:
    """Return the days that an order has to last: lead time and review period, for the next order comes only then."""
    return stock.lead_days + float(moment.settings["review_days"])


def _or(value: float, otherwise: float) -> float:
    """Return the value, or another one where it is unknown."""
    return value if math.isfinite(value) else otherwise
