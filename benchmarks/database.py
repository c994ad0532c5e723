"""A migrated database of a benchmark's own, on the servers of the clone, dropped at the end."""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit, urlunsplit

import psycopg

from config.local.embedded import ensure_services
from config.local.places import state_directory

_PROJECT = """
INSERT INTO foundation_project
(id, key, name, currency, time_zone, pepper, signing_key, attributes, clock_kind, clock_speed, revision)
VALUES (1, 'bench', 'Bench', 'USD', 'UTC', '\\x00', '\\x00', '[]', 'REAL', 1.0, 1)
"""


@contextmanager
def own_database(name: str) -> Iterator[str]:
    """Create, migrate and yield the URL of an empty database; Django is set up on it."""
    with ensure_services(state_directory()):
        main = os.environ["DATABASE_URL"]
        database = f"bench_{name}_{secrets.token_hex(4)}"
        with psycopg.connect(main, autocommit=True) as session:
            session.execute(f'CREATE DATABASE "{database}"')
        parts = urlsplit(main)
        os.environ["DATABASE_URL"] = urlunsplit((parts.scheme, parts.netloc, f"/{database}", parts.query, ""))
        os.environ.setdefault("SECRET_KEY", secrets.token_urlsafe(50))
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
        try:
            _migrate()
            yield os.environ["DATABASE_URL"]
        finally:
            os.environ["DATABASE_URL"] = main
            with psycopg.connect(main, autocommit=True) as session:
                session.execute(f'DROP DATABASE IF EXISTS "{database}" WITH (FORCE)')


def insert_project(database: str) -> None:
    """Insert the project, of id 1, whose bundle a benchmark publishes."""
    with psycopg.connect(database) as session:
        session.execute(_PROJECT)


def _migrate() -> None:
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0)
