"""Decision points published for an edge in this process, what to ask it, and what it logged."""

import time
from collections.abc import Callable
from typing import Any

import psycopg

from config.edge import Edge
from config.local.embedded import Postgres
from foundation.ids import hash_unit
from tests.config.edges import Answer, call
from tests.decisions.published import (
    PEPPER,
    catalogue_bytes,
    companion,
    decision_content,
    file_record,
    model_record,
    policy,
    popularity_bytes,
    publish,
    publish_files,
    published,
)
from tests.experiments.assignment.builders import arms, experiment

CATALOGUE, ARTIFACT = catalogue_bytes(), popularity_bytes()


RANKED = policy("model_ranked", version=12)


TREATED = experiment(1, variants=arms(0, 1_000_000))


BEST = ["item-28", "item-27", "item-26", "item-25", "item-24"]


BASIC = ["item-00", "item-01", "item-02", "item-04", "item-05"]


VISITOR = {"visitor": "v-1"}


HASHED = hash_unit(PEPPER, "visitor", "v-1")


MakeEdge = Callable[..., Edge]


def publish_point(
    postgres: Postgres,
    *experiments: dict[str, Any],
    at: dict[str, Any],
    version: int = 1,
    record: dict[str, Any] | None = None,
    files: tuple[bytes, ...] = (CATALOGUE, ARTIFACT),
    catalogue: dict[str, Any] | None = None,
    attributes: tuple[str, ...] = ("country",),
) -> None:
    publish_files(postgres.url, *files)
    models = [record or model_record(12, ARTIFACT)]
    named = file_record(CATALOGUE) if catalogue is None else catalogue
    parts = {"points": [at], "models": models, "catalogue": named, "version": version}
    publish(postgres.url, published(decision_content(*experiments, **parts), companion(attributes=list(attributes))))


def ask(edge: Edge, units: dict[str, Any] | None = None, *, at: str = "home", **parts: Any) -> Answer:
    return call(edge, f"/v1/decisions/{at}", {"units": VISITOR if units is None else units} | parts)


def shown(answer: Answer) -> list[str]:
    return [action["item"] for action in answer.json["actions"]]


def decisions_of(postgres: Postgres, count: int) -> list[dict[str, Any]]:
    """Return the logged decisions by id, once there are so many."""
    deadline = time.monotonic() + 20
    while True:
        with psycopg.connect(postgres.url) as connection:
            found = connection.execute(
                "SELECT message_id, visitor, properties, enrolments, day, occurred_at, corrected_at"
                " FROM decisions_eventlog WHERE kind = 'decision' AND event IS NULL ORDER BY message_id"
            ).fetchall()
        if len(found) >= count or time.monotonic() > deadline:
            assert len(found) == count
            names = ("id", "visitor", "properties", "enrolments", "day", "occurred_at", "corrected_at")
            return [dict(zip(names, one, strict=True)) for one in found]
        time.sleep(0.02)
