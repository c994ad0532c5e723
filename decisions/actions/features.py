"""Unit features in Redis: what each unit dealt with lately, written from the event log, read by the edge.

Redis holds nothing that the log does not: everything here can be written again, in any order, with the same result.
"""

from collections.abc import Iterator
from datetime import datetime

import redis
from django.conf import settings
from django.db import connection, transaction

from decisions.models import DecisionPoint, ProjectionState
from decisions.serving.feature_keys import KEPT_SECONDS, LONGEST_BOUGHT, LONGEST_HISTORY, bought_key, seen_key
from foundation.actions.jobs import enqueue

BEGINNING = datetime.fromisoformat("2000-01-01T00:00:00+00:00")
ROWS_AT_ONCE = 5_000
UPDATE = "update_features"
"""The kind of the job that writes features."""

_DEALT_WITH = """
SELECT kind, unit, item, is_order, extract(epoch FROM max(at))::double precision FROM (
    SELECT unit.kind, unit.id AS unit, item, false AS is_order, corrected_at AS at
    FROM decisions_eventlog log, LATERAL (VALUES ('visitor', log.visitor), ('customer', log.customer)) unit(kind, id)
    WHERE project_id = %(project)s AND received_at > %(after)s AND received_at <= %(until)s AND log.kind = 'track'
        AND event IN ('Product Viewed', 'Product Added') AND item IS NOT NULL AND unit.id IS NOT NULL
    UNION ALL
    SELECT unit.kind, unit.id, line->>'product_id', true, corrected_at
    FROM decisions_eventlog log, LATERAL (VALUES ('visitor', log.visitor), ('customer', log.customer)) unit(kind, id),
        jsonb_array_elements(
            CASE WHEN jsonb_typeof(properties->'products') = 'array' THEN properties->'products' ELSE '[]' END
        ) AS line
    WHERE project_id = %(project)s AND received_at > %(after)s AND received_at <= %(until)s AND log.kind = 'track'
        AND event = 'Order Completed' AND line->>'product_id' IS NOT NULL AND unit.id IS NOT NULL
) dealt
WHERE at IS NOT NULL GROUP BY kind, unit, item, is_order
ORDER BY kind, unit
"""


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
    """Write what units dealt with in the messages received in (after, until] to Redis; return how many facts.

    Must run inside a transaction: rows are streamed by a cursor on the server.
    Raises redis.RedisError where Redis does not answer: the job is tried again.
    """
    client = redis.Redis.from_url(settings.REDIS_URL, socket_timeout=10, socket_connect_timeout=5)
    written = 0
    try:
        for rows in _batches(project_id, after, until):
            pipeline = client.pipeline(transaction=False)
            touched: dict[str, int] = {}
            for kind, unit, item, is_order, at in rows:
                seen = seen_key(project_id, kind, unit)
                pipeline.zadd(seen, {item: at}, gt=True)
                touched[seen] = LONGEST_HISTORY
                if is_order:
                    bought = bought_key(project_id, kind, unit)
                    pipeline.zadd(bought, {item: at}, gt=True)
                    touched[bought] = LONGEST_BOUGHT
            for key, longest in touched.items():
                pipeline.zremrangebyrank(key, 0, -longest - 1)
                pipeline.expire(key, KEPT_SECONDS)
            pipeline.execute()
            written += len(rows)
    finally:
        client.close()
    return written


def _batches(project_id: int, after: datetime, until: datetime) -> Iterator[list[tuple[str, str, str, bool, float]]]:
    with connection.chunked_cursor() as cursor:
        cursor.execute(_DEALT_WITH, {"project": project_id, "after": after, "until": until})
        while rows := cursor.fetchmany(ROWS_AT_ONCE):
            yield rows
