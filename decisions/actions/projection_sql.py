"""The statements of the projector. Each reads what the one before it wrote to a temporary table."""

DROP = """
DROP TABLE IF EXISTS incoming_message, incoming_exposure, incoming_link, incoming_line, incoming_outcome,
    incoming_reject
"""

# The receipt time of the message that fills the batch; no row when fewer are waiting.
BATCH_END = """
SELECT received_at FROM decisions_eventlog
WHERE project_id = %s AND received_at > %s AND received_at <= %s
ORDER BY received_at OFFSET %s LIMIT 1
"""

# For a real clock origin = started and speed = 1, so that project time is receipt time. A decision is read for the
# exposure it may carry; it has no event, so it never becomes an outcome. A message that was replayed counts as received
# then, and its lateness is judged by its own receipt.
_COLUMNS = "day, message_id, kind, event, corrected_at, visitor, customer, session, item, store, properties, enrolments"
_KINDS = "log.kind IN ('track', 'decision', 'alias', 'history')"
_MESSAGES = """
CREATE TEMPORARY TABLE incoming_message ON COMMIT DROP AS
SELECT *, CASE
    WHEN corrected_at IS NULL THEN 'TIMESTAMP_UNREADABLE'
    WHEN corrected_at > project_time + interval '24 hours' THEN 'FROM_THE_FUTURE'
    WHEN kind = 'history' AND event = 'Experiment Viewed' THEN 'HISTORY_EXPOSURE'
    WHEN corrected_at < project_time - CASE kind WHEN 'history' THEN interval '400 days' ELSE interval '7 days' END
        THEN 'TOO_LATE'
END AS fault
FROM (
    SELECT *, %(origin)s::timestamptz + (receipt - %(started)s::timestamptz) * %(speed)s AS project_time
    FROM ({source}) received
) message
"""
MESSAGES = _MESSAGES.replace(
    "{source}",
    f"""
    SELECT {_COLUMNS}, log.received_at AS receipt, log.received_at, false AS replayed
    FROM decisions_eventlog log
    WHERE log.project_id = %(project)s AND log.received_at > %(after)s AND log.received_at <= %(upper)s AND {_KINDS}
        AND NOT EXISTS (
            SELECT 1 FROM decisions_replay again
            WHERE (again.project_id, again.day, again.message_id) = (log.project_id, log.day, log.message_id)
        )
    UNION ALL
    SELECT {_COLUMNS}, log.received_at AS receipt, again.replayed_at AS received_at, true AS replayed
    FROM decisions_replay again JOIN decisions_eventlog log USING (project_id, day, message_id)
    WHERE project_id = %(project)s AND again.replayed_at > %(after)s AND again.replayed_at <= %(again_upper)s
        AND {_KINDS}
    """,  # noqa: S608 - constants of this module
)

# The messages with these keys, to be judged again; one with several enrolments may count in part already.
REPLAYED_MESSAGES = _MESSAGES.replace(
    "{source}",
    f"""
    SELECT {_COLUMNS}, log.received_at AS receipt, log.received_at, true AS replayed
    FROM decisions_eventlog log
    JOIN unnest(%(days)s::date[], %(message_ids)s::text[]) AS named(day, message_id) USING (day, message_id)
    WHERE log.project_id = %(project)s AND {_KINDS}
        AND (enrolments IS NULL OR jsonb_typeof(enrolments) <> 'array' OR jsonb_array_length(enrolments) <= 1)
    """,  # noqa: S608 - constants of this module
)

# The messages with these keys as they count, to book their lines anew.
PROJECTED_MESSAGES = _MESSAGES.replace(
    "{source}",
    f"""
    SELECT {_COLUMNS}, log.received_at AS receipt, coalesce(again.replayed_at, log.received_at) AS received_at,
        again.replayed_at IS NOT NULL AS replayed
    FROM decisions_eventlog log
    JOIN unnest(%(days)s::date[], %(message_ids)s::text[]) AS named(day, message_id) USING (day, message_id)
    LEFT JOIN decisions_replay again USING (project_id, day, message_id)
    WHERE project_id = %(project)s AND {_KINDS}
    """,  # noqa: S608 - constants of this module
)

REPLAYED = """
INSERT INTO decisions_replay (project_id, day, message_id, replayed_at)
SELECT %(project)s, day, message_id, %(at)s FROM replayed_message
ON CONFLICT DO NOTHING
"""

# Attributes are those that came with this very message: plain ones, as text.
EXPOSURES = """
CREATE TEMPORARY TABLE incoming_exposure ON COMMIT DROP AS
SELECT day, message_id, received_at, corrected_at AS exposed_at, fault, replayed, visitor, customer, session, item,
    store,
    coalesce(properties->>'experiment', properties->>'experiment_id') AS claimed,
    (entry->>'experiment')::bigint AS experiment_id,
    entry->>'variant' AS variant,
    entry->>'unit' AS unit,
    entry->>'unit_kind' AS unit_kind,
    (entry->>'epoch')::integer AS epoch,
    (entry->>'probability')::double precision AS probability,
    (entry->'slots'->>0)::integer AS layer_slot,
    (entry->'slots'->>1)::integer AS coverage_slot,
    (entry->'slots'->>2)::integer AS variant_slot,
    entry->>'verification' AS verification,
    entry->>'reason' AS reason,
    CASE WHEN jsonb_typeof(properties->'attributes') = 'object' THEN (
        SELECT jsonb_object_agg(sent.key, sent.value #>> '{}') FROM jsonb_each(properties->'attributes') AS sent
        WHERE jsonb_typeof(sent.value) IN ('string', 'number', 'boolean')
    ) END AS attributes
FROM incoming_message, jsonb_array_elements(enrolments) AS entry
WHERE enrolments IS NOT NULL AND jsonb_typeof(enrolments) = 'array'
"""

# Who was whom; the ids are hashed already.
LINKS = """
CREATE TEMPORARY TABLE incoming_link ON COMMIT DROP AS
SELECT day, message_id, received_at, corrected_at AS linked_at, fault, customer, visitor
FROM incoming_message WHERE kind = 'alias' AND customer IS NOT NULL AND visitor IS NOT NULL
"""

NUMBER = r"^[+-]?[0-9]{1,12}(\.[0-9]{1,18})?([eE][+-]?[0-9])?$"
"""Amounts and quantities that are read as decimals; others are quarantined."""

# One line per message (line 0), and one per product of an order (lines 1, 2, ...). Amounts stay text until they are
# known to be numbers. Orders count net of tax and shipping: what the shop says is net, else the total without both,
# else its value; of a total with a part that is no number that part is kept, so that the message is quarantined and
# not half read. Refunds and cancellations count against revenue. Costs and clusters are asked for at `known_at`: when
# it happened, or when the message came from a clock that is ahead.
LINES = """
CREATE TEMPORARY TABLE incoming_line ON COMMIT DROP AS
WITH event_line AS (
    SELECT day, message_id, 0 AS line, event, corrected_at, least(corrected_at, project_time) AS known_at, received_at,
        fault, kind, replayed, visitor, customer,
        session,
        -- an order with lines counts for the items and clusters of its lines, once
        CASE WHEN NOT has_lines THEN coalesce(item, properties->>'product_id') END AS item, store,
        CASE WHEN NOT has_lines THEN properties->>'cluster_id' END AS cluster, properties,
        CASE WHEN event IN ('Order Completed', 'Order Refunded', 'Order Cancelled')
             THEN CASE
                WHEN properties->>'revenue' IS NOT NULL OR properties->>'total' IS NULL
                    THEN coalesce(properties->>'revenue', properties->>'value')
                WHEN properties->>'total' !~ %(number)s THEN properties->>'total'
                WHEN properties->>'tax' !~ %(number)s THEN properties->>'tax'
                WHEN properties->>'shipping' !~ %(number)s THEN properties->>'shipping'
                ELSE round((properties->>'total')::numeric - coalesce((properties->>'tax')::numeric, 0)
                    - coalesce((properties->>'shipping')::numeric, 0), 6)::text
             END
             ELSE coalesce(properties->>'revenue', properties->>'value', properties->>'price') END AS amount,
        coalesce(properties->>'quantity', '1') AS quantity,
        properties->>'order_id' AS order_id,
        CASE WHEN event IN ('Order Refunded', 'Order Cancelled') THEN -1 ELSE 1 END AS sign,
        event IN ('Order Completed', 'Order Refunded', 'Order Cancelled') AS needs_amount
    FROM incoming_message, LATERAL (
        SELECT CASE WHEN event NOT IN ('Order Completed', 'Order Refunded', 'Order Cancelled') THEN false
            WHEN jsonb_typeof(properties->'products') = 'array' THEN jsonb_array_length(properties->'products') > 0
            ELSE false END AS has_lines
    ) lines
    WHERE event IS NOT NULL AND event <> 'Experiment Viewed'
)
SELECT * FROM event_line
UNION ALL
SELECT day, message_id, position::integer, event, corrected_at, known_at, received_at, fault, kind, replayed, visitor,
    customer, session, product->>'product_id', store, coalesce(product->>'cluster_id', properties->>'cluster_id'),
    properties, product->>'price', coalesce(product->>'quantity', '1'), order_id, sign, false
FROM event_line, jsonb_array_elements(properties->'products') WITH ORDINALITY AS listed(product, position)
WHERE jsonb_typeof(properties->'products') = 'array'
    AND event IN ('Order Completed', 'Order Refunded', 'Order Cancelled') AND jsonb_typeof(product) = 'object'
"""

OUTCOMES = """
CREATE TEMPORARY TABLE incoming_outcome ON COMMIT DROP AS
SELECT day, message_id, line, event, corrected_at AS occurred_at, known_at, received_at,
    kind = 'history' AS is_history, replayed, visitor, customer, session, item, store, cluster,
    CASE WHEN amount ~ %(number)s AND quantity ~ %(number)s THEN
        sign * round(amount::numeric * 1000000 * CASE WHEN line > 0 THEN quantity::numeric ELSE 1 END)
    END AS value,
    CASE WHEN quantity ~ %(number)s THEN round(quantity::numeric) END AS quantity,
    CASE WHEN quantity ~ %(number)s THEN quantity::numeric END AS pieces,
    order_id,
    coalesce(fault, CASE
        WHEN properties->>'currency' IS NOT NULL AND properties->>'currency' <> %(currency)s THEN 'CURRENCY_MISMATCH'
        WHEN needs_amount AND amount IS NULL THEN 'AMOUNT_MISSING'
        WHEN amount IS NOT NULL AND amount !~ %(number)s THEN 'AMOUNT_INVALID'
        WHEN quantity !~ %(number)s THEN 'QUANTITY_INVALID'
    END) AS fault
FROM incoming_line
"""

# An exposure message without any enrolment says so; a fault of one line is a fault of its message.
REJECTS = """
CREATE TEMPORARY TABLE incoming_reject ON COMMIT DROP AS
SELECT DISTINCT ON (day, message_id, reason) day, message_id, received_at, reason, detail FROM (
    SELECT day, message_id, received_at, fault AS reason, '' AS detail
    FROM incoming_outcome WHERE fault IS NOT NULL
    UNION ALL
    SELECT day, message_id, received_at, coalesce(fault, reason), coalesce('experiment ' || experiment_id, '')
    FROM incoming_exposure WHERE coalesce(fault, reason) IS NOT NULL
    UNION ALL
    SELECT day, message_id, received_at, fault, '' FROM incoming_link WHERE fault IS NOT NULL
    UNION ALL
    SELECT day, message_id, received_at,
        CASE WHEN fault = 'HISTORY_EXPOSURE' THEN fault ELSE 'EXPOSURE_EMPTY' END, ''
    FROM incoming_message
    WHERE event = 'Experiment Viewed' AND (enrolments IS NULL OR enrolments = '[]'::jsonb)
) fault
ORDER BY day, message_id, reason, detail
"""
