"""Edge processes as they run in production: what they decided reaches the log, however they end."""

import json
import secrets
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import psycopg
import pytest
import redis

from config.local.embedded import Postgres, Shutdown, Valkey
from config.local.processes import EVALUATION_THREADS, Role
from config.local.supervisor import Site
from decisions.serving.feature_keys import seen_key
from foundation.ids import hash_unit
from tests.decisions.published import (
    CLIENT_KEY,
    PEPPER,
    ab_point,
    catalogue_bytes,
    companion,
    decision_content,
    file_record,
    forget_files,
    model_record,
    policy,
    popularity_bytes,
    publish,
    publish_files,
    published,
)
from tests.experiments.assignment.builders import experiment

VISITORS = [f"v-{number}" for number in range(20)]


@pytest.fixture
def postgres(breakable_postgres: Postgres) -> Postgres:
    """Return a Postgres with a published decision point and everything it names."""
    catalogue, artifact = catalogue_bytes(), popularity_bytes()
    forget_files(breakable_postgres.url)
    publish_files(breakable_postgres.url, catalogue, artifact)
    at = ab_point(policy("model_ranked", version=12))
    models = [model_record(12, artifact)]
    content = decision_content(experiment(1), points=[at], models=models, catalogue=file_record(catalogue))
    publish(breakable_postgres.url, published(content, companion()))
    return breakable_postgres


@pytest.fixture
def environment(postgres: Postgres, own_valkey: Valkey) -> dict[str, str]:
    """Return what an edge process is told; every visitor has a history."""
    client = redis.Redis.from_url(own_valkey.url)
    for visitor in VISITORS:
        client.zadd(seen_key(1, "visitor", hash_unit(PEPPER, "visitor", visitor)), {"item-10": 1.0})
    client.close()
    return {
        "DATABASE_URL": postgres.url,
        "REDIS_URL": own_valkey.url,
        "SECRET_KEY": secrets.token_urlsafe(50),
        "TILTYARD_EDGE_FEATURE_MS": "1000",
        "TILTYARD_EDGE_THREADS": str(EVALUATION_THREADS),
    }


@pytest.fixture
def running() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def ask(site: Site, visitor: str, **parts: Any) -> Any:
    request = urllib.request.Request(
        site.edge_url + "/v1/decisions/home",
        data=json.dumps({"units": {"visitor": visitor}, "expose": True} | parts).encode(),
        headers={"X-API-Key": CLIENT_KEY},
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.loads(answer.read())


def spooled(site: Site) -> float:
    with urllib.request.urlopen(site.edge_url + "/metrics", timeout=30) as answer:
        lines = dict(line.rsplit(" ", 1) for line in answer.read().decode().splitlines() if line[0] != "#")
    return float(lines['tiltyard_decision_rows_total{state="spooled"}'])


def logged(postgres: Postgres, count: int) -> list[str]:
    """Return the ids of the logged decisions, once there are so many."""
    deadline = time.monotonic() + 60
    found: list[str] = []
    while len(found) < count and time.monotonic() < deadline:
        time.sleep(0.05)
        with psycopg.connect(postgres.url) as connection:
            rows = connection.execute("SELECT message_id FROM decisions_eventlog WHERE kind = 'decision'").fetchall()
        found = [message_id for (message_id,) in rows]
    return sorted(found)


@pytest.mark.slow
def test_processes__two_of_them__decide_alike_and_lose_nothing_when_they_are_told_to_end(
    postgres: Postgres, environment: dict[str, str], own_directory: Path, running: ExitStack
) -> None:
    first, second = (
        running.enter_context(Site(own_directory / name, environment=environment, roles=(Role.EDGE,)))
        for name in ("one", "two")
    )
    asked = []
    for visitor in VISITORS:
        pair = [ask(site, visitor) for site in (first, second)]
        asked += [body["decision_id"] for body in pair]
        for member in ("actions", "assignment", "model", "reason", "policy"):
            assert pair[0][member] == pair[1][member]
    first.stop_process(Role.EDGE)
    second.stop_process(Role.EDGE)

    with psycopg.connect(postgres.url) as connection:
        rows = connection.execute("SELECT message_id FROM decisions_eventlog WHERE kind = 'decision'").fetchall()
    assert sorted(message_id for (message_id,) in rows) == sorted(asked)


@pytest.mark.slow
def test_process__killed_while_postgres_was_away__leaves_its_decisions_to_the_next_one(
    postgres: Postgres, environment: dict[str, str], own_directory: Path, running: ExitStack
) -> None:
    site = running.enter_context(Site(own_directory / "one", environment=environment, roles=(Role.EDGE,)))
    asked = [ask(site, VISITORS[0])["decision_id"]]
    assert logged(postgres, 1) == asked

    postgres.shut_down(Shutdown.IMMEDIATE)
    bodies = [ask(site, visitor) for visitor in VISITORS]
    asked += [body["decision_id"] for body in bodies]
    deadline = time.monotonic() + 30
    while spooled(site) < len(VISITORS) and time.monotonic() < deadline:
        time.sleep(0.05)
    site.kill_process(Role.EDGE)
    site.start_process(Role.EDGE)
    site.wait_until_ready(Role.EDGE)
    again = ask(site, VISITORS[0])
    asked.append(again["decision_id"])
    postgres.start()

    assert {body["reason"] for body in bodies} <= {"MODEL", "BASELINE"}
    assert (again["source"], again["actions"]) == ("file", bodies[0]["actions"])
    assert logged(postgres, len(asked)) == sorted(asked)
