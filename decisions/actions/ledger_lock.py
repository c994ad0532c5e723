"""The lock of a project's price ledger: its writers take turns, and whoever publishes prices waits for them."""

import time
from datetime import timedelta
from typing import Final

from django.db import connection

LEDGER_LOCK: Final = 7_205_003
"""The advisory lock between the writers of a project's ledger; whoever takes it locks no rows before."""


def lock_ledger(project_id: int) -> timedelta:
    """Let nobody else write the project's ledger until the transaction ends; return how long that had to wait.

    Wall time; what is to hold some time from now on has to wait that much longer.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s, %s::int)", [LEDGER_LOCK, project_id])
        if cursor.fetchone()[0]:
            return timedelta()
        started = time.monotonic()
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s::int)", [LEDGER_LOCK, project_id])
    return timedelta(seconds=time.monotonic() - started)
