"""Embedded Postgres and Valkey, shared by the processes of a clone whose environment names no servers.

A process that needs them holds a *lease*: a shared lock on one file, which the kernel takes back however
the process ends. The first lease starts the servers and a keeper (`config.local.keeper`), which stops them
once no lease has been held for a few seconds.
"""

import fcntl
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from config.local.faults import LocalServiceError
from config.local.places import PROJECT, state_directory
from config.local.postgres import DISPOSABLE, Postgres, Shutdown
from config.local.server import LocalServer
from config.local.valkey import Valkey

__all__ = [
    "DISPOSABLE",
    "Lease",
    "Postgres",
    "Shutdown",
    "Valkey",
    "acquire",
    "ensure_services",
    "servers",
    "stop_if_unused",
]

GRACE_SECONDS = 10.0
DATABASE_URL = "DATABASE_URL"
REDIS_URL = "REDIS_URL"
EMBEDDED = "TILTYARD_EMBEDDED"
"""Tells child processes which of the two addresses are of embedded servers."""


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to use the servers at `urls` (by variable); they run while any lease is held."""

    urls: dict[str, str]
    _lock: IO[str] | None

    def release(self) -> None:
        """Give the right back; the servers end once nobody holds one."""
        if self._lock is not None and not self._lock.closed:
            self._lock.close()


def servers(state: Path, *, settings: Mapping[str, str] | None = None) -> dict[str, LocalServer]:
    """Return the embedded servers of a state directory by the variable that would replace each.

    `settings` are Postgres parameters, such as DISPOSABLE.
    """
    services = state / "services"
    return {
        DATABASE_URL: Postgres(services / "postgres", settings=settings),
        REDIS_URL: Valkey(services / "valkey"),
    }


def acquire(state: Path, *, needed: frozenset[str], settings: Mapping[str, str] | None = None) -> Lease:
    """Start the needed servers where they do not run yet and return a lease on them.

    Raises:
        LocalServiceError: a server cannot be started; the message says what mends it.
    """
    if not needed:
        return Lease(urls={}, _lock=None)
    try:
        (state / "services").mkdir(parents=True, exist_ok=True)
        lock = _open_lock(state, "services.lock")
    except PermissionError as fault:
        raise LocalServiceError(
            f"{fault.filename} belongs to another user.",
            fix=f"run as the user who set this clone up, or remove {state} and run bin/setup again.",
        ) from fault
    fcntl.flock(lock, fcntl.LOCK_SH)
    try:
        with _open_lock(state, "starting.lock") as starting:
            fcntl.flock(starting, fcntl.LOCK_EX)
            urls = {}
            for variable, server in servers(state, settings=settings).items():
                if variable in needed:
                    server.start()
                    urls[variable] = server.url
            _ensure_keeper(state)
    except BaseException:
        lock.close()
        raise
    return Lease(urls=urls, _lock=lock)


@contextmanager
def ensure_services(state: Path | None = None) -> Iterator[Lease]:
    """Point DATABASE_URL and REDIS_URL, where unset, at embedded servers while the context is open."""
    needed = frozenset(name for name in (DATABASE_URL, REDIS_URL) if not os.environ.get(name))
    lease = acquire(state or state_directory(), needed=needed)
    os.environ.update(lease.urls, **{EMBEDDED: ",".join(lease.urls)})
    try:
        yield lease
    finally:
        for name in (*lease.urls, EMBEDDED):
            os.environ.pop(name, None)
        lease.release()


def stop_if_unused(state: Path) -> bool:
    """Stop the embedded servers at once unless a process holds a lease; return whether they are stopped."""
    with _open_lock(state, "services.lock") as lock:
        if not _is_free_soon(lock):
            return False
        for server in servers(state).values():
            server.stop()
    return True


def _is_free_soon(lock: IO[str]) -> bool:
    """Take the lock unless a lease is held; the keeper has it for a moment when the last lease is given back."""
    for _ in range(10):
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(0.02)
        else:
            return True
    return False


def _open_lock(state: Path, name: str) -> IO[str]:
    return (state / name).open("a")


def _ensure_keeper(state: Path) -> None:
    """Start the process that stops unused servers, unless one is there."""
    with _open_lock(state, "keeper.lock") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return
    (state / "logs").mkdir(exist_ok=True)
    with (state / "logs" / "keeper.log").open("ab") as log:
        keeper = subprocess.Popen(
            [sys.executable, "-m", "config.local.keeper", str(state), str(GRACE_SECONDS)],
            cwd=PROJECT,
            env={**os.environ, "PYTHONPATH": str(PROJECT)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            start_new_session=True,
        )
    assert keeper.stdin is not None
    assert keeper.stdout is not None
    keeper.stdin.close()
    keeper.stdout.readline()
    keeper.stdout.close()
    _keepers.append(keeper)


_keepers: list[subprocess.Popen[bytes]] = []
