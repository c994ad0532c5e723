"""Tables by day: which days there are, making days ahead, and dropping days so that nobody who writes waits.

A day is detached concurrently, which lets reads and writes of all other days go on, and dropped once it belongs to
nothing any more. Every lock is given up after a tenth of a second and tried again later.
"""

import logging
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from django.db import OperationalError, connection

from foundation.errors import DomainError

LOCK_MILLISECONDS = 100
ATTEMPTS = 50
PAUSE_SECONDS = 0.2

_CHILD_DAY = re.compile(r"_y(\d{4})m(\d{2})d(\d{2})$")
_LIST = """
SELECT child.relname, inhdetachpending, pg_total_relation_size(child.oid), greatest(child.reltuples, 0)::bigint
FROM pg_inherits JOIN pg_class child ON child.oid = inhrelid
WHERE inhparent = %s::regclass ORDER BY child.relname
"""

logger = logging.getLogger(__name__)


class PartitionBusy(DomainError):
    """A day could not be detached because something long holds its table."""

    code = "PARTITION_BUSY"
    hint = "Try again when long reports and backups have ended; nothing was lost and nobody waits."


class PartitionInTransaction(DomainError):
    """Days are dropped outside of transactions: each step is a transaction of its own."""

    code = "PARTITION_IN_TRANSACTION"
    hint = "Call it outside of transaction.atomic()."


@dataclass(frozen=True, slots=True)
class Partition:
    """A day of a table; `rows` is the planner's estimate, `is_leaving` says that a drop was begun."""

    parent: str
    table: str
    day: date
    size: int
    rows: int
    is_leaving: bool


def partitions_of(parent: str) -> list[Partition]:
    """Return the days of a table, oldest first."""
    with connection.cursor() as cursor:
        cursor.execute(_LIST, [parent])
        return [
            Partition(parent, name, day, size, rows, is_leaving)
            for name, is_leaving, size, rows in cursor.fetchall()
            if (day := _day_of(name)) is not None
        ]


def ensure_days(parent: str, days: Sequence[date]) -> int:
    """Make the days that are not there yet, each in a transaction of its own; return how many were made."""
    made = 0
    with connection.cursor() as cursor:
        for day in days:
            cursor.execute("SELECT tiltyard_ensure_partition(%s, %s)", [parent, day])
            made += int(cursor.fetchone()[0])
    return made


def days_ahead(today: date, count: int) -> list[date]:
    """Return today and the days after it, `count` in all."""
    return [today + timedelta(days=number) for number in range(count)]


def drop_day(partition: Partition) -> None:
    """Drop a day of a table for good.

    Raises:
        PartitionInTransaction: called inside a transaction.
        PartitionBusy: something held it for too long; what was begun is finished by the next call.
    """
    if connection.in_atomic_block:
        raise PartitionInTransaction(f"{partition.table} cannot be dropped inside a transaction.")
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('lock_timeout')")
        usual = cursor.fetchone()[0]
        cursor.execute(f"SET lock_timeout = {LOCK_MILLISECONDS}")
        try:
            _until_free(partition, lambda: _detach(partition))
            _until_free(partition, lambda: _execute(f'DROP TABLE IF EXISTS "{partition.table}"'))
        finally:
            cursor.execute("SELECT set_config('lock_timeout', %s, false)", [usual])


def _detach(partition: Partition) -> None:
    """Detach a day, or finish what an attempt before this one began."""
    known = {found.table: found for found in partitions_of(partition.parent)}.get(partition.table)
    if known is not None:
        how = "FINALIZE" if known.is_leaving else "CONCURRENTLY"
        _execute(f'ALTER TABLE "{partition.parent}" DETACH PARTITION "{partition.table}" {how}')


def _until_free(partition: Partition, step: Callable[[], None]) -> None:
    for _ in range(ATTEMPTS):
        try:
            step()
        except OperationalError as error:
            logger.info("%s is held, trying again: %s", partition.table, type(error.__cause__).__name__)
            time.sleep(PAUSE_SECONDS)
        else:
            return
    raise PartitionBusy(f"{partition.table} has been held for too long.")


def _execute(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


def _day_of(table: str) -> date | None:
    found = _CHILD_DAY.search(table)
    return None if found is None else date(int(found[1]), int(found[2]), int(found[3]))
