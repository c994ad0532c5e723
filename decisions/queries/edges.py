"""Which edge processes there are and what they serve, as far as they have told Redis."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import cast

import redis
from django.conf import settings

from decisions.serving.heartbeat import NAMES_KEY, REPORT_KEY, EdgeReport, decode_report

ANSWER_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class EdgeProcess:
    """One process by its last word. `report` is None where it has fallen silent: ended, or cut off from Redis."""

    name: str
    told_at: datetime
    report: EdgeReport | None


def edge_processes() -> list[EdgeProcess] | None:
    """Return the processes that have told of themselves today, by name; None where Redis does not answer."""
    client = redis.Redis.from_url(
        settings.REDIS_URL, socket_connect_timeout=ANSWER_SECONDS, socket_timeout=ANSWER_SECONDS
    )
    try:
        found = cast(list[tuple[bytes, float]], client.zrange(NAMES_KEY, 0, -1, withscores=True))
        named = sorted((name.decode(), told) for name, told in found)
        kept = client.mget([REPORT_KEY + name for name, _ in named]) if named else []
    except redis.RedisError:
        return None
    finally:
        client.close()
    return [
        EdgeProcess(name, datetime.fromtimestamp(told, UTC), decode_report(raw))
        for (name, told), raw in zip(named, cast(list[bytes | None], kept), strict=True)
    ]
