"""Tests run on a real Postgres and a real Valkey (embedded unless DATABASE_URL and REDIS_URL name others).

Concurrent runs share the servers, not the data: each holds one of sixteen slots, with a database and a Redis
database of its own.
"""

import fcntl
import os
import secrets
from pathlib import Path
from typing import IO
from urllib.parse import urlsplit, urlunsplit

import django

from config.local.embedded import DATABASE_URL, DISPOSABLE, REDIS_URL, acquire

PROJECT = Path(__file__).resolve().parents[1]
STATE = PROJECT / ".tiltyard" / "tests"
SLOTS = 16

pytest_plugins = [
    "tests.fixtures.breakable",
    "tests.fixtures.database",
    "tests.fixtures.material",
    "tests.fixtures.node",
    "tests.fixtures.servers",
    "tests.fixtures.site",
]


def _slot() -> tuple[int, IO[str]]:
    """Return the number of a free slot and the open lock that keeps it."""
    for number in range(SLOTS):
        lock = (STATE / f"slot-{number}.lock").open("a")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.close()
            continue
        return number, lock
    raise RuntimeError(f"{SLOTS} test runs are going on in {PROJECT}; wait for one to end.")


def _with_path(url: str, path: str) -> str:
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc, path, parts.query, parts.fragment))


def _prepare() -> tuple[object, object]:
    """Point this process at the test servers and load Django; return what must stay open."""
    STATE.mkdir(parents=True, exist_ok=True)
    number, lock = _slot()
    needed = frozenset(name for name in (DATABASE_URL, REDIS_URL) if not os.environ.get(name))
    lease = acquire(STATE, needed=needed, settings=DISPOSABLE)
    os.environ.update(lease.urls)
    os.environ[REDIS_URL] = _with_path(os.environ[REDIS_URL], f"/{number}")
    own_state = STATE / f"slot-{number}"
    (own_state / "static").mkdir(parents=True, exist_ok=True)
    os.environ.update(
        DJANGO_SETTINGS_MODULE="config.settings",
        SECRET_KEY=secrets.token_urlsafe(50),
        TILTYARD_STATE_DIR=str(own_state),
        TILTYARD_STATIC_FILES="PLAIN",
        TILTYARD_HTTPS="0",
        DEBUG="0",
    )
    django.setup()
    from django.conf import settings
    from django.db import connection

    # In a process of several the settings were read before, with what the first one had.
    settings.REDIS_URL, settings.STATE_DIRECTORY = os.environ[REDIS_URL], own_state
    connection.settings_dict["TEST"]["NAME"] = f"test_{connection.settings_dict['NAME']}_{number}"
    return lock, lease


_open = _prepare()
