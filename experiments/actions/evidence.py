"""Exposures and outcomes: recorded in sets from the temporary tables that the projector fills.

`incoming_exposure`, `incoming_outcome` and `incoming_reject` are the boundary: this module reads them and writes the
evidence tables, and knows nothing of where the messages came from.
"""

from dataclasses import dataclass

from django.db import connection, transaction

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

_UNKNOWN_EXPOSURES = """
INSERT INTO incoming_reject (day, message_id, received_at, reason, detail)
SELECT DISTINCT i.day, i.message_id, i.received_at, 'EXPOSURE_UNKNOWN', 'experiment ' || coalesce(i.experiment_id, 0)
FROM incoming_exposure i
LEFT JOIN experiments_experiment e
    ON e.id = i.experiment_id AND e.project_id = %(project)s AND e.unit_kind = i.unit_kind
LEFT JOIN experiments_variant v ON v.experiment_id = e.id AND v.key = i.variant
WHERE i.fault IS NULL AND i.reason IS NULL AND (v.id IS NULL OR i.unit IS NULL)
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

_OUTCOMES = """
INSERT INTO experiments_outcome (project_id, day, message_id, line, event, occurred_at, received_at, visitor, customer,
    session, item, store, value, quantity, order_id)
SELECT %(project)s, day, message_id, line, event, occurred_at, received_at, visitor, customer, session, item, store,
    value::bigint, quantity::bigint, order_id
FROM incoming_outcome o
WHERE NOT EXISTS (
    SELECT 1 FROM incoming_reject r WHERE r.day = o.day AND r.message_id = o.message_id
)
ON CONFLICT DO NOTHING
"""

_QUARANTINE = """
INSERT INTO experiments_quarantine (project_id, experiment_id, origin, reference, reason, detail, payload, received_at)
SELECT %(project)s, NULL, 'EVENT', day || '/' || message_id, reason, string_agg(DISTINCT detail, '; ' ORDER BY detail),
    jsonb_build_object('day', day, 'message_id', message_id), received_at
FROM incoming_reject
GROUP BY day, message_id, received_at, reason
ON CONFLICT DO NOTHING
"""


@transaction.atomic
def record_evidence(*, project_id: int) -> Recorded:
    """Record what the temporary tables hold; running it again on the same messages changes nothing."""
    parameters = {"project": project_id}
    with connection.cursor() as cursor:
        cursor.execute(_UNKNOWN_EXPOSURES, parameters)
        cursor.execute(_EXPOSURES, parameters)
        exposures = cursor.rowcount
        cursor.execute(_OVERSIZED, {"limit": MICROS_LIMIT})
        cursor.execute(_REPEATED_ORDERS, parameters)
        cursor.execute(_PARTITIONS)
        cursor.execute(_OUTCOMES, parameters)
        outcomes = cursor.rowcount
        cursor.execute(_QUARANTINE, parameters)
        quarantined = cursor.rowcount
    return Recorded(exposures=exposures, outcomes=outcomes, quarantined=quarantined)


@transaction.atomic
def forget_evidence(*, project_id: int) -> None:
    """Delete the project's exposures, outcomes and quarantined events, before they are projected again from the log."""
    with connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM experiments_firstexposure f USING experiments_experiment e"
            " WHERE e.id = f.experiment_id AND e.project_id = %s",
            [project_id],
        )
        cursor.execute("DELETE FROM experiments_outcome WHERE project_id = %s", [project_id])
        cursor.execute("DELETE FROM experiments_quarantine WHERE project_id = %s AND origin = 'EVENT'", [project_id])
