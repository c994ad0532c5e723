"""Households that come as the project's clock runs, are quoted prices, and pay what they were quoted."""

import heapq
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from datetime import time as clock_time
from typing import Any, Final

import numpy as np

from simulation.events import ORDERED, Event, message
from simulation.live import MOST_BEHIND, PAUSE_SECONDS, TrafficBehind
from simulation.pricing.households import Household, Pantries, Taken, households
from simulation.pricing.office import Office, Shop
from simulation.pricing.past import order
from simulation.pricing.tags import Tag
from simulation.pricing.truth import Floats, Market

TOLD_EVERY: Final = 0.25
"""Seconds of wall time between two times at which the shop sends its orders and fetches batches."""
TO_PAY: Final = timedelta(hours=2)
"""From the page to the payment."""


@dataclass(slots=True)
class PriceRun:
    """What came of the days that were lived.

    visits: by variant, of households with a need; "" outside of experiments. tags: every price that anybody was quoted.
    unquoted: items without a price, by reason. honoured: payments at the price of their quote; moved: those of them
    while the item had another price already. refused: reasons of quotes that were not honoured, and of events. brought,
    own: by variant, the sum over households of what the prices that they met bring in the long run, and of what the
    shop's own prices would, currency units.
    """

    visits: Counter[str] = field(default_factory=Counter)
    tags: list[Tag] = field(default_factory=list)
    unquoted: Counter[str] = field(default_factory=Counter)
    honoured: int = 0
    moved: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    brought: dict[str, float] = field(default_factory=dict)
    own: dict[str, float] = field(default_factory=dict)

    def true_lift(self, variant: str) -> float | None:
        """Return by what share the prices of a variant bring more than the shop's own would; None without any."""
        return self.brought[variant] / self.own[variant] - 1.0 if variant in self.own else None


@dataclass(frozen=True, slots=True)
class _Basket:
    household: Household
    taken: Taken
    quote: str


class PriceDriver:
    """Lives the days of a market; `run` tells what came of it, and `office` knows the batches."""

    def __init__(self, *, shop: Shop, market: Market) -> None:
        self.run = PriceRun()
        self.office = Office(shop)
        self._shop = shop
        self._market = market
        self._pantries = Pantries(market)
        self._baskets: list[tuple[datetime, int, _Basket]] = []
        self._orders: list[dict[str, Any]] = []
        self._told_at = 0.0

    def open(self, since: datetime) -> None:
        """Tell of the items, and of what they have cost since a time."""
        self.office.put("items", self._market.items())
        pairs = zip(self._market.ids, self._market.cost.tolist(), strict=True)
        self.office.put("costs", [{"item_id": item, "cost": cost, "from": since.isoformat()} for item, cost in pairs])

    def drive(self, *, start: date, days: int) -> None:
        """Live so many days, from the midnight of one on, at the clock's pace. Raises TrafficBehind."""
        midnight = datetime.combine(start, clock_time(tzinfo=UTC))
        for day in range(days):
            for household in households(self._market, day):
                self._wait(midnight + timedelta(days=day, hours=household.hour))
                self._visit(household, day)
        self._wait(midnight + timedelta(days=days) + TO_PAY)
        self._tell()

    def keep_up(self) -> None:
        """Let everybody pay who is about to, and now and then send orders and fetch batches."""
        while self._baskets and self._baskets[0][0] <= self._shop.clock.now():
            self._pay(heapq.heappop(self._baskets)[2])
        if time.monotonic() - self._told_at > TOLD_EVERY:
            self._tell()

    def quoted(self) -> dict[str, float]:
        """Return what everybody is quoted now for each item."""
        answers = self._shop.edge.quote(self._market.ids)["quotes"]
        return {quote["item"]: quote["price"] for quote in answers if "price" in quote}

    def _wait(self, until: datetime) -> None:
        self.keep_up()
        while self._shop.clock.now() < until:
            time.sleep(PAUSE_SECONDS)
            self.keep_up()
        if self._shop.clock.now() - until > MOST_BEHIND:
            raise TrafficBehind(f"The households are more than {MOST_BEHIND.days} days behind the clock.")

    def _visit(self, household: Household, day: int) -> None:
        """Let a household read what its cluster's items cost, and take what it wants at these prices."""
        members = self._market.members(household.cluster)
        answer = self._shop.edge.quote(self._market.ids[members])
        found = [quote for quote in answer["quotes"] if "price" in quote]
        self.run.unquoted.update(quote["reason"] for quote in answer["quotes"] if "price" not in quote)
        at = self._shop.clock.now()
        self.run.tags += [_tag(quote, answer["at"]) for quote in found]
        if len(found) < len(answer["quotes"]):
            return
        prices = np.array([quote["price"] for quote in found])
        self._note(household.cluster, prices, at)
        taken = self._pantries.take(household, day, prices)
        if taken is not None:
            basket = _Basket(household, taken, found[taken.place - members.start]["quote"])
            heapq.heappush(self._baskets, (at + TO_PAY, self.run.visits.total(), basket))

    def _note(self, cluster: int, prices: Floats, at: datetime) -> None:
        members = self._market.members(cluster)
        variant = self.office.variant(self._market.ids[members.start], at)
        self.run.visits[variant] += 1
        for sums, met in ((self.run.brought, prices), (self.run.own, self._market.price[members])):
            sums[variant] = sums.get(variant, 0.0) + self._market.contribution(cluster, met)

    def _pay(self, basket: _Basket) -> None:
        """Let a household pay what it was quoted, if the quote is honoured."""
        said = self._shop.edge.verify(basket.quote)
        if not said["honoured"]:
            self.run.refused[said["reason"]] += 1
            return
        self.run.honoured += 1
        self.run.moved += said["price_now"] != said["price"]
        bought = order(self._market, basket.household.id, basket.taken, said["price"])
        self._orders.append(message(Event(basket.household.id, self._shop.clock.now(), ORDERED, bought)))

    def _tell(self) -> None:
        self._told_at = time.monotonic()
        self.office.fetch()
        if self._orders:
            answer = self._shop.edge.send(self._orders)
            self._orders = []
            self.run.refused.update(said["reason"] for said in answer["results"] if said["status"] == "rejected")


def _tag(quote: dict[str, Any], at: str) -> Tag:
    since = datetime.fromisoformat(quote["offered_since"])
    return Tag(quote["item"], datetime.fromisoformat(at), quote["price"], since)
