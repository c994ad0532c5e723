"""Events of a live run that wait until they are past on the project's clock."""

import heapq
from collections.abc import Iterable
from datetime import datetime

from simulation.events import Event

BATCH = 500
"""Most events in one message batch."""


class EventQueue:
    """Events by their time; of equal times, the one that was pushed first comes first."""

    def __init__(self) -> None:
        self._heap: list[tuple[datetime, int, Event]] = []
        self._count = 0

    def __bool__(self) -> bool:
        return bool(self._heap)

    def push(self, event: Event) -> None:
        """Let an event wait."""
        self._count += 1
        heapq.heappush(self._heap, (event.at, self._count, event))

    def extend(self, events: Iterable[Event]) -> None:
        """Let events wait."""
        for event in events:
            self.push(event)

    def due(self, now: datetime) -> list[Event]:
        """Return the events that are past, and take them out; at most BATCH."""
        found: list[Event] = []
        while self._heap and self._heap[0][0] <= now and len(found) < BATCH:
            found.append(heapq.heappop(self._heap)[2])
        return found
