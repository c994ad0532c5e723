"""The rows of a batch, copied into their tables in the transaction of the caller."""

import time
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

from django.db import connection, transaction

from decisions.actions.batch_deciding import DecidedRow
from decisions.ingest.rows import COLUMNS
from decisions.ingest.writer import LONGEST_SIMULATED_WRITE, LONGEST_WRITE, TABLE
from decisions.vocabulary import AppliedState
from foundation.errors import DomainError

ROWS_A_SECOND: Final = 10_000
"""Decisions that are surely written in a second."""

_LINES: Final = """
COPY decisions_batchdecision (batch_id, subject, decision_id, value, before, reason, experiment_id, variant, cell,
    is_enrolled, state, note) FROM STDIN
"""
_STAGE: Final = f"""
DROP TABLE IF EXISTS pg_temp.batch_events;
CREATE TEMPORARY TABLE batch_events (LIKE {TABLE} INCLUDING DEFAULTS) ON COMMIT DROP
"""
_COPY: Final = f"COPY batch_events ({', '.join(COLUMNS)}) FROM STDIN"
# Received a little after the statement begins, as long as it may take: the projector, which waits for a while after a
# receipt, has then certainly seen the commit.
_INSERT: Final = f"""
INSERT INTO {TABLE} ({", ".join(COLUMNS)}, received_at)
SELECT {", ".join(COLUMNS)}, statement_timestamp() + make_interval(secs => %s) FROM batch_events
ORDER BY project_id, day, message_id
ON CONFLICT (project_id, day, message_id) DO NOTHING
"""  # noqa: S608 - constants of this module


class BatchTooSlow(DomainError):
    """The decisions took longer to store than the projector waits, so none of them was."""

    code = "BATCH_TOO_SLOW"
    hint = "It is tried again; if it stays so, the database has too much to do."


def writing_time(count: int) -> timedelta:
    """Return the wall time in which so many decisions are surely written."""
    return timedelta(seconds=count / ROWS_A_SECOND)


def ensure_day(at: datetime) -> None:
    """Make the day of the event log that a batch is written to, in a transaction of its own: it takes a hard lock."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT tiltyard_ensure_partition(%s, %s)", [TABLE, at.date()])


def copy_decisions(batch_id: int, rows: Iterable[DecidedRow]) -> None:
    """Copy the decisions of a batch; what refers to other tables is checked before this returns."""
    with connection.cursor() as cursor:
        with cursor.copy(_LINES) as copy:
            for row in rows:
                copy.write_row((batch_id, *row, AppliedState.PENDING.value, ""))
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")


def stage_events(lines: Iterable[str]) -> None:
    """Copy rows of the event log (see `decisions.ingest.rows.copy_line`) to where `store_events` takes them from."""
    with connection.cursor() as cursor:
        cursor.execute(_STAGE)
        with cursor.copy(_COPY) as copy:
            for line in lines:
                copy.write(f"{line}\n")


def store_events(count: int, *, is_simulated: bool) -> None:
    """Store the staged rows of the event log; the transaction has to end right after. Raises BatchTooSlow."""
    ahead = writing_time(count).total_seconds()
    within = LONGEST_SIMULATED_WRITE if is_simulated else LONGEST_WRITE
    started = time.monotonic()
    with connection.cursor() as cursor:
        cursor.execute(_INSERT, [ahead])
    if time.monotonic() - started > ahead + within:
        raise BatchTooSlow(f"{count} decisions were not stored in {ahead + within:.1f} seconds.")
