"""Writing the event log: durable once `write` returns, and never twice however often a message is sent."""

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from queue import Empty, LifoQueue
from typing import TypeVar

import psycopg
from psycopg.conninfo import make_conninfo

from decisions.ingest.counting import COUNT, parameters_of, slot_of
from decisions.ingest.notes import Told
from decisions.ingest.rows import COLUMNS, EventRow, copy_line
from foundation.errors import DomainError

TABLE = "decisions_eventlog"
LONGEST_STATEMENT = 10_000
"""Milliseconds after which Postgres gives a statement up."""
LONGEST_WRITE = 20.0
"""Seconds from the first insert after which a transaction is not committed: the projector waits 30."""
LONGEST_SIMULATED_WRITE = 0.6
"""The same in a simulation, whose projector waits only one."""
LONGEST_QUEUE_SECONDS = 0.5
"""How long a request waits for a connection that another one uses."""
PARTITION_PAUSE_SECONDS = 0.05
FAST_REFUSAL_SECONDS = 1.0
"""For so long after a failed connection attempt nobody tries again, so that waiting threads do not pile up."""

_OPTIONS = (
    f"-c statement_timeout={LONGEST_STATEMENT} -c lock_timeout={LONGEST_STATEMENT} -c synchronous_commit=on "
    "-c idle_in_transaction_session_timeout=15000 -c timezone=UTC -c application_name=tiltyard-edge-events"
)
_STAGE = f"CREATE TEMPORARY TABLE incoming (LIKE {TABLE} INCLUDING DEFAULTS) ON COMMIT DELETE ROWS"
_COPY = f"COPY incoming ({', '.join(COLUMNS)}) FROM STDIN"
# Rows go in in the order of their key, so that two writers of the same messages cannot wait for each other. The time
# of the statement, not of the transaction, is the receipt: what stands between it and the commit is kept short. The
# keys come back only where some row was there before: mostly all are new.
_INSERT = f"""
WITH stored AS (
    INSERT INTO {TABLE} ({", ".join(COLUMNS)}, received_at)
    SELECT {", ".join(COLUMNS)}, statement_timestamp() FROM incoming ORDER BY project_id, day, message_id
    ON CONFLICT (project_id, day, message_id) DO NOTHING
    RETURNING day, message_id
)
SELECT count(*), CASE WHEN count(*) < %s THEN array_agg(day) END, CASE WHEN count(*) < %s THEN array_agg(message_id) END
FROM stored
"""  # noqa: S608 - constants of this module
_ENSURE = f"SELECT tiltyard_ensure_partition('{TABLE}', %s)"

Key = tuple[date, str]
Result = TypeVar("Result")
Connection = psycopg.Connection[tuple[int, list[date] | None, list[str] | None]]


class IngestUnavailable(DomainError):
    """The events cannot be stored now; none of the request's were."""

    code = "INGEST_UNAVAILABLE"
    hint = "Send the same messages again after the seconds of Retry-After; messageId keeps them from counting twice."


@dataclass(slots=True)
class _Place:
    """Room for one connection, held by one request at a time."""

    slot: int
    connection: Connection | None = None

    def drop_if_broken(self) -> None:
        if self.connection is not None and (self.connection.closed or self.connection.broken):
            self.connection = None


class EventWriter:
    """Stores events through a few connections, each used by one request at a time."""

    def __init__(self, url: str, *, connections: int, connect_seconds: int) -> None:
        self._url = url
        self._connect_seconds = connect_seconds
        self._places: LifoQueue[_Place] = LifoQueue()
        for number in range(connections):
            self._places.put(_Place(slot_of(number)))
        self._days: set[date] = set()
        self._refused_until = 0.0

    def write(self, rows: Sequence[EventRow], *, within: float = LONGEST_WRITE, told: Told | None = None) -> set[Key]:
        """Store rows of one project and return the keys of those that were not stored before, all or none.

        `within` is how many seconds may pass from the insert to the commit. What is `told` of the request is counted
        in the same transaction, beside how many rows were new.

        Raises:
            IngestUnavailable: Postgres does not answer, answers too late, or all connections are busy.
            psycopg.DataError: a row is not what validation promises; sending it again would not help.
        """
        if not rows:
            return set()
        place = self._take()

        def store(connection: Connection) -> set[Key]:
            return self._store(connection, rows, within, told, place.slot)

        try:
            try:
                return self._with(place, store)
            except psycopg.errors.CheckViolation:
                # A known partition has been dropped meanwhile, and is made again; or somebody else has just made it and
                # this connection has not been told yet: the server tells after the commit.
                self._days.clear()
                time.sleep(PARTITION_PAUSE_SECONDS)
                return self._with(place, store)
        except psycopg.errors.CheckViolation as error:
            self._days.clear()
            raise IngestUnavailable("A day of the event log is missing.") from error
        except psycopg.DataError:
            raise
        except psycopg.Error as error:
            raise IngestUnavailable(f"Postgres does not store events: {type(error).__name__}.") from error
        finally:
            place.drop_if_broken()
            self._places.put(place)

    def record(self, told: Sequence[Told]) -> None:
        """Count what is told of requests of which nothing was stored, in one transaction.

        Raises:
            IngestUnavailable: Postgres does not answer, or all connections are busy.
        """
        place = self._take()
        try:
            self._with(place, lambda connection: _count(connection, told, place.slot))
        except psycopg.Error as error:
            raise IngestUnavailable(f"Postgres does not count events: {type(error).__name__}.") from error
        finally:
            place.drop_if_broken()
            self._places.put(place)

    def _with(self, place: _Place, work: Callable[[Connection], Result]) -> Result:
        """Do the work on the connection of a place, once more on a new one where the server has closed it."""
        if place.connection is not None:
            try:
                return work(place.connection)
            except psycopg.OperationalError:
                place.drop_if_broken()
                if place.connection is not None:
                    raise
                # The server closed the connection, perhaps while it lay idle: once more on a new one. What the first
                # attempt may have committed is found to be there.
        place.connection = self._connect()
        return work(place.connection)

    def _store(
        self, connection: Connection, rows: Sequence[EventRow], within: float, told: Told | None, slot: int
    ) -> set[Key]:
        self._ensure_partitions(connection, {row.day for row in rows})
        block = "\n".join(map(copy_line, rows)).encode() + b"\n"
        with connection.transaction(), connection.cursor() as cursor:
            with cursor.copy(_COPY) as copy:
                copy.write(block)
            started = time.monotonic()
            stored = _stored(cursor.execute(_INSERT, (len(rows), len(rows))).fetchone(), rows)
            if told is not None:
                cursor.execute(COUNT, parameters_of(told, slot=slot, stored=len(stored), rows=len(rows)))
            if time.monotonic() - started > within:
                raise IngestUnavailable("Storing took too long to be read in order.")
        return stored

    def close(self) -> None:
        """Close the connections that nobody uses."""
        for _ in range(self._places.qsize()):
            place = self._places.get()
            if place.connection is not None:
                place.connection.close()
                place.connection = None
            self._places.put(place)

    def _take(self) -> _Place:
        try:
            return self._places.get(timeout=LONGEST_QUEUE_SECONDS)
        except Empty:
            raise IngestUnavailable("All connections for events are busy.") from None

    def _connect(self) -> Connection:
        if time.monotonic() < self._refused_until:
            raise IngestUnavailable("Postgres did not answer a moment ago.")
        try:
            address = make_conninfo(
                self._url,
                connect_timeout=self._connect_seconds,
                options=_OPTIONS,
                keepalives_idle=2,
                keepalives_interval=1,
                keepalives_count=3,
                tcp_user_timeout=LONGEST_STATEMENT,
            )
            connection: Connection = psycopg.connect(address, autocommit=True)
            connection.execute(_STAGE)
        except psycopg.Error:
            self._refused_until = time.monotonic() + FAST_REFUSAL_SECONDS
            raise
        return connection

    def _ensure_partitions(self, connection: Connection, days: set[date]) -> None:
        """Make the partitions in transactions of their own: making one takes a lock that a long one would hold."""
        for day in sorted(days - self._days):
            # Of two that make the same one at the same time, the slower is told that it is there.
            with suppress(psycopg.errors.DuplicateTable):
                connection.execute(_ENSURE, (day,))
            self._days.add(day)


def _stored(answer: tuple[int, list[date] | None, list[str] | None] | None, rows: Sequence[EventRow]) -> set[Key]:
    """Return the keys of the rows that were new, from what the insert answered: none where all of them were."""
    assert answer is not None
    count, days, ids = answer
    if count == len(rows):
        return {row.key for row in rows}
    return set(zip(days or [], ids or [], strict=True))


def _count(connection: Connection, told: Sequence[Told], slot: int) -> None:
    with connection.transaction(), connection.cursor() as cursor:
        for entry in told:
            cursor.execute(COUNT, parameters_of(entry, slot=slot))
