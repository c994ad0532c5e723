"""Counting what arrives, in the database: with the messages in one transaction, or a little later where none is stored.

Every row is one of a bounded number (project, day, what, why, kind of key, slot), so that nobody can fill the disk by
sending nonsense.
"""

import logging
import os
import threading
from collections.abc import Sequence
from typing import Any, Protocol

from decisions.ingest.notes import NoteKey, Told
from decisions.vocabulary import IntakeKind
from foundation.errors import DomainError

SLOTS = 16
FLUSH_SECONDS = 2.0
LONGEST_REST_SECONDS = 30.0

COUNT = """
INSERT INTO decisions_intakecount AS known
    (project_id, day, kind, reason, key_kind, slot, count, example, first_at, last_at)
SELECT %(project)s, (statement_timestamp() AT TIME ZONE 'UTC')::date, noted.kind, noted.reason, %(key_kind)s, %(slot)s,
    noted.count, noted.example::jsonb, statement_timestamp(), statement_timestamp()
FROM unnest(%(kinds)s::text[], %(reasons)s::text[], %(counts)s::bigint[], %(examples)s::text[])
    AS noted(kind, reason, count, example)
ORDER BY noted.kind, noted.reason
ON CONFLICT (project_id, day, kind, reason, key_kind, slot) DO UPDATE
SET count = known.count + EXCLUDED.count, last_at = EXCLUDED.last_at,
    example = coalesce(known.example, EXCLUDED.example)
"""

logger = logging.getLogger(__name__)


def slot_of(place: int) -> int:
    """Return the slot in which one of this process' connections counts."""
    return (os.getpid() * 7 + place) % SLOTS


def parameters_of(told: Told, *, slot: int, stored: int | None = None, rows: int = 0) -> dict[str, Any]:
    """Return the parameters of COUNT; `stored` of `rows` messages were not in the log before."""
    counts = dict(told.counts)
    if stored is not None:
        counts[IntakeKind.RECEIVED, ""] = counts.get((IntakeKind.RECEIVED, ""), 0) + rows
        counts[IntakeKind.ACCEPTED, ""] = stored
        counts[IntakeKind.DUPLICATE, ""] = rows - stored
    noted = [(kind, reason, count) for (kind, reason), count in counts.items() if count]
    return {
        "project": told.project_id,
        "key_kind": told.key_kind,
        "slot": slot,
        "kinds": [kind.value for kind, _, _ in noted],
        "reasons": [reason for _, reason, _ in noted],
        "counts": [count for _, _, count in noted],
        "examples": [told.examples.get((kind, reason)) for kind, reason, _ in noted],
    }


class Recorder(Protocol):
    """Writes counts to the database."""

    def record(self, told: Sequence[Told]) -> None:
        """Count in one transaction. Raises a DomainError where that cannot be done now."""


class PendingCounts:
    """Counts of requests of which nothing was stored, written every few seconds by a thread of its own.

    Such requests cost no transaction each. What Postgres does not take now is kept, and added up, until it does.
    """

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self._waiting: dict[tuple[int, str], Told] = {}
        self._mutex = threading.Lock()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def add(self, told: Told) -> None:
        """Take counts; never waits for Postgres."""
        with self._mutex:
            self._keep(told)
            if self._thread is None and not self._stopping.is_set():
                self._thread = threading.Thread(target=self._run, name="intake-counts", daemon=True)
                self._thread.start()

    def flush(self) -> bool:
        """Write what waits; return whether nothing is left."""
        with self._mutex:
            told, self._waiting = list(self._waiting.values()), {}
        if not told:
            return True
        try:
            self._recorder.record(told)
        except DomainError as error:
            logger.warning("counts of messages wait: %s", error.message)
            with self._mutex:
                for entry in told:
                    self._keep(entry)
            return False
        return True

    def close(self) -> None:
        """End the thread and write what waits."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join()
        self.flush()

    def _run(self) -> None:
        rest = FLUSH_SECONDS
        while not self._stopping.wait(rest):
            rest = FLUSH_SECONDS if self.flush() else min(rest * 2, LONGEST_REST_SECONDS)

    def _keep(self, told: Told) -> None:
        place = (told.project_id, told.key_kind)
        known = self._waiting.get(place)
        if known is None:
            self._waiting[place] = told
            return
        counts: dict[NoteKey, int] = dict(known.counts)
        for key, count in told.counts.items():
            counts[key] = counts.get(key, 0) + count
        self._waiting[place] = Told(*place, counts, {**told.examples, **known.examples})
