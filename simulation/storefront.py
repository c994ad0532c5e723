"""The shop as its own systems know it: a catalogue to send, and the events that its visitors' deeds become."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np

from simulation.behaviour import EMPTY, Reactions
from simulation.catalogue import Catalogue, Integers
from simulation.events import ADDED, CLICKED, ORDERED, REFUNDED, VIEWED, Event
from simulation.past import CART, ORDER, VIEW, Deeds
from simulation.truth import Truth

CURRENCY = "USD"
WINDOW = 6.0
"""Days after the visit within which everything a visitor does lies, so that no window of seven cuts it off."""


@dataclass(frozen=True, slots=True, eq=False)
class Shop:
    """One seed's shop: what is true of it, and its catalogue."""

    truth: Truth
    seed: int
    catalogue: Catalogue

    def items(self) -> list[dict[str, Any]]:
        """Return the catalogue as `PUT /v1/items` takes it."""
        found = self.catalogue
        return [
            {
                "item_id": found.ids[item],
                "title": found.names[item],
                "category": found.categories[item],
                "price": float(found.price[item]),
                "rating": float(found.rating[item]),
                "stock": int(found.stock[item]),
            }
            for item in range(len(found))
        ]

    def places(self, slate: list[str], size: int) -> Integers:
        """Return the item numbers of a slate of ids, filled up with EMPTY to `size`."""
        numbers = {item_id: place for place, item_id in enumerate(self.catalogue.ids)}
        found = [numbers[item_id] for item_id in slate[:size]]
        return np.array(found + [EMPTY] * (size - len(found)), dtype=np.int64)

    def bestsellers(self, size: int) -> Integers:
        """Return what the shop shows by itself where nobody decides for it: the best of what is in stock."""
        order = np.argsort(-np.where(self.catalogue.in_stock, self.catalogue.quality, -1.0), kind="stable")
        return order[:size].astype(np.int64)

    def product(self, item: int, **more: Any) -> dict[str, Any]:
        """Return an item as the properties of an event."""
        found = self.catalogue
        category = found.categories[item]
        return {"product_id": found.ids[item], "category": category, "price": float(found.price[item]), **more}


def past_events(shop: Shop, deeds: Deeds, names: list[str], origin: list[datetime]) -> Iterator[Event]:
    """Yield what shoppers did before; names, origin: of each shopper, and the time their days count from."""
    kinds = {VIEW: VIEWED, CART: ADDED, ORDER: ORDERED}
    columns = (deeds.shopper, deeds.item, deeds.kind, deeds.day)
    for place, (shopper, item, kind, day) in enumerate(zip(*(column.tolist() for column in columns), strict=True)):
        line = shop.product(item)
        order = {"order_id": f"o-{names[shopper]}-{place}", "revenue": line["price"], "currency": CURRENCY}
        properties = {**order, "products": [{**line, "quantity": 1}]} if kind == ORDER else line
        at = origin[shopper] + timedelta(days=day)
        yield Event(names[shopper], at, kinds[kind], properties, mark=str(place))


def visit_events(
    shop: Shop,
    visitor: str,
    arrived: datetime,
    slate: Integers,
    done: Reactions,
    liked: np.ndarray,
    generator: np.random.Generator,
) -> Iterator[Event]:
    """Yield what one visitor does after arriving: `done` and `slate` are theirs alone (columns of length 1)."""
    for position in np.flatnonzero(done.clicked[0]).tolist():
        line = shop.product(int(slate[position]), position=position + 1)
        at = arrived + timedelta(minutes=1 + position)
        yield Event(visitor, at, CLICKED, line, mark=str(position))
        yield Event(visitor, at + timedelta(seconds=5), VIEWED, line, mark=f"slate-{position}")
        if done.carted[0, position]:
            yield Event(visitor, at + timedelta(seconds=40), ADDED, line, mark=str(position))
    yield from _views(shop, visitor, arrived, int(done.views[0]), liked, generator)
    wanted = int(done.wanted[0])
    later = timedelta(days=0.05 + float(generator.exponential(1.0)) % (WINDOW - 1.5))
    if wanted != EMPTY:
        yield Event(visitor, arrived + later, ADDED, shop.product(wanted), mark="wanted")
    if done.ordered[0]:
        yield from _order(shop, visitor, arrived + later + timedelta(minutes=10), slate, done)


def crawl_events(
    shop: Shop, robot: str, arrived: datetime, count: int, generator: np.random.Generator
) -> Iterator[Event]:
    """Yield the product views of a robot: any item, one after the other, within hours."""
    items = generator.integers(0, len(shop.catalogue), count)
    for number, item in enumerate(items.tolist()):
        at = arrived + timedelta(seconds=20 * (number + 1))
        yield Event(robot, at, VIEWED, shop.product(item), mark=f"crawl-{number}")


def _views(
    shop: Shop, visitor: str, arrived: datetime, count: int, liked: np.ndarray, generator: np.random.Generator
) -> Iterator[Event]:
    weights = liked * shop.catalogue.quality
    items = generator.choice(len(weights), size=count, p=weights / weights.sum())
    for number, item in enumerate(items.tolist()):
        after = timedelta(days=float(generator.exponential(0.8)) % WINDOW)
        yield Event(visitor, arrived + after, VIEWED, shop.product(item), mark=str(number))


def _order(shop: Shop, visitor: str, at: datetime, slate: Integers, done: Reactions) -> Iterator[Event]:
    wanted = int(done.wanted[0])
    items = [*slate[done.carted[0]].tolist(), *([wanted] if wanted != EMPTY else [])]
    lines = [shop.product(item, quantity=int(done.pieces[0])) for item in items]
    total = {"revenue": int(done.cents[0]) / 100, "currency": CURRENCY}
    order = {"order_id": f"o-{visitor}", **total}
    yield Event(visitor, at, ORDERED, {**order, "products": lines})
    if done.refunded[0]:
        yield Event(visitor, at + timedelta(hours=12), REFUNDED, order)
