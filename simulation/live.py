"""A live experiment: visitors come as the project's clock runs, are assigned, exposed and do what they would do."""

import heapq
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from simulation.edge_client import EdgeClient
from simulation.truth import Truth
from simulation.visitors import Event, Visitor, arrivals, behaviour, history

BATCH = 500
PAUSE_SECONDS = 0.02


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
    """What the driver did: every message it sent, and how many visitors met each variant."""

    messages: list[dict[str, Any]] = field(default_factory=list)
    variants: dict[str, int] = field(default_factory=dict)
    rejected: int = 0


@dataclass(frozen=True, slots=True)
class Traffic:
    """Who comes: `per_day` new visitors a day for `days` days from `start`."""

    start: datetime
    days: int
    per_day: int
    seed: int


def drive(
    *,
    client: EdgeClient,
    experiment: str,
    clock: Clock,
    traffic: Traffic,
    truth: Truth,
    tell: Callable[[int, Run], None],
) -> Run:
    """Send all the traffic at the pace of the clock, `tell` once for each simulated day, and return what was done.

    History is sent as it happened, before anybody is assigned; an exposure gives the decision token back; message
    ids are derived from the seed, so that a second run with the same seed repeats them.
    """
    run, waiting = Run(), _Queue()
    everybody = [
        visitor
        for day in range(traffic.days)
        for visitor in arrivals(day=day, start=traffic.start, per_day=traffic.per_day, truth=truth, seed=traffic.seed)
    ]
    for visitor in everybody:
        waiting.extend(history(visitor, truth))
    coming: Iterator[Visitor] = iter(everybody)
    following = next(coming, None)
    told = -1
    while following is not None or waiting:
        now = clock.now()
        while following is not None and following.arrives_at <= now:
            variant, exposure = _visit(client, experiment, following)
            if exposure is not None:
                run.variants[variant] = run.variants.get(variant, 0) + 1
                waiting.push(exposure)
            waiting.extend(behaviour(following, variant, truth))
            following = next(coming, None)
        _flush(client, run, waiting, now)
        day = (now - traffic.start).days
        if day > told:
            told = day
            tell(day, run)
        time.sleep(PAUSE_SECONDS)
    return run


def replay(*, client: EdgeClient, run: Run) -> int:
    """Send every message of a run again and return how many the edge took for new; 0 is right."""
    new = 0
    for start in range(0, len(run.messages), BATCH):
        answer = client.send(run.messages[start : start + BATCH])
        new += sum(result["status"] == "accepted" for result in answer["results"])
    return new


class _Queue:
    """Events by their time."""

    def __init__(self) -> None:
        self._heap: list[tuple[datetime, int, Event]] = []
        self._count = 0

    def __bool__(self) -> bool:
        return bool(self._heap)

    def push(self, event: Event) -> None:
        self._count += 1
        heapq.heappush(self._heap, (event.at, self._count, event))

    def extend(self, events: Iterator[Event]) -> None:
        for event in events:
            self.push(event)

    def due(self, now: datetime) -> list[Event]:
        found: list[Event] = []
        while self._heap and self._heap[0][0] <= now and len(found) < BATCH:
            found.append(heapq.heappop(self._heap)[2])
        return found


def _visit(client: EdgeClient, experiment: str, visitor: Visitor) -> tuple[str, Event | None]:
    answer = client.assign(visitor.id)
    found = next((entry for entry in answer["assignments"] if entry["experiment"] == experiment), None)
    if found is None or not found["enrolled"]:
        return "control", None
    properties = {"decision_token": answer["decision_token"], "experiment": experiment}
    return found["variant"], Event(visitor.id, visitor.arrives_at, "Experiment Viewed", properties)


def _flush(client: EdgeClient, run: Run, waiting: _Queue, now: datetime) -> None:
    while batch := waiting.due(now):
        messages = [_message(event) for event in batch]
        answer = client.send(messages)
        run.rejected += sum(result["status"] == "rejected" for result in answer["results"])
        run.messages.extend(messages)


def _message(event: Event) -> dict[str, Any]:
    name = f"{event.visitor}/{event.name}/{event.at.isoformat()}"
    return {
        "type": "track",
        "messageId": str(uuid.uuid5(uuid.NAMESPACE_URL, name)),
        "anonymousId": event.visitor,
        "timestamp": _iso(event.at),
        "event": event.name,
        "properties": event.properties,
    }


def _iso(at: datetime) -> str:
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")
