"""Events on their way to the server: a bounded queue that a thread empties, and that never makes the shop wait.

A message keeps its id however often it is sent, so that a retry counts once. What the server has not taken when the
process ends, or when the queue is full, is lost and counted.
"""

import logging
import random
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

import msgspec

from tiltyard_client.connection import Connection, Reply, Unreachable
from tiltyard_client.settings import Settings

PATH = "/v1/batch"
LARGEST_MESSAGE = 32_768
LARGEST_BATCH = 900_000
"""Bytes before compression."""
SHORTEST_BACKOFF = 0.25
LONGEST_BACKOFF = 30.0
REFUSED_FOR_GOOD = frozenset({400, 403, 404, 405, 413, 415, 422})

_encode = msgspec.json.Encoder().encode
logger = logging.getLogger("tiltyard_client")


@dataclass(slots=True)
class EventCounts:
    """What became of the events of a process: every one is in exactly one of these, or waits."""

    stored: int = 0
    """Committed by the server, now or at an earlier try."""
    rejected: int = 0
    """The server took the batch and refused the message, or refused the batch for good."""
    dropped: int = 0
    """Never sent: the queue was full, or the message had no form in which it could travel."""


class EventQueue:
    """Sends messages in the background."""

    def __init__(self, settings: Settings, connection: Connection, now: Callable[[], datetime]) -> None:
        self.counts = EventCounts()
        self.error: str | None = None
        self._settings = settings
        self._connection = connection
        self._now = now
        self._thread: threading.Thread | None = None
        self.restart()

    def restart(self) -> None:
        """Begin with an empty queue and a new thread: after a fork the parent sends what was waiting."""
        self._messages: deque[bytes] = deque()
        self._changed = threading.Condition()
        self._in_flight = 0
        self._hurried_until = 0.0
        self._is_closing = False
        self._thread = threading.Thread(target=self._work, name="tiltyard-events", daemon=True)
        self._thread.start()

    @property
    def waiting(self) -> int:
        """How many messages the server has not taken yet."""
        return len(self._messages) + self._in_flight

    def add(self, message: Mapping[str, object]) -> bool:
        """Put a message into the queue; return whether there was room for it and it can travel as JSON."""
        try:
            raw = _encode(message)
        except (TypeError, ValueError, UnicodeEncodeError, RecursionError, OverflowError):
            raw = b""
        with self._changed:
            if not 0 < len(raw) <= LARGEST_MESSAGE or self.waiting >= self._settings.queue_limit or self._is_closing:
                self.counts.dropped += 1
                return False
            self._messages.append(raw)
            if len(self._messages) in (1, self._settings.batch_size):
                self._changed.notify_all()
        return True

    def flush(self, seconds: float) -> bool:
        """Send what waits without waiting for more; return whether the server took it all within the seconds."""
        until = time.monotonic() + seconds
        with self._changed:
            self._hurried_until = until
            self._changed.notify_all()
            return self._changed.wait_for(lambda: self.waiting == 0, timeout=seconds)

    def close(self, seconds: float) -> bool:
        """Flush, and take no more messages; return whether the server took them all."""
        is_empty = self.flush(seconds)
        with self._changed:
            self._is_closing = True
            self._changed.notify_all()
        return is_empty

    def _work(self) -> None:
        failures = 0
        while True:
            batch = self._next_batch()
            if batch is None:
                return
            try:
                pause = self._send(batch)
            except Exception:
                # The thread must live as long as the process; the batch goes back and is tried again.
                logger.exception("events could not be sent")
                pause = LONGEST_BACKOFF
            with self._changed:
                if pause is not None:
                    self._messages.extendleft(reversed(batch))
                self._in_flight = 0
                self._changed.notify_all()
            failures = failures + 1 if pause is not None else 0
            if pause is not None:
                self._rest(pause or min(LONGEST_BACKOFF, SHORTEST_BACKOFF * 2 ** min(failures, 10)))

    def _next_batch(self) -> list[bytes] | None:
        """Wait for messages and return some; None where the queue is closed and empty, or closed and given up."""
        with self._changed:
            self._changed.wait_for(lambda: self._messages or self._is_closing)
            if self._is_closing:
                return None
            self._changed.wait_for(self._is_due, timeout=self._settings.flush_seconds)
            batch: list[bytes] = []
            size = 0
            while self._messages and len(batch) < self._settings.batch_size:
                size += len(self._messages[0])
                if batch and size > LARGEST_BATCH:
                    break
                batch.append(self._messages.popleft())
            self._in_flight = len(batch)
            return batch

    def _is_due(self) -> bool:
        return len(self._messages) >= self._settings.batch_size or self._is_hurried()

    def _is_hurried(self) -> bool:
        return self._is_closing or time.monotonic() < self._hurried_until

    def _send(self, batch: list[bytes]) -> float | None:
        """Send a batch; return None where it is done with, else after how many seconds to try again, 0 for a guess."""
        sent_at = self._now().isoformat()
        body = b'{"batch":[' + b",".join(batch) + b'],"sentAt":"' + sent_at.encode() + b'"}'
        try:
            reply = self._connection.post(PATH, body)
        except Unreachable as error:
            self.error = f"the server does not answer: {error}"
            return 0.0
        if reply.status in (200, 202):
            rejected = _rejected(reply)
            self.counts.rejected += rejected
            self.counts.stored += len(batch) - rejected
            self.error = None
            return None
        self.error = f"the server answers {reply.status}"
        if reply.status in REFUSED_FOR_GOOD:
            logger.error("%d events refused: %s", len(batch), reply.body[:300].decode("utf-8", "replace"))
            self.counts.rejected += len(batch)
            return None
        return reply.retry_after or 0.0

    def _rest(self, seconds: float) -> None:
        """Wait before the next try: as long as agreed, or only for a moment while somebody waits for a flush."""
        with self._changed:
            self._changed.wait_for(lambda: self._is_closing, timeout=SHORTEST_BACKOFF)
            rest = seconds * random.uniform(0.8, 1.2) - SHORTEST_BACKOFF  # noqa: S311 - spreads clients, guards nothing
            self._changed.wait_for(self._is_hurried, timeout=max(0.0, rest))


def _rejected(reply: Reply) -> int:
    try:
        return int(msgspec.json.decode(reply.body)["rejected"])
    except (msgspec.MsgspecError, KeyError, TypeError, ValueError):
        return 0
