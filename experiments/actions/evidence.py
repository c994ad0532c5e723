"""Exposures, identity links and outcomes: recorded in sets from the temporary tables that the projector fills.

`incoming_exposure`, `incoming_link`, `incoming_outcome` and `incoming_reject` are the boundary: this module reads them
and writes the evidence tables, and knows nothing of where the messages came from.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper

from experiments.vocabulary import BOOKED_LINE

MICROS_LIMIT = 9_000_000_000_000_000_000


@dataclass(frozen=True, slots=True)
class Recorded:
    """Rows added to each table."""

    exposures: int
    outcomes: int
    quarantined: int


# A row is a new running minimum of the exposure time within (experiment, unit, variant), in the order of receipt.
_EXPOSURES = """
INSERT INTO experiments_firstexposure (experiment_id, unit, variant_id, epoch, probability, layer_slot, coverage_slot,
    variant_slot, exposed_at, received_at, message_id, verification, attributes)
SELECT experiment_id, unit, variant_id, epoch, probability, layer_slot, coverage_slot, variant_slot, exposed_at,
    received_at, message_id, verification, attributes
FROM (
    SELECT *, min(exposed_at) OVER (
        PARTITION BY experiment_id, unit, variant_id ORDER BY received_at
        ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
    ) AS earlier
    FROM (
        SELECT DISTINCT ON (i.experiment_id, i.unit, v.id, i.received_at) i.*, v.id AS variant_id
        FROM incoming_exposure i
        JOIN experiments_experiment e
            ON e.id = i.experiment_id AND e.project_id = %(project)s AND e.unit_kind = i.unit_kind
        JOIN experiments_variant v ON v.experiment_id = e.id AND v.key = i.variant
        WHERE i.fault IS NULL AND i.reason IS NULL AND i.unit IS NOT NULL
        ORDER BY i.experiment_id, i.unit, v.id, i.received_at, i.exposed_at, i.message_id
    ) once
) ranked
WHERE (earlier IS NULL OR exposed_at < earlier)
  AND NOT EXISTS (
    SELECT 1 FROM experiments_firstexposure known
    WHERE known.experiment_id = ranked.experiment_id AND known.unit = ranked.unit
      AND known.variant_id = ranked.variant_id AND known.exposed_at <= ranked.exposed_at
  )
ON CONFLICT DO NOTHING
"""

# An exposure of an experiment that the edge did not know yet, as one that was launched a moment before: once somebody
# replays it, it counts as a back end claimed it, in the epoch of its own time.
_RESOLVED_EXPOSURES = """
UPDATE incoming_exposure i
SET experiment_id = found.experiment_id, unit_kind = found.unit_kind, unit = found.unit, epoch = found.epoch,
    probability = found.probability, reason = NULL
FROM (
    SELECT x.day, x.message_id, e.id AS experiment_id, e.unit_kind, opened.number AS epoch,
        a.weight / 1000000.0 AS probability,
        CASE e.unit_kind WHEN 'visitor' THEN x.visitor WHEN 'customer' THEN x.customer WHEN 'session' THEN x.session
            WHEN 'item' THEN x.item WHEN 'store' THEN x.store
            WHEN 'store-item' THEN x.store || '|' || x.item END AS unit
    FROM incoming_exposure x
    JOIN experiments_experiment e ON e.project_id = %(project)s AND e.source = 'OWN' AND e.period_minutes IS NULL
        AND (e.key = x.claimed OR e.id::text = x.claimed)
        AND e.started_at <= x.exposed_at AND (e.stopped_at IS NULL OR e.stopped_at > x.exposed_at)
    JOIN LATERAL (
        SELECT p.id, p.number FROM experiments_allocationepoch p
        WHERE p.experiment_id = e.id AND p.opened_at <= x.exposed_at ORDER BY p.number DESC LIMIT 1
    ) opened ON true
    JOIN experiments_variant v ON v.experiment_id = e.id AND v.key = x.variant
    JOIN experiments_epochallocation a ON a.epoch_id = opened.id AND a.variant_id = v.id
    WHERE x.replayed AND x.fault IS NULL AND x.reason = 'EXPERIMENT_UNKNOWN'
) found
WHERE i.day = found.day AND i.message_id = found.message_id AND i.reason = 'EXPERIMENT_UNKNOWN'
    AND found.unit IS NOT NULL
"""
_RESOLVED_REJECTS = """
DELETE FROM incoming_reject r USING incoming_exposure i
WHERE i.day = r.day AND i.message_id = r.message_id AND i.replayed AND i.reason IS NULL
    AND r.reason = 'EXPERIMENT_UNKNOWN'
"""

# History is for covariates: what lies before every experiment of ours, or between them, never inside one.
_HISTORY = """
WITH inside AS (
    UPDATE incoming_outcome o SET fault = 'HISTORY_INSIDE_EXPERIMENT'
    WHERE o.is_history AND o.fault IS NULL AND EXISTS (
        SELECT 1 FROM experiments_experiment e
        WHERE e.project_id = %(project)s AND e.source = 'OWN' AND e.started_at <= o.occurred_at AND (
            e.stopped_at IS NULL OR o.occurred_at < e.stopped_at + (
                SELECT make_interval(hours => coalesce(max(m.window_hours + m.maturity_hours), 0))
                FROM experiments_experimentmetric u JOIN experiments_metric m ON m.id = u.metric_id
                WHERE u.experiment_id = e.id
            )
        )
    )
    RETURNING day, message_id, received_at
)
INSERT INTO incoming_reject (day, message_id, received_at, reason, detail)
SELECT DISTINCT day, message_id, received_at, 'HISTORY_INSIDE_EXPERIMENT', '' FROM inside
"""

_UNKNOWN_EXPOSURES = """
INSERT INTO incoming_reject (day, message_id, received_at, reason, detail)
SELECT DISTINCT i.day, i.message_id, i.received_at, 'EXPOSURE_UNKNOWN', 'experiment ' || coalesce(i.experiment_id, 0)
FROM incoming_exposure i
LEFT JOIN experiments_experiment e
    ON e.id = i.experiment_id AND e.project_id = %(project)s AND e.unit_kind = i.unit_kind
LEFT JOIN experiments_variant v ON v.experiment_id = e.id AND v.key = i.variant
WHERE i.fault IS NULL AND i.reason IS NULL AND (v.id IS NULL OR i.unit IS NULL)
"""

# The message of a pair that was received first makes its row.
_LINKS = """
INSERT INTO experiments_identitylink (project_id, customer, visitor, linked_at, received_at, message_id)
SELECT DISTINCT ON (customer, visitor) %(project)s, customer, visitor, linked_at, received_at, message_id
FROM incoming_link WHERE fault IS NULL
ORDER BY customer, visitor, received_at, message_id, day
ON CONFLICT DO NOTHING
"""

# The first message received with an order id is the order; the same order sent again under another message id is not.
_REPEATED_ORDERS = """
WITH placed AS (
    SELECT day, message_id, received_at,
        row_number() OVER (PARTITION BY order_id ORDER BY received_at, message_id, day) AS place, order_id
    FROM incoming_outcome WHERE line = 0 AND event = 'Order Completed' AND order_id IS NOT NULL AND fault IS NULL
), repeated AS (
    SELECT day, message_id, received_at, order_id FROM placed
    WHERE place > 1 OR EXISTS (
        SELECT 1 FROM experiments_outcome known
        WHERE known.project_id = %(project)s AND known.order_id = placed.order_id AND known.line = 0
          AND known.event = 'Order Completed'
          AND (known.day, known.message_id) IS DISTINCT FROM (placed.day, placed.message_id)
    )
), noted AS (
    INSERT INTO incoming_reject (day, message_id, received_at, reason, detail)
    SELECT day, message_id, received_at, 'DUPLICATE_ORDER', 'order ' || left(order_id, 100) FROM repeated
)
UPDATE incoming_outcome o SET fault = 'DUPLICATE_ORDER' FROM repeated r
WHERE o.day = r.day AND o.message_id = r.message_id
"""

_OVERSIZED = """
WITH oversized AS (
    UPDATE incoming_outcome SET fault = 'AMOUNT_INVALID'
    WHERE fault IS NULL AND (abs(value) > %(limit)s OR abs(quantity) > %(limit)s)
    RETURNING day, message_id, received_at
)
INSERT INTO incoming_reject (day, message_id, received_at, reason, detail)
SELECT DISTINCT day, message_id, received_at, 'AMOUNT_INVALID', '' FROM oversized
"""

_PARTITIONS = """
SELECT tiltyard_ensure_partition('experiments_outcome', day)
FROM (SELECT DISTINCT day FROM incoming_outcome ORDER BY day) days
"""

_INSERT_OUTCOMES = """
INSERT INTO experiments_outcome (project_id, day, message_id, line, event, occurred_at, received_at, visitor, customer,
    session, item, store, cluster, value, quantity, order_id)
SELECT %(project)s, day, message_id, line, event, occurred_at, received_at, visitor, customer, session, item, store,
    cluster, value::bigint, quantity::bigint, order_id
FROM incoming_outcome o
"""
_OUTCOMES = f"""
{_INSERT_OUTCOMES}
WHERE NOT EXISTS (
    SELECT 1 FROM incoming_reject r WHERE r.day = o.day AND r.message_id = o.message_id
)
ON CONFLICT DO NOTHING
"""  # noqa: S608 - a constant of this module
_UNBOOKED = """
DELETE FROM experiments_outcome o USING incoming_message m
WHERE o.project_id = %(project)s AND o.day = m.day AND o.message_id = m.message_id AND o.line >= %(booked)s
"""
# A line that does not count has nothing booked for it.
_BOOKED = f"""
{_INSERT_OUTCOMES}
WHERE o.line >= %(booked)s AND EXISTS (
    SELECT 1 FROM experiments_outcome known
    WHERE known.project_id = %(project)s AND known.day = o.day AND known.message_id = o.message_id
        AND known.line = o.line - %(booked)s
)
"""  # noqa: S608 - a constant of this module

_QUARANTINE = """
INSERT INTO experiments_quarantine (project_id, experiment_id, origin, reference, reason, detail, payload, received_at)
SELECT %(project)s, NULL, 'EVENT', day || '/' || message_id, reason, string_agg(DISTINCT detail, '; ' ORDER BY detail),
    jsonb_build_object('day', day, 'message_id', message_id), received_at
FROM incoming_reject
GROUP BY day, message_id, received_at, reason
ON CONFLICT DO NOTHING
"""


# Of messages that are judged again those that still have a fault stay where they are.
_CLEAN = """
DROP TABLE IF EXISTS replayed_message;
CREATE TEMPORARY TABLE replayed_message ON COMMIT DROP AS
SELECT day, message_id FROM incoming_message m
WHERE NOT EXISTS (SELECT 1 FROM incoming_reject r WHERE r.day = m.day AND r.message_id = m.message_id)
"""
_KEPT_BACK = """
DELETE FROM {table} i
WHERE EXISTS (SELECT 1 FROM incoming_reject r WHERE r.day = i.day AND r.message_id = i.message_id)
"""
_RELEASED = """
DELETE FROM experiments_quarantine q USING incoming_message m
WHERE q.project_id = %(project)s AND q.origin = 'EVENT' AND q.reference = m.day || '/' || m.message_id
    AND NOT EXISTS (
        SELECT 1 FROM incoming_reject r
        WHERE r.day = m.day AND r.message_id = m.message_id AND r.reason = q.reason
    )
"""


@transaction.atomic
def record_evidence(*, project_id: int) -> Recorded:
    """Record what the temporary tables hold; running it again on the same messages changes nothing."""
    parameters = {"project": project_id}
    with connection.cursor() as cursor:
        _judge(cursor, parameters)
        return _record(cursor, parameters)


@transaction.atomic
def replay_evidence(*, project_id: int, at: datetime) -> Recorded:
    """Judge the messages of the temporary tables again; record those without a fault as received at `at`.

    They leave the quarantine and are named in the temporary table `replayed_message`; the others keep their rows.
    """
    parameters = {"project": project_id}
    with connection.cursor() as cursor:
        _judge(cursor, parameters)
        cursor.execute(_CLEAN)
        for table in ("incoming_exposure", "incoming_link", "incoming_outcome"):
            cursor.execute(_KEPT_BACK.format(table=table))
            cursor.execute(f"UPDATE {table} SET received_at = %s", [at])  # noqa: S608 - one of three names
        recorded = _record(cursor, parameters)
        cursor.execute(_RELEASED, parameters)
    return recorded


@transaction.atomic
def rebook_evidence(*, project_id: int) -> int:
    """Replace what is booked for the lines of the messages in the temporary tables; return how many outcomes that is.

    Only lines that count already have something booked for them; nothing else of these messages changes.
    """
    parameters = {"project": project_id, "booked": BOOKED_LINE}
    with connection.cursor() as cursor:
        cursor.execute(_UNBOOKED, parameters)
        cursor.execute(_BOOKED, parameters)
        return int(cursor.rowcount)


def _judge(cursor: CursorWrapper, parameters: Mapping[str, int]) -> None:
    """Add to the faults of the messages those that only the project's records can tell."""
    cursor.execute(_RESOLVED_EXPOSURES, parameters)
    cursor.execute(_RESOLVED_REJECTS)
    cursor.execute(_UNKNOWN_EXPOSURES, parameters)
    cursor.execute(_HISTORY, parameters)
    cursor.execute(_OVERSIZED, {"limit": MICROS_LIMIT})
    cursor.execute(_REPEATED_ORDERS, parameters)


def _record(cursor: CursorWrapper, parameters: Mapping[str, int]) -> Recorded:
    cursor.execute(_EXPOSURES, parameters)
    exposures = cursor.rowcount
    cursor.execute(_LINKS, parameters)
    cursor.execute(_PARTITIONS)
    cursor.execute(_OUTCOMES, parameters)
    outcomes = cursor.rowcount
    cursor.execute(_QUARANTINE, parameters)
    return Recorded(exposures=exposures, outcomes=outcomes, quarantined=cursor.rowcount)


@transaction.atomic
def forget_evidence(*, project_id: int) -> None:
    """Delete the project's exposures, links, outcomes and quarantined events, before they are projected again."""
    with connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM experiments_firstexposure f USING experiments_experiment e"
            " WHERE e.id = f.experiment_id AND e.project_id = %s",
            [project_id],
        )
        cursor.execute("DELETE FROM experiments_identitylink WHERE project_id = %s", [project_id])
        cursor.execute("DELETE FROM experiments_outcome WHERE project_id = %s", [project_id])
        cursor.execute("DELETE FROM experiments_quarantine WHERE project_id = %s AND origin = 'EVENT'", [project_id])
