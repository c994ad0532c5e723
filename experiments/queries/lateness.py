"""What the projector has just recorded about the time of a look that was taken before."""

from dataclasses import dataclass
from datetime import datetime

from django.db import connection

# The newest look of each experiment, for it alone is read as the present state. An outcome concerns it where its unit
# had been exposed by then; units by period are told apart by their cell, so that any unit of their kind will do.
_LATER = """
WITH look AS (
    SELECT DISTINCT ON (s.experiment_id) s.id, s.experiment_id, s.window_end, s.received_before, e.unit_kind,
        e.started_at, e.period_minutes IS NOT NULL AS by_period
    FROM experiments_scorecard s JOIN experiments_experiment e ON e.id = s.experiment_id
    WHERE e.project_id = %(project)s AND e.source = 'OWN'
    ORDER BY s.experiment_id, s.look DESC
), later AS (
    SELECT l.id, l.experiment_id, o.received_at
    FROM look l
    JOIN (
        SELECT * FROM incoming_outcome
        WHERE fault IS NULL AND NOT is_history AND replayed = %(replayed)s
    ) o ON o.occurred_at < l.window_end AND o.occurred_at >= l.started_at
        AND (o.line = 0 OR l.unit_kind IN ('item', 'cluster', 'store-item'))
        AND o.received_at >= l.received_before
    CROSS JOIN LATERAL (
        SELECT CASE l.unit_kind WHEN 'visitor' THEN o.visitor WHEN 'customer' THEN o.customer
            WHEN 'session' THEN o.session WHEN 'item' THEN o.item WHEN 'store' THEN o.store
            WHEN 'cluster' THEN o.cluster WHEN 'store-item' THEN o.store || '|' || o.item END AS unit
    ) done
    WHERE done.unit IS NOT NULL AND (l.by_period OR EXISTS (
        SELECT 1 FROM experiments_firstexposure f
        WHERE f.experiment_id = l.experiment_id AND f.unit = done.unit AND f.exposed_at <= o.occurred_at
    ))
    UNION ALL
    SELECT l.id, l.experiment_id, x.received_at
    FROM look l JOIN incoming_exposure x ON x.experiment_id = l.experiment_id
    WHERE x.fault IS NULL AND x.reason IS NULL AND x.replayed = %(replayed)s
        AND x.exposed_at < l.window_end AND x.exposed_at >= l.started_at AND x.received_at >= l.received_before
)
SELECT id, experiment_id, count(*), max(received_at) FROM later GROUP BY id, experiment_id ORDER BY id
"""


@dataclass(frozen=True, slots=True)
class LaterRows:
    """Evidence about the time of a look that was recorded after it, and when the newest of it was received."""

    scorecard_id: int
    experiment_id: int
    rows: int
    newest: datetime


def later_rows(project_id: int, *, replayed: bool) -> list[LaterRows]:
    """Return what the temporary tables of the projector hold about looks that were taken already.

    `replayed` asks for what was replayed now, otherwise for what was received; must run in their transaction.
    """
    with connection.cursor() as cursor:
        cursor.execute(_LATER, {"project": project_id, "replayed": replayed})
        return [LaterRows(*row) for row in cursor.fetchall()]
