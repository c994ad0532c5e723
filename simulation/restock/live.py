"""Stores that live day by day: they order what batches say, receive, sell, count, and tell all of that over HTTP."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import numpy as np

from simulation.edge_client import ConsoleClient, EdgeClient
from simulation.events import ORDERED, Event, message
from simulation.live import MOST_BEHIND, Clock, TrafficBehind
from simulation.queue import BATCH
from simulation.restock.truth import SUPPLIER, Shelves, Stock, Whole
from simulation.storefront import CURRENCY

OPENED, COUNTED = time(9, tzinfo=UTC), time(16, 30, tzinfo=UTC)
"""Stores sell from the one to the other, and count when they close: hours before the batch of the night is made."""
PATIENCE = timedelta(hours=12)
"""For so long the count waits for the batch of the night before: what was ordered by then has to be in it."""
LINES = 5
"""Most lines of an order."""
OVERRIDDEN, FAILED = 0.04, 0.02
"""Shares of the orders that somebody halves, and that no supplier takes."""


@dataclass(frozen=True, slots=True)
class OwnRule:
    """The shop's own reorder point and level, in days of mean demand."""

    reorder: float
    level: float


@dataclass(slots=True)
class StoreRun:
    """What came of the days that were lived.

    rejected: events. refused: records that the product did not take. reasons: of decisions, by (variant, reason); ""
    outside the experiment. words: what was said of decisions, by status. profits: by variant, how many days of items in
    stores that had it for long enough, and the sum of their true profits.
    """

    days: int = 0
    rejected: int = 0
    refused: list[dict[str, Any]] = field(default_factory=list)
    reasons: Counter[tuple[str, str]] = field(default_factory=Counter)
    words: Counter[str] = field(default_factory=Counter)
    profits: dict[str, tuple[int, float]] = field(default_factory=dict)

    def true_profit(self, variant: str) -> float | None:
        """Return the mean true profit of an item in a store and day under a variant; None without any."""
        count, total = self.profits.get(variant, (0, 0.0))
        return total / count if count else None


@dataclass(frozen=True, slots=True)
class Office:
    """Whom the stores speak to: the edge and the console, at the pace of a clock, about one decision point."""

    edge: EdgeClient
    console: ConsoleClient
    clock: Clock
    point: str


class StoreDriver:
    """Lives the days of all stores; `run` tells what came of it.

    settled: days with the same variant after which a day's profit is counted for it.
    """

    def __init__(self, *, office: Office, shelves: Shelves, rule: OwnRule, settled: int) -> None:
        self.run = StoreRun()
        self.rule = rule
        self._office = office
        self._shelves = shelves
        self._settled = settled
        self._places = {subject: place for place, subject in enumerate(shelves.subjects)}
        self._stock = Stock.full(shelves, self._rule()[1])
        self._day = office.clock.now().date()
        self._placed = 0
        self._variants = np.full(len(self._places), "", dtype=object)
        self._since = np.zeros(len(self._places), dtype=np.int64)

    def open(self, since: datetime) -> None:
        """Tell suppliers, items, and what items have cost since a time; count everything for the first time."""
        truth, items = self._shelves.truth, self._shelves.catalogue()
        lead = {"lead_days": truth.lead_days, "lead_sd": round(truth.lead_sd, 3)}
        costs = {"cost": truth.cost, "currency": CURRENCY, "from": since.isoformat()}
        self._put("suppliers", [{"supplier_id": SUPPLIER, "name": "Wholesaler", **lead}])
        self._put("items", items)
        self._put("costs", [{"item_id": item["item_id"], **costs} for item in items])
        self._count(self._office.clock.now())

    def keep_up(self) -> None:
        """Live every day whose count is due by the clock, once the day's batch is there. Raises TrafficBehind."""
        while (now := self._office.clock.now()) >= (counted := datetime.combine(self._day, COUNTED)):
            if now - counted > MOST_BEHIND:
                raise TrafficBehind(f"The stores are more than {MOST_BEHIND.days} days behind the clock.")
            batches = self._office.console.batches(self._office.point)
            if now - counted < PATIENCE and not any(_day_of(batch["due_at"]) == self._day for batch in batches):
                return
            self._live(self._day, counted, batches)
            self._day += timedelta(days=1)
            self.run.days += 1

    def _live(self, day: date, counted: datetime, batches: list[dict[str, Any]]) -> None:
        """Place what takes effect by the count, receive, sell, and count."""
        ordinal = day.toordinal()
        self._place(batches, until=counted)
        self._stock.receive(ordinal)
        sold = self._stock.sell(self._shelves.asked(ordinal))
        self._tell_sales(day, sold)
        self._count(counted)
        profits = self._shelves.truth.profit(sold, self._stock.on_hand)
        for variant in set(self._variants) - {""}:
            counts = (self._variants == variant) & (ordinal - self._since >= self._settled)
            count, total = self.run.profits.get(variant, (0, 0.0))
            self.run.profits[variant] = (count + int(counts.sum()), total + float(profits[counts].sum()))

    def _place(self, batches: list[dict[str, Any]], *, until: datetime) -> None:
        """Place the orders of the batches that take effect by a time, the oldest first."""
        for summary in sorted(batches, key=lambda batch: batch["batch"]):
            is_due = datetime.fromisoformat(summary["takes_effect_at"]) <= until
            if summary["batch"] > self._placed and is_due:
                self._placed = summary["batch"]
                self._carry_out(self._office.console.batch(summary["batch"]))

    def _carry_out(self, batch: dict[str, Any]) -> None:
        """Order what a batch decided, apart from what is overridden and what fails, and say what was done."""
        ordinal = _day_of(batch["takes_effect_at"]).toordinal()
        fates = np.random.default_rng([self._shelves.seed, 313, ordinal]).uniform(size=len(self._places))
        pieces, words = np.zeros(len(self._places), dtype=np.int64), []
        for decision in batch["decisions"]:
            place = self._places[decision["subject"]]
            word = _word(decision, float(fates[place]))
            pieces[place] = 0 if word["status"] == "failed" else int(word.get("value") or decision["value"] or 0)
            words.append(word)
            self.run.words[word["status"]] += 1
            self._meet(place, decision["variant"] or "", ordinal)
            self.run.reasons[decision["variant"] or "", decision["reason"]] += 1
        self._stock.order(ordinal, pieces, self._shelves.leads(ordinal))
        self.run.refused += self._office.console.acknowledge(batch["batch"], words)["refused"]

    def _meet(self, place: int, variant: str, ordinal: int) -> None:
        if self._variants[place] != variant:
            self._variants[place], self._since[place] = variant, ordinal

    def _tell_sales(self, day: date, sold: Whole) -> None:
        messages = [message(event) for event in orders(self._shelves, day, sold)]
        for first in range(0, len(messages), BATCH):
            answer = self._office.edge.send(messages[first : first + BATCH])
            self.run.rejected += sum(result["status"] == "rejected" for result in answer["results"])

    def _count(self, at: datetime) -> None:
        point, level = self._rule()
        columns = {"stock": self._stock.on_hand, "on_order": self._stock.on_order}
        columns |= {"reorder_point": point, "order_up_to": level}
        counts = [
            {"store_id": store, "item_id": item, "counted_at": at.isoformat()}
            | {name: int(column[place]) for name, column in columns.items()}
            for place, (store, item) in enumerate(zip(self._shelves.stores, self._shelves.items, strict=True))
        ]
        self._put("stock", counts)

    def _rule(self) -> tuple[Whole, Whole]:
        return self._shelves.up_to(self.rule.reorder, self.rule.level)

    def _put(self, table: str, records: list[dict[str, Any]]) -> None:
        self.run.refused += self._office.console.put(table, records)["refused"]


def orders(shelves: Shelves, day: date, sold: Whole) -> Iterator[Event]:
    """Yield the orders in which the pieces of a day are sold: some lines of one store each, in its opening hours."""
    opened = datetime.combine(day, OPENED)
    baskets: dict[str, list[list[dict[str, Any]]]] = {}
    for place in np.flatnonzero(sold).tolist():
        of_store = baskets.setdefault(shelves.stores[place], [[]])
        if len(of_store[-1]) == LINES:
            of_store.append([])
        line = {"product_id": shelves.items[place], "price": shelves.truth.price, "quantity": int(sold[place])}
        of_store[-1].append(line)
    for store, lists in baskets.items():
        for number, lines in enumerate(lists):
            order = f"o-{shelves.seed}-{day.isoformat()}-{store}-{number}"
            revenue = sum(line["price"] * line["quantity"] for line in lines)
            said = {"order_id": order, "store_id": store, "revenue": revenue, "currency": CURRENCY, "products": lines}
            yield Event(order, opened + timedelta(hours=7.0 * number / len(lists)), ORDERED, said)


def past(shelves: Shelves, *, until: date, days: int) -> Iterator[dict[str, Any]]:
    """Yield the messages of the orders of the days before `until`, when everything that was asked for was there."""
    for ago in range(days, 0, -1):
        day = until - timedelta(days=ago)
        yield from map(message, orders(shelves, day, shelves.asked(day.toordinal())))


def _day_of(moment: str) -> date:
    return datetime.fromisoformat(moment).date()


def _word(decision: dict[str, Any], fate: float) -> dict[str, Any]:
    """Return what is said of a decision; fate: from 0 to 1, the lowest of which go wrong."""
    subject, wanted = decision["subject"], int(decision["value"] or 0)
    if wanted == 0 or fate >= OVERRIDDEN + FAILED:
        return {"subject": subject, "status": "applied"}
    if fate < OVERRIDDEN:
        return {"subject": subject, "status": "overridden", "value": str(wanted // 2), "note": "Halved by the buyer"}
    return {"subject": subject, "status": "failed", "note": "The supplier took no order"}
