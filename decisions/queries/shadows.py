"""How shadow versions compare with what was served, from the rows of decisions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import connection

LATELY: Final = timedelta(days=7)

_COMPARED: Final = """
SELECT
    count(*) FILTER (WHERE properties->'shadow'->>'reason' IS NULL),
    avg((properties->'shadow'->>'overlap')::float),
    avg((properties->'shadow'->>'rank')::float),
    percentile_cont(0.5) WITHIN GROUP (ORDER BY (properties->'shadow'->>'ms')::float),
    percentile_cont(0.99) WITHIN GROUP (ORDER BY (properties->'shadow'->>'ms')::float),
    max(occurred_at)
FROM decisions_eventlog
WHERE project_id = %(project)s AND kind = 'decision' AND received_at > %(since)s AND day >= %(day)s
    AND properties->>'decision_point' = ANY(%(points)s) AND properties->'shadow'->>'version' = %(version)s
"""
_REASONS: Final = """
SELECT properties->'shadow'->>'reason', count(*) FROM decisions_eventlog
WHERE project_id = %(project)s AND kind = 'decision' AND received_at > %(since)s AND day >= %(day)s
    AND properties->>'decision_point' = ANY(%(points)s) AND properties->'shadow'->>'version' = %(version)s
    AND properties->'shadow'->>'reason' IS NOT NULL
GROUP BY 1 ORDER BY 2 DESC, 1
"""
_ROOM: Final = timedelta(days=2)
"""Days of rows are of their own clock and zone."""


@dataclass(frozen=True, slots=True)
class ShadowFacts:
    """What shadow mode saw of a version lately.

    compared: decisions with a comparison. overlap: mean share of the first 10 actions that both have. rank: mean
    Kendall's tau of these. p50_ms, p99_ms: time of a comparison. newest: project time of the newest
    comparison. reasons: how often there was none, and why.
    """

    version: int
    compared: int
    overlap: float | None
    rank: float | None
    p50_ms: float | None
    p99_ms: float | None
    newest: datetime | None
    reasons: Mapping[str, int] = field(default_factory=dict)

    @property
    def drawn(self) -> int:
        """How many decisions were drawn for comparison."""
        return self.compared + sum(self.reasons.values())


def shadow_facts(
    project_id: int, point_keys: Sequence[str], version_id: int, *, now: datetime, today: datetime
) -> ShadowFacts:
    """Return what the decision points saw of a shadow version in the last seven days by receipt.

    now: wall time. today: project time, by which days of the log are named.
    """
    values: dict[str, Any] = {
        "project": project_id,
        "points": list(point_keys),
        "version": str(version_id),
        "since": now - LATELY,
        "day": (min(now, today) - LATELY - _ROOM).date(),
    }
    with connection.cursor() as cursor:
        cursor.execute(_COMPARED, values)
        compared, overlap, rank, p50, p99, newest = cursor.fetchone()
        cursor.execute(_REASONS, values)
        reasons = {str(reason): int(count) for reason, count in cursor.fetchall()}
    return ShadowFacts(version_id, int(compared), overlap, rank, p50, p99, newest, reasons)
