"""Live experiments: visitors come as the project's clock runs, are decided for, exposed, and do what they would do."""

import time
from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from simulation.catalogue import Integers
from simulation.designs import CONTROL, SLATE_SIZE
from simulation.edge_client import EdgeClient
from simulation.events import EXPOSED, Event, message
from simulation.past import MEMORY_DAYS
from simulation.queue import BATCH, EventQueue
from simulation.storefront import Shop
from simulation.visitors import Met, Visitor, arrivals, behaviour, conversion, history

PAUSE_SECONDS = 0.02
AHEAD_DAYS = MEMORY_DAYS + 1.0
"""How long before a day its visitors are drawn, so that their history can be sent as it happens."""
LEAD = timedelta(days=1)
"""What a caller leaves between now and the start of the traffic, to draw the first days and send their history."""


MOST_BEHIND = timedelta(days=3)
"""Later than this after its time, traffic is no longer worth sending: events that are a week old do not count."""


class TrafficBehind(Exception):
    """The machine does not keep up with the project's clock."""


@dataclass(frozen=True, slots=True)
class Clock:
    """The project's clock: simulated time runs `speed` times as fast as the wall from `origin` at `started_at`."""

    origin: datetime
    started_at: datetime
    speed: float

    def now(self) -> datetime:
        return self.origin + (datetime.now(UTC) - self.started_at) * self.speed


@dataclass(slots=True)
class Run:
    """What the driver did.

    messages: every one that was sent. exposed: visitors by (experiment, variant). reasons: of the decisions made, by
    (variant, reason). chances: by variant of the decided experiment, the shoppers and the sum of their exact chances
    to order, given the slates they were shown; robots are none.
    """

    messages: list[dict[str, Any]] = field(default_factory=list)
    exposed: Counter[tuple[str, str]] = field(default_factory=Counter)
    reasons: Counter[tuple[str, str]] = field(default_factory=Counter)
    chances: dict[str, tuple[int, float]] = field(default_factory=dict)
    rejected: int = 0

    def exposures(self, experiment: str) -> int:
        """Return how many visitors were exposed to an experiment."""
        return sum(count for (key, _), count in self.exposed.items() if key == experiment)

    def true_conversion(self, variant: str) -> float | None:
        """Return the mean exact chance to order of shoppers who were given a variant's slates; None without any."""
        count, total = self.chances.get(variant, (0, 0.0))
        return total / count if count else None


@dataclass(frozen=True, slots=True)
class Traffic:
    """Who comes: `per_day` new visitors a day for `days` days from `start`."""

    start: datetime
    days: int
    per_day: int


@dataclass(frozen=True, slots=True)
class Placement:
    """Where the storefront asks: the plain experiments, and the decision point with the experiment behind it.

    Without a decision point the storefront shows its own bestsellers.
    """

    plain: tuple[str, ...]
    point: str | None = None
    decided: str | None = None


class Driver:
    """Sends a shop's traffic to one edge, at the pace of the project's clock."""

    def __init__(self, *, client: EdgeClient, shop: Shop, clock: Clock, placement: Placement) -> None:
        self.run = Run()
        self._client = client
        self._shop = shop
        self._clock = clock
        self._placement = placement
        self._waiting = EventQueue()

    def send_past(self, events: Sequence[Event], tell: Callable[[int], None]) -> None:
        """Send what happened before, each event once it is past on the project's clock; `tell` how many are sent."""
        self._waiting.extend(events)
        before = len(self.run.messages)
        while self._waiting:
            self._flush()
            tell(len(self.run.messages) - before)
            time.sleep(PAUSE_SECONDS)

    def drive(self, traffic: Traffic, tell: Callable[[int, Run], None]) -> None:
        """Send all the traffic, and `tell` once for each simulated day.

        History is sent as it happened, before anybody is assigned; an exposure gives the decision token back; message
        ids are derived from the seed, so that a second run with the same seed and slates repeats them. Raises
        TrafficBehind.
        """
        coming: deque[Visitor] = deque()
        prepared, told = 0, -1
        while prepared < traffic.days or coming or self._waiting:
            now = self._clock.now()
            while prepared < traffic.days and now >= traffic.start + timedelta(days=prepared - AHEAD_DAYS):
                coming.extend(self._prepare(prepared, traffic))
                prepared += 1
            while coming and coming[0].arrives_at <= now:
                if self._clock.now() - coming[0].arrives_at > MOST_BEHIND:
                    raise TrafficBehind(f"The traffic is more than {MOST_BEHIND.days} days behind the clock.")
                self._visit(coming.popleft())
            self._flush()
            day = (now - traffic.start).days
            if day > told:
                told = day
                tell(day, self.run)
            time.sleep(PAUSE_SECONDS)

    def _prepare(self, day: int, traffic: Traffic) -> list[Visitor]:
        """Return the visitors of a day, whose history waits to be sent from now on."""
        found = arrivals(self._shop, day=day, start=traffic.start, per_day=traffic.per_day)
        for visitor in found:
            self._waiting.extend(history(self._shop, visitor))
        return found

    def _visit(self, visitor: Visitor) -> None:
        """Ask for everything that the page needs, show it, report the exposures, and let the visitor act."""
        slate, checkout, order_value, views = self._decide(visitor), 1.0, 1.0, 1.0
        answer = self._client.assign(visitor.id, self._placement.plain, visitor.profile.attributes)
        fault = visitor.generator(3)
        for entry in answer["assignments"]:
            lost = fault.uniform() < self._shop.truth.effect(entry["experiment"]).lost_exposures
            if entry["enrolled"] and not (lost and entry["variant"] != CONTROL):
                self._expose(visitor, entry["experiment"], entry["variant"], answer["decision_token"])
            if entry["variant"] != CONTROL:
                effect = self._shop.truth.effect(entry["experiment"])
                checkout *= effect.checkout
                order_value *= effect.order_value
                views *= effect.views
        self._waiting.extend(behaviour(self._shop, visitor, Met(slate, checkout, order_value, views)))

    def _decide(self, visitor: Visitor) -> Integers:
        """Return the slate that the decision point gives, or what the shop shows by itself."""
        own = self._shop.bestsellers(SLATE_SIZE)
        if self._placement.point is None:
            return own
        answer = self._client.decide(self._placement.point, visitor.id, attributes=dict(visitor.profile.attributes))
        items = [action["item"] for action in answer["actions"]]
        slate = self._shop.places(items, SLATE_SIZE) if items else own
        assigned = answer["assignment"]
        if assigned is not None and assigned["enrolled"] and assigned["experiment"] == self._placement.decided:
            variant = assigned["variant"]
            self._expose(visitor, assigned["experiment"], variant, answer["decision_token"])
            if not visitor.profile.robot:
                count, total = self.run.chances.get(variant, (0, 0.0))
                self.run.chances[variant] = (count + 1, total + conversion(self._shop, visitor, slate))
            self.run.reasons[variant, answer["reason"]] += 1
        return slate

    def _expose(self, visitor: Visitor, experiment: str, variant: str, token: str) -> None:
        self.run.exposed[experiment, variant] += 1
        known = dict(visitor.profile.attributes)
        properties = {"experiment": experiment, "decision_token": token, "attributes": known}
        self._waiting.push(Event(visitor.id, visitor.arrives_at, EXPOSED, properties, mark=experiment))

    def _flush(self) -> None:
        now = self._clock.now()
        while batch := self._waiting.due(now):
            messages = [message(event) for event in batch]
            answer = self._client.send(messages)
            self.run.rejected += sum(result["status"] == "rejected" for result in answer["results"])
            self.run.messages.extend(messages)


def replay(*, client: EdgeClient, messages: Sequence[dict[str, Any]]) -> int:
    """Send messages again and return how many the edge took for new; 0 is right."""
    new = 0
    for start in range(0, len(messages), BATCH):
        answer = client.send(list(messages[start : start + BATCH]))
        new += sum(result["status"] == "accepted" for result in answer["results"])
    return new
