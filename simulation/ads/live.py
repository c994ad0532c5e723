"""Visitors who come to a page with ad slots: decided for, shown what was decided, and clicking as the truth says."""

import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import numpy as np

from simulation.ads.truth import DEVICES, Creatives
from simulation.edge_client import EdgeClient
from simulation.events import ORDERED, Event, message
from simulation.live import PAUSE_SECONDS, Clock, Traffic
from simulation.profiles import Profile, draw_profile
from simulation.queue import EventQueue
from simulation.storefront import CURRENCY

SHOWN = "Promotion Viewed"
CLICKED = "Promotion Clicked"
ORDER_VALUE = 40.0


@dataclass(slots=True)
class AdRun:
    """What the driver did.

    messages: how many were sent. reasons: of the decisions, by (variant, reason); "" outside the experiment. chances:
    by variant, how many visitors and the sum of their exact chances to click on anything that they were shown. shown,
    clicks: creatives, by variant.
    """

    messages: int = 0
    rejected: int = 0
    reasons: Counter[tuple[str, str]] = field(default_factory=Counter)
    chances: dict[str, tuple[int, float]] = field(default_factory=dict)
    shown: Counter[str] = field(default_factory=Counter)
    clicks: Counter[str] = field(default_factory=Counter)

    def true_share(self, variant: str) -> float | None:
        """Return the mean exact chance to click of those a variant served; None without any."""
        count, total = self.chances.get(variant, (0, 0.0))
        return total / count if count else None


@dataclass(frozen=True, slots=True)
class Slots:
    """Where the page asks: the decision point, how many creatives it shows, and the name of the place."""

    point: str
    size: int = 3
    slot: str = "home"


@dataclass(frozen=True, slots=True)
class _Visitor:
    id: str
    arrives_at: datetime
    profile: Profile
    device: str
    seed: tuple[int, ...]


class AdDriver:
    """Sends visitors to one edge at the pace of the project's clock; `run` tells what came of it."""

    def __init__(self, *, client: EdgeClient, creatives: Creatives, clock: Clock, slots: Slots, seed: int) -> None:
        self.run = AdRun()
        self._client = client
        self._creatives = creatives
        self._clock = clock
        self._slots = slots
        self._seed = seed
        self._waiting = EventQueue()

    def drive(self, traffic: Traffic, tell: Callable[[int, AdRun], None]) -> None:
        """Send all the visitors of the traffic and what they do; `tell` once for each simulated day."""
        told = -1
        for visitor in self._visitors(traffic):
            while (now := self._clock.now()) < visitor.arrives_at:
                self._flush(now)
                time.sleep(PAUSE_SECONDS)
            self._visit(visitor)
            day = (visitor.arrives_at - traffic.start).days
            if day > told:
                told = day
                tell(day, self.run)
        while self._waiting:
            self._flush(self._clock.now())
            time.sleep(PAUSE_SECONDS)

    def _visitors(self, traffic: Traffic) -> Iterator[_Visitor]:
        mark = round(traffic.start.timestamp())
        for day in range(traffic.days):
            hours = np.sort(np.random.default_rng([self._seed, 302, mark, day]).uniform(0.0, 24.0, traffic.per_day))
            for place, hour in enumerate(hours.tolist()):
                seed = (self._seed, 303, mark, day, place)
                yield _Visitor(
                    id=f"a-{self._seed}-{mark}-{day}-{place}",
                    arrives_at=traffic.start + timedelta(days=day, hours=hour),
                    profile=draw_profile(np.random.default_rng([*seed, 1])),
                    device=str(np.random.default_rng([*seed, 3]).choice(list(DEVICES), p=list(DEVICES.values()))),
                    seed=seed,
                )

    def _visit(self, visitor: _Visitor) -> None:
        """Ask what to show, show it at once, and let the visitor click."""
        answer = self._client.decide(
            self._slots.point,
            visitor.id,
            attributes=dict(visitor.profile.attributes),
            context={"slot": self._slots.slot, "device": visitor.device},
            size=self._slots.size,
            expose=True,
        )
        shown = [action["item"] for action in answer["actions"]]
        assigned = answer["assignment"]
        variant = assigned["variant"] if assigned is not None and assigned["enrolled"] else ""
        self.run.reasons[variant, answer["reason"]] += 1
        self.run.shown[variant] += len(shown)
        if not visitor.profile.robot:
            count, total = self.run.chances.get(variant, (0, 0.0))
            self.run.chances[variant] = (count + 1, total + self._creatives.any_click(shown, visitor.device))
        # What follows a decision must not lie before it, however far a simulated clock runs during a request.
        self._waiting.extend(self._events(replace(visitor, arrives_at=self._clock.now()), shown, variant))

    def _events(self, visitor: _Visitor, shown: list[str], variant: str) -> Iterator[Event]:
        generator = np.random.default_rng([*visitor.seed, 2])
        chances = self._creatives.click_chances(shown, visitor.device) * (not visitor.profile.robot)
        clicked = generator.uniform(size=len(shown)) < chances
        buys = bool(clicked.any()) and generator.uniform() < self._creatives.truth.order
        for position, creative in enumerate(shown):
            about: dict[str, Any] = {"promotion_id": creative, "position": position + 1}
            at = visitor.arrives_at + timedelta(seconds=1 + position)
            yield Event(visitor.id, at, SHOWN, about, mark=str(position))
            if clicked[position]:
                self.run.clicks[variant] += 1
                yield Event(visitor.id, at + timedelta(seconds=20), CLICKED, about, mark=str(position))
        if buys:
            order = {"order_id": f"o-{visitor.id}", "revenue": ORDER_VALUE, "currency": CURRENCY}
            lines = [{"product_id": "p-0000", "price": ORDER_VALUE, "quantity": 1}]
            yield Event(visitor.id, visitor.arrives_at + timedelta(minutes=12), ORDERED, {**order, "products": lines})

    def _flush(self, now: datetime) -> None:
        while batch := self._waiting.due(now):
            answer = self._client.send([message(event) for event in batch])
            self.run.rejected += sum(result["status"] == "rejected" for result in answer["results"])
            self.run.messages += len(batch)
