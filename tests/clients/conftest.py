"""A real edge process on a real Postgres, for clients that come from elsewhere."""

import secrets
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from config.local.embedded import Postgres, Valkey
from config.local.processes import Role
from config.local.supervisor import Site
from tests.decisions.published import publish, text_of
from tests.experiments.assignment.builders import experiment


@pytest.fixture
def edge_process(breakable_postgres: Postgres, own_valkey: Valkey, own_directory: Path) -> Iterator[str]:
    """Return the address of an edge process with one experiment on visitors."""
    publish(breakable_postgres.url, text_of(experiment(1)))
    environment = {
        "DATABASE_URL": breakable_postgres.url,
        "REDIS_URL": own_valkey.url,
        "SECRET_KEY": secrets.token_urlsafe(50),
        "TILTYARD_EDGE_RETRY_SECONDS": "1",
    }
    with Site(own_directory / "site", environment=environment, roles=(Role.EDGE,)) as site:
        assert urlsplit(site.edge_url).scheme == "http"
        yield site.edge_url
