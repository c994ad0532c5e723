"""The site that is broken: a Postgres and a Valkey of its own, two projects, and edge processes on free ports.

The project of the *shop* serves a ready-made bundle with fifty experiments and two decision points, for everything
about evaluation. The *store* was made by the real actions, for everything about events and about changes.
"""

import os
import secrets
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import redis

from benchmarks.bundles import full_feature_content
from config.local import processes
from config.local.postgres import Postgres
from config.local.valkey import Valkey
from decisions.serving.bundle import PublishedText
from decisions.serving.feature_keys import seen_key
from foundation.ids import hash_unit
from tests.chaos.edges import EdgeProcess, Kind
from tests.decisions.published import (
    CLIENT_KEY,
    PEPPER,
    catalogue_bytes,
    companion,
    file_record,
    model_record,
    point,
    policy,
    popularity_bytes,
    publish,
    publish_files,
    published,
)

EXPERIMENTS = 50
VISITORS = 40
"""Shoppers whose history is known: visitor-0 and so on."""
DEADLINE_MS = 30
FLAG, FLAG_DEFAULT = "banner", "as today"
SHOP_VERSION = 1_000
MODEL = 12
RANKED = policy("model_ranked", version=MODEL)


@dataclass(frozen=True, slots=True)
class Store:
    """The project that the real actions made."""

    project_id: int
    experiment_id: int
    experiment_key: str
    client_key: str
    server_key: str


@dataclass(slots=True)
class Ground:
    """Everything that the examinations share. `is_long` asks for the full durations."""

    directory: Path
    postgres: Postgres
    valkey: Valkey
    is_long: bool
    say: Callable[[str], None]
    store: Store = field(init=False)
    environment: dict[str, str] = field(init=False)
    _edges: int = 0

    def seconds(self, short: float, long: float) -> float:
        """Return how long something goes on in this form."""
        return long if self.is_long else short

    def count(self, short: int, long: int) -> int:
        """Return how often something is tried in this form."""
        return long if self.is_long else short

    def heal(self) -> None:
        """Bring Postgres and Valkey back, and forget connections to the servers that were."""
        from django.db import connections

        self.postgres.start()
        self.valkey.start()
        connections.close_all()

    @contextmanager
    def edges(
        self,
        how_many: int = 1,
        *,
        kind: Kind = processes.edge,
        application: str | None = None,
        **environment: str,
    ) -> Iterator[list[EdgeProcess]]:
        """Run processes of a kind that share a state directory; they end with the block."""
        self._edges += 1
        state = self.directory / f"edges-{self._edges}"
        known = {**os.environ, **self.environment, "TILTYARD_STATE_DIR": str(state), **environment}
        running = [
            EdgeProcess(f"{kind.__name__}-{number + 1}", state, known, kind=kind, application=application)
            for number in range(how_many)
        ]
        try:
            for edge in running:
                edge.start()
            for edge in running:
                edge.wait_until_ready()
            yield running
        finally:
            processes.end_all([edge.process for edge in running], seconds=20)

    def stored_ids(self) -> dict[str, int]:
        """Return how often each message is in the event log."""
        with psycopg.connect(self.postgres.url) as session:
            rows = session.execute(
                "SELECT message_id, count(*) FROM decisions_eventlog WHERE kind <> 'decision' GROUP BY 1"
            ).fetchall()
        return {str(message): int(times) for message, times in rows}

    def forget_events(self) -> None:
        """Empty the event log."""
        with psycopg.connect(self.postgres.url) as session:
            session.execute("TRUNCATE decisions_eventlog")


@contextmanager
def prepared(*, is_long: bool, say: Callable[[str], None]) -> Iterator[Ground]:
    """Start servers, migrate them, fill them, and yield the ground; everything is gone afterwards."""
    before = dict(os.environ)
    directory = Path(tempfile.mkdtemp(prefix="tiltyard-chaos-"))
    postgres, valkey = Postgres(directory / "postgres"), Valkey(directory / "valkey")
    try:
        say("starting Postgres and Valkey")
        postgres.start()
        valkey.start()
        ground = Ground(directory, postgres, valkey, is_long, say)
        ground.environment = {
            "DATABASE_URL": postgres.url,
            "REDIS_URL": valkey.url,
            "SECRET_KEY": secrets.token_urlsafe(50),
            "TILTYARD_HTTPS": "0",
            "DJANGO_SETTINGS_MODULE": "config.settings",
        }
        say("migrating and filling the database")
        _load_django(ground.environment | {"TILTYARD_STATE_DIR": str(directory / "state")})
        _make_shop()
        ground.store = _make_store()
        _publish_shop(postgres.url)
        _remember_visitors(valkey.url)
        yield ground
    finally:
        postgres.remove()
        valkey.remove()
        os.environ.clear()
        os.environ.update(before)
        shutil.rmtree(directory, ignore_errors=True)


def _load_django(environment: Mapping[str, str]) -> None:
    os.environ.update(environment)
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0)


def _make_shop() -> None:
    from tests.fixtures.records import make_project

    assert make_project(key="shop", now=datetime.now(UTC)) == 1, "the ready-made bundle is project 1's"


def _make_store() -> Store:
    from decisions.actions.publishing import publish_bundle
    from foundation.actions.projects import issue_api_key
    from tests.fixtures.records import make_project, make_running, simulation_clock

    now = datetime.now(UTC)
    project_id = make_project(key="store", now=now, clock=simulation_clock(origin=now, started_at=now))
    experiment_id = make_running(project_id, now=now)
    keys = {
        kind: issue_api_key(project_id=project_id, kind=kind, name=kind, acting_user="chaos", now=now).secret
        for kind in ("client", "server")
    }
    publish_bundle(project_id=project_id)
    return Store(project_id, experiment_id, "button", keys["client"], keys["server"])


def shop_text(*, version: int = SHOP_VERSION) -> PublishedText:
    """Return the ready-made bundle."""
    content = full_feature_content(live=EXPERIMENTS, eligible=EXPERIMENTS) | {
        "project": {"id": 1, "key": "shop"},
        "schema": 3,
        "version": version,
        "decision_points": [
            point(experiments=[_bound(1)], deadline_ms=2_000),
            point(id=8, key="cart", personal=False, deadline_ms=2_000),
            point(id=9, key="hurried", experiments=[_bound(2)], deadline_ms=DEADLINE_MS),
        ],
        "flags": [{"key": FLAG, "kind": "STRING", "layer": None, "default": FLAG_DEFAULT}],
        "models": [model_record(MODEL, popularity_bytes())],
        "catalogue": file_record(catalogue_bytes()),
    }
    return published(content, companion())


def _bound(experiment_id: int) -> dict[str, object]:
    """Return a decision experiment in which every variant is ranked by the model."""
    return {"id": experiment_id, "variants": {"control": RANKED, "treatment": RANKED}}


def _publish_shop(url: str) -> None:
    publish_files(url, catalogue_bytes(), popularity_bytes())
    publish(url, shop_text())


def _remember_visitors(url: str) -> None:
    with redis.Redis.from_url(url) as client:
        for number in range(VISITORS):
            unit = hash_unit(PEPPER, "visitor", f"visitor-{number}")
            client.zadd(seen_key(1, "visitor", unit), {f"item-{10 + number % 10}": 1.0, "item-20": 2.0})


SHOP_KEY = CLIENT_KEY
SHOPPER = {"country": "DE", "orders": 3}
