"""Unit features in Redis: what each unit dealt with and was shown lately, written from the event log, read by the edge.

Redis holds nothing that the log does not: everything here can be written again, in any order, with the same result.
"""

from collections.abc import Generator, Iterable, Iterator, Mapping
from contextlib import closing
from datetime import datetime
from typing import Any, NamedTuple

import redis
from django.conf import settings
from django.db import connection, transaction

from decisions.actions.features_sql import DEALT_WITH, SHOWN
from decisions.models import DecisionPoint, ProjectionState
from decisions.registry import domain_of
from decisions.serving.feature_keys import (
    KEPT_SECONDS,
    LONGEST_BOUGHT,
    LONGEST_HISTORY,
    LONGEST_SHOWN,
    bought_key,
    seen_key,
    showing,
    shown_key,
)
from foundation.actions.jobs import enqueue

BEGINNING = datetime.fromisoformat("2000-01-01T00:00:00+00:00")
ROWS_AT_ONCE = 5_000
UPDATE = "update_features"
"""The kind of the job that writes features."""


class _Fact(NamedTuple):
    """A member of a sorted set of Redis; the set keeps the `most` latest ones. `at` is seconds since 1970."""

    key: str
    member: str
    at: float
    most: int


def promise_features(*, project_id: int, after: datetime, until: datetime) -> bool:
    """Promise to write the features of what was received in (after, until]; in the caller's transaction.

    Nothing is promised for a project without decision points: nobody would read them.
    """
    if not DecisionPoint.objects.filter(project_id=project_id).exists():
        return False
    return enqueue(
        kind=UPDATE,
        key=f"{UPDATE}:{project_id}:{after.isoformat()}:{until.isoformat()}",
        project_id=project_id,
        payload={"after": after.isoformat(), "until": until.isoformat()},
    )


def promise_all_features(*, project_id: int) -> bool:
    """Promise to write the features of everything that has been projected so far."""
    state = ProjectionState.objects.filter(project_id=project_id).first()
    return state is not None and promise_features(project_id=project_id, after=BEGINNING, until=state.watermark)


@transaction.atomic
def rebuild_features(*, project_id: int) -> int:
    """Write the features of everything that has been projected so far and return how many facts they are."""
    state = ProjectionState.objects.filter(project_id=project_id).first()
    return 0 if state is None else update_features(project_id=project_id, after=BEGINNING, until=state.watermark)


def update_features(*, project_id: int, after: datetime, until: datetime) -> int:
    """Write what the messages received in (after, until] say of units to Redis; return how many facts.

    That is what units dealt with and, where the domain of a decision point asks, what was shown to them. Must run
    inside a transaction: rows are streamed by a cursor on the server.

    Raises redis.RedisError where Redis does not answer: the job is tried again. Cursors are closed then and there: one
    that is closed when its garbage is collected would break whatever transaction goes on by then.
    """
    window = {"project": project_id, "after": after, "until": until}
    client = redis.Redis.from_url(settings.REDIS_URL, socket_timeout=10, socket_connect_timeout=5)
    try:
        with closing(_dealt_with(window)) as facts:
            written = _write(client, facts)
        asking = _points_that_ask(project_id)
        if asking:
            with closing(_shown(window, asking)) as facts:
                written += _write(client, facts)
    finally:
        client.close()
    return written


def _points_that_ask(project_id: int) -> list[str]:
    """Return the keys of the decision points whose domain asks what was shown to a unit lately."""
    points = DecisionPoint.objects.filter(project_id=project_id).values_list("key", "domain")
    return [key for key, domain in points if domain_of(domain).hooks.shown_within is not None]


def _dealt_with(window: Mapping[str, Any]) -> Generator[list[_Fact], None, None]:
    for rows in _batches(DEALT_WITH, window):
        facts = []
        for kind, unit, item, is_order, at in rows:
            facts.append(_Fact(seen_key(window["project"], kind, unit), item, at, LONGEST_HISTORY))
            if is_order:
                facts.append(_Fact(bought_key(window["project"], kind, unit), item, at, LONGEST_BOUGHT))
        yield facts


def _shown(window: Mapping[str, Any], points: list[str]) -> Generator[list[_Fact], None, None]:
    for rows in _batches(SHOWN, {**window, "points": points}):
        yield [
            _Fact(shown_key(window["project"], kind, unit), showing(action, told_by), at, LONGEST_SHOWN)
            for kind, unit, action, told_by, at in rows
        ]


def _write(client: redis.Redis, batches: Iterable[list[_Fact]]) -> int:
    """Write facts and return how many they are; of each key the latest are kept."""
    written = 0
    for facts in batches:
        pipeline = client.pipeline(transaction=False)
        for fact in facts:
            pipeline.zadd(fact.key, {fact.member: fact.at}, gt=True)
        for key, most in {fact.key: fact.most for fact in facts}.items():
            pipeline.zremrangebyrank(key, 0, -most - 1)
            pipeline.expire(key, KEPT_SECONDS)
        pipeline.execute()
        written += len(facts)
    return written


def _batches(statement: str, parameters: Mapping[str, Any]) -> Iterator[list[tuple[Any, ...]]]:
    with connection.chunked_cursor() as cursor:
        cursor.execute(statement, parameters)
        while rows := cursor.fetchmany(ROWS_AT_ONCE):
            yield rows
