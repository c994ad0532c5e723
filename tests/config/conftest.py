"""Fixtures that the tests of this folder share."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis

from config.edge import Edge
from config.local.embedded import Postgres, Valkey
from decisions.serving.feature_keys import bought_key, seen_key
from decisions.serving.settings import EdgeSettings
from tests.config.decision_edges import HASHED, MakeEdge
from tests.config.edges import BOTH, start_edge
from tests.decisions.published import (
    forget_files,
    publish,
    text_of,
)


@pytest.fixture
def edge(breakable_postgres: Postgres, tmp_path: Path) -> Iterator[Edge]:
    """Return a running edge with one bundle of two experiments."""
    publish(breakable_postgres.url, text_of(*BOTH, version=12))
    edge = start_edge(breakable_postgres.url, tmp_path)
    yield edge
    edge.close()


@pytest.fixture
def postgres(breakable_postgres: Postgres) -> Postgres:
    forget_files(breakable_postgres.url)
    return breakable_postgres


@pytest.fixture
def history(own_valkey: Valkey) -> Iterator[redis.Redis]:
    """Return a Valkey in which visitor v-1 has seen two items and bought one."""
    client = redis.Redis.from_url(own_valkey.url)
    client.zadd(seen_key(1, "visitor", HASHED), {"item-10": 1.0, "item-11": 2.0})
    client.zadd(bought_key(1, "visitor", HASHED), {"item-29": 1.0})
    yield client
    client.close()


@pytest.fixture
def make_edge(postgres: Postgres, tmp_path: Path) -> Iterator[MakeEdge]:
    """Return a function that starts an edge on that Postgres; each is closed after the test."""
    running: list[Edge] = []

    def make(redis_url: str | None = None, *, url: str | None = None, **changes: Any) -> Edge:
        settings = EdgeSettings(
            database_url=url or postgres.url,
            redis_url=redis_url,
            state_directory=tmp_path,
            **{"poll_seconds": 0.1, "feature_seconds": 1.0, **changes},
        )
        running.append(Edge(settings))
        running[-1].start()
        return running[-1]

    yield make
    for edge in running:
        edge.close()
