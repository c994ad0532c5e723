"""The decision log: every decision becomes a row of the event log, without a request ever waiting for it.

Rows go into a bounded queue; a thread writes them in batches. What Postgres does not take, or the queue has no room
for, goes to the spool on disk and from there to Postgres later. What even the spool has no room for is dropped and
counted.
"""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import groupby
from operator import attrgetter

import psycopg

from decisions.ingest.notes import Told
from decisions.ingest.rows import EventRow
from decisions.ingest.spool import Spool, is_taken, read_segment
from decisions.ingest.writer import EventWriter, IngestUnavailable
from decisions.vocabulary import DECISION_KIND

FLUSH_SECONDS = 0.05
REST_SECONDS = 1.0
"""For so long after Postgres refused, rows go to the spool without asking it."""
TAKE_OVER_SECONDS = 30.0
MOST_QUEUED = 8_192
BATCH = 500
END_SECONDS = 5.0

logger = logging.getLogger(__name__)
_project = attrgetter("project_id")


@dataclass(slots=True)
class Counts:
    """What became of rows: received = written + dropped + queued + what waits in the spool.

    `spooled` is how many went to the spool on their way, `damaged` segments that ended in something that is no row.
    Rows taken over from another process count as received once they are read.
    """

    received: int = 0
    written: int = 0
    spooled: int = 0
    dropped: int = 0
    damaged: int = 0


@dataclass(slots=True)
class _Stored:
    """What became of rows that Postgres was asked to take."""

    written: int = 0
    dropped: int = 0
    left: list[EventRow] = field(default_factory=list)


class DecisionLog:
    """The rows of one process on their way to Postgres. `within` says for a project how long a write may take."""

    def __init__(self, writer: EventWriter | None, spool: Spool, *, within: Callable[[int], float]) -> None:
        self.counts = Counts()
        self._writer = writer
        self._spool = spool
        self._within = within
        self._queue: deque[EventRow] = deque()
        self._stopping = threading.Event()
        self._starting = threading.Lock()
        self._counting = threading.Lock()
        self._thread: threading.Thread | None = None
        self._rests_until = 0.0
        self._looked_at: float | None = None

    @property
    def queued(self) -> int:
        """How many rows wait in memory."""
        return len(self._queue)

    @property
    def spool_bytes(self) -> int:
        """How many bytes wait on disk."""
        return self._spool.size

    def start(self) -> None:
        """Begin to write in the background, what an earlier process left behind too."""
        with self._starting:
            if self._thread is None and not self._stopping.is_set():
                self._thread = threading.Thread(target=self._run, name="decision-log", daemon=True)
                self._thread.start()

    def add(self, row: EventRow) -> None:
        """Take a row. Never raises and never waits for Postgres."""
        self._count(received=1)
        if len(self._queue) >= MOST_QUEUED or self._stopping.is_set():
            self._keep([row])
            return
        self._queue.append(row)
        if self._thread is None:
            self.start()

    def close(self) -> None:
        """Write what is queued, or keep it on disk, and end."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join(END_SECONDS)
        self._flush()
        self._spool.sync()
        self._spool.close()
        if self._writer is not None:
            self._writer.close()

    def _run(self) -> None:
        while not self._stopping.wait(FLUSH_SECONDS):
            try:
                self._flush()
                self._take_over()
                self._replay()
            except Exception:
                # The thread must outlive whatever one round met: without it every decision would go unlogged.
                logger.exception("the decision log failed")
                self._rests_until = time.monotonic() + REST_SECONDS
            self._spool.sync()

    def _flush(self) -> None:
        """Empty the queue as it stands now."""
        waiting = len(self._queue)
        while waiting > 0:
            batch = self._next(min(BATCH, waiting))
            waiting -= BATCH
            stored = _Stored(left=batch)
            try:
                stored = self._store(batch)
            finally:
                self._count(written=stored.written, dropped=stored.dropped)
                self._keep(stored.left)

    def _next(self, most: int) -> list[EventRow]:
        rows: list[EventRow] = []
        with suppress(IndexError):
            while len(rows) < most:
                rows.append(self._queue.popleft())
        return rows

    def _store(self, rows: Sequence[EventRow]) -> _Stored:
        """Ask Postgres to take rows; what it does not take now is left, what it never will is dropped."""
        stored = _Stored()
        for project_id, group in groupby(sorted(rows, key=_project), key=_project):
            batch = list(group)
            if self._writer is None or time.monotonic() < self._rests_until:
                stored.left += batch
                continue
            try:
                written = _write(batch, self._writer, self._within(project_id))
            except IngestUnavailable as error:
                logger.warning("decisions wait on disk: %s", error.message)
                self._rests_until = time.monotonic() + REST_SECONDS
                stored.left += batch
            else:
                stored.written += written
                stored.dropped += len(batch) - written
        return stored

    def _keep(self, rows: Sequence[EventRow]) -> None:
        if rows:
            kept = self._spool.append(rows)
            self._count(spooled=kept, dropped=len(rows) - kept)

    def _take_over(self) -> None:
        now = time.monotonic()
        if self._looked_at is None or now - self._looked_at > TAKE_OVER_SECONDS:
            self._looked_at = now
            self._spool.take_over()

    def _replay(self) -> None:
        """Write one spooled segment; it stays where Postgres rests or does not take all of it."""
        segment = self._spool.oldest() if self._writer and time.monotonic() >= self._rests_until else None
        if segment is None:
            return
        rows, is_damaged = read_segment(segment)
        total = _Stored()
        for start in range(0, len(rows), BATCH):
            stored = self._store(rows[start : start + BATCH])
            if stored.left:
                return
            total.written += stored.written
            total.dropped += stored.dropped
        self._spool.remove(segment)
        received = len(rows) if is_taken(segment) else 0
        self._count(received=received, written=total.written, dropped=total.dropped, damaged=int(is_damaged))

    def _count(self, **more: int) -> None:
        with self._counting:
            for name, count in more.items():
                setattr(self.counts, name, getattr(self.counts, name) + count)


def _write(rows: Sequence[EventRow], writer: EventWriter, within: float) -> int:
    """Write rows of one project, one by one where Postgres takes offence at one; return how many it took.

    Raises:
        IngestUnavailable: Postgres does not take them now.
    """
    try:
        writer.write(rows, within=within, told=Told(rows[0].project_id, DECISION_KIND))
    except psycopg.DataError:
        if len(rows) > 1:
            return sum(_write([row], writer, within) for row in rows)
        logger.exception("a decision cannot be stored: %s", rows[0].message_id)
        return 0
    return len(rows)
