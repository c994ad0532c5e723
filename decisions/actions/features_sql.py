"""The statements that read from the event log what units dealt with, and what was shown to them."""

from typing import Final

_UNITS: Final = "LATERAL (VALUES ('visitor', log.visitor), ('customer', log.customer)) unit(kind, id)"
_RECEIVED: Final = "log.project_id = %(project)s AND log.received_at > %(after)s AND log.received_at <= %(until)s"

DEALT_WITH: Final = f"""
SELECT kind, unit, item, is_order, extract(epoch FROM max(at))::double precision FROM (
    SELECT unit.kind, unit.id AS unit, item, false AS is_order, corrected_at AS at
    FROM decisions_eventlog log, {_UNITS}
    WHERE {_RECEIVED} AND log.kind = 'track'
        AND event IN ('Product Viewed', 'Product Added') AND item IS NOT NULL AND unit.id IS NOT NULL
    UNION ALL
    SELECT unit.kind, unit.id, line->>'product_id', true, corrected_at
    FROM decisions_eventlog log, {_UNITS},
        jsonb_array_elements(
            CASE WHEN jsonb_typeof(properties->'products') = 'array' THEN properties->'products' ELSE '[]' END
        ) AS line
    WHERE {_RECEIVED} AND log.kind = 'track'
        AND event = 'Order Completed' AND line->>'product_id' IS NOT NULL AND unit.id IS NOT NULL
) dealt
WHERE at IS NOT NULL GROUP BY kind, unit, item, is_order
ORDER BY kind, unit
"""  # noqa: S608 - of constants
"""Rows (unit kind, unit, item, whether it was bought, when last) of what was received in (after, until]."""

SHOWN: Final = f"""
SELECT kind, unit, action, told_by, extract(epoch FROM max(at))::double precision FROM (
    SELECT unit.kind, unit.id AS unit, properties->>'promotion_id' AS action,
        coalesce(properties->>'decision_id', message_id) AS told_by, corrected_at AS at
    FROM decisions_eventlog log, {_UNITS}
    WHERE {_RECEIVED} AND log.kind = 'track' AND event = 'Promotion Viewed' AND unit.id IS NOT NULL
    UNION ALL
    SELECT unit.kind, unit.id, chosen->>0, log.message_id, log.corrected_at
    FROM decisions_eventlog log, {_UNITS}, jsonb_array_elements(properties->'actions') AS chosen
    WHERE {_RECEIVED} AND log.kind = 'decision' AND properties->>'decision_point' = ANY(%(points)s)
        AND 'true' IN (properties->>'displayed', properties->>'exposed') AND unit.id IS NOT NULL
    UNION ALL
    SELECT unit.kind, unit.id, chosen->>0, made.message_id, log.corrected_at
    FROM decisions_eventlog log
    JOIN decisions_eventlog made ON made.project_id = log.project_id AND made.kind = 'decision'
        AND made.day BETWEEN log.day - 2 AND log.day + 1 AND made.message_id = log.properties->>'decision_id',
        {_UNITS}, jsonb_array_elements(made.properties->'actions') AS chosen
    WHERE {_RECEIVED} AND log.kind = 'track' AND log.event = 'Experiment Viewed'
        AND made.properties->>'decision_point' = ANY(%(points)s) AND unit.id IS NOT NULL
) seen
WHERE at IS NOT NULL AND action IS NOT NULL GROUP BY kind, unit, action, told_by
ORDER BY kind, unit
"""  # noqa: S608 - of constants
"""Rows (unit kind, unit, action, decision or message that tells of it, when) of what was received in (after, until].

A decision tells of it where the storefront showed it at once, or said later that it did. A promotion that names its
decision is the same showing.
"""
