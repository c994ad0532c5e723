#!/usr/bin/env python
"""Django's command line, with embedded Postgres and Valkey where the environment names no servers."""

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

DOCTOR = "doctor"
ALONE = frozenset({"calibrate", "power", "try"})
"""Commands that compute from files or figures alone: no server is started for them, and none is asked."""


def main() -> int:
    """Run one command and return its exit code."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    try:
        from django.core.management import execute_from_command_line

        from config.environment import EnvironmentFault
    except ImportError as fault:
        print(f"{fault}.\n  fix: run bin/setup, then use bin/manage instead of manage.py.", file=sys.stderr)
        return 1
    from config.local.faults import LocalServiceError

    try:
        with servers_for(sys.argv[1:2]):
            execute_from_command_line(sys.argv)
    except (EnvironmentFault, LocalServiceError) as fault:
        print(fault, file=sys.stderr)
        return 1
    return 0


@contextmanager
def servers_for(command: list[str]) -> Iterator[None]:
    """Let the command find DATABASE_URL and REDIS_URL; `doctor` goes on without, to say what is wrong."""
    if os.environ.get("DATABASE_URL") and os.environ.get("REDIS_URL"):
        yield
        return
    if set(command) & ALONE:
        _name_no_servers()
        yield
        return
    from config.local.embedded import ensure_services
    from config.local.faults import LocalServiceError

    signal.signal(signal.SIGTERM, _exit)
    context = ensure_services()
    try:
        context.__enter__()
    except LocalServiceError as fault:
        if command != [DOCTOR]:
            raise
        os.environ["TILTYARD_LOCAL_FAULT"] = str(fault)
        _name_no_servers()
        yield
        return
    try:
        yield
    finally:
        context.__exit__(None, None, None)


def _name_no_servers() -> None:
    """Name servers that do not exist where the settings want some."""
    os.environ.setdefault("DATABASE_URL", "postgresql://nobody@127.0.0.1:1/none")
    os.environ.setdefault("REDIS_URL", "redis://127.0.0.1:1/0")


def _exit(number: int, _frame: FrameType | None) -> None:
    """End in order on SIGTERM, so that what is open is given back."""
    sys.exit(128 + number)


if __name__ == "__main__":
    sys.exit(main())
