"""A place on disk in which one import works: it is removed at the end, and by the next import after a kill."""

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import duckdb

MEMORY_LIMIT_MIB: Final = 256
"""Bound of DuckDB's own memory; what does not fit goes to disk."""
THREADS: Final = 2

_LOCK = "in-use"


@dataclass(frozen=True, slots=True)
class Workspace:
    """A directory and the DuckDB database in it."""

    directory: Path
    database: duckdb.DuckDBPyConnection


@contextmanager
def opened_workspace(parent: Path, *, memory_limit_mib: int = MEMORY_LIMIT_MIB) -> Iterator[Workspace]:
    """Yield a fresh workspace below `parent`; it and all that killed imports left behind is removed.

    Its files hold ids as they were recorded, so only the owner may read them and nothing stays.
    """
    parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    _remove_abandoned(parent)
    directory = parent / f"import-{os.getpid()}-{os.urandom(4).hex()}"
    directory.mkdir(mode=0o700)
    lock = os.open(directory / _LOCK, os.O_CREAT | os.O_RDWR, 0o600)
    fcntl.flock(lock, fcntl.LOCK_EX)
    try:
        database = _connected(directory, memory_limit_mib)
        try:
            yield Workspace(directory, database)
        finally:
            database.close()
    finally:
        shutil.rmtree(directory, ignore_errors=True)
        os.close(lock)


def _connected(directory: Path, memory_limit_mib: int) -> duckdb.DuckDBPyConnection:
    database = duckdb.connect(
        str(directory / "rows.duckdb"),
        config={
            "memory_limit": f"{memory_limit_mib}MiB",
            "temp_directory": str(directory / "spill"),
            "threads": THREADS,
            "preserve_insertion_order": True,
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
        },
    )
    database.execute("SET TimeZone = 'UTC'")
    return database


def _remove_abandoned(parent: Path) -> None:
    for directory in parent.glob("import-*"):
        try:
            lock = os.open(directory / _LOCK, os.O_RDWR)
        except OSError:
            continue
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(directory, ignore_errors=True)
        except OSError:
            continue
        finally:
            os.close(lock)
