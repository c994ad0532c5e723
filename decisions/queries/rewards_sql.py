"""The statements that join decisions with their rewards. Each reads what the one before it wrote to a temporary table.

A unit is whoever the decision was made for: rewards are looked for under each of its ids. A happening is one reward as
the log has it: an event, or a line of an order; it counts once, for the action that its unit was shown last before it.
"""

TABLES = ("reward_seen", "reward_shown", "reward_happening", "reward_credited")
DROP = f"DROP TABLE IF EXISTS {', '.join(TABLES)}"
ANALYSE = "ANALYZE reward_seen (message_id, at), reward_shown (message_id, unit, action), reward_happening"
ALL_ROWS = "SET LOCAL cursor_tuple_fraction = 1"
"""All rows of a cursor are fetched: a plan that is quick to give the first would take minutes for the last."""

NUMBER = r"^[+-]?[0-9]{1,12}(\.[0-9]{1,18})?([eE][+-]?[0-9])?$"
"""Prices and quantities that are read; others make the value NaN."""

# Rows lie under the day of their untouched timestamp: a day of margin on both sides. What was received after the bound
# does not exist for this question, so that it has the same answer whenever it is asked.
_LOGGED = """
    log.project_id = %(project)s AND log.day BETWEEN %(start)s::date - 1 AND %(horizon)s::date + 1
    AND log.received_at <= %(received_before)s
"""

# Decisions that somebody saw: at once, or by an event of seeing that names the decision. Those that were made
# later than the ones in question compete with them for what happened.
SEEN = f"""
CREATE TEMPORARY TABLE reward_seen ON COMMIT DROP AS
WITH decision AS MATERIALIZED (
    SELECT message_id, occurred_at AS at, visitor, customer, session, properties,
        coalesce(properties->>'displayed', properties->>'exposed') = 'true' AS is_seen
    FROM decisions_eventlog log
    WHERE {_LOGGED} AND log.kind = 'decision' AND properties->>'decision_point' = %(point)s
        AND occurred_at >= %(start)s AND occurred_at < %(horizon)s
), exposure AS (
    SELECT decision.message_id, min(log.corrected_at) AS at
    FROM decision JOIN decisions_eventlog log ON log.properties->>'decision_id' = decision.message_id
    WHERE NOT decision.is_seen AND {_LOGGED} AND log.kind = 'track'
        AND log.event IN ('Experiment Viewed', 'Promotion Viewed')
        AND log.corrected_at < decision.at + %(exposed_within)s
        AND (log.visitor = decision.visitor OR log.customer = decision.customer OR log.session = decision.session)
    GROUP BY decision.message_id
)
SELECT message_id, decision.at, greatest(decision.at, exposure.at) AS seen_at, visitor, customer, session, properties
FROM decision LEFT JOIN exposure USING (message_id)
WHERE is_seen OR exposure.at IS NOT NULL
"""  # noqa: S608 - constants of this module

SHOWN = """
CREATE TEMPORARY TABLE reward_shown ON COMMIT DROP AS
SELECT message_id, at, seen_at, (listed.position - 1)::integer AS position, listed.action->>0 AS action, unit
FROM reward_seen, unnest(ARRAY[visitor, customer, session]) AS unit,
    jsonb_array_elements(
        CASE WHEN jsonb_typeof(properties->'actions') = 'array' THEN properties->'actions' ELSE '[]' END
    ) WITH ORDINALITY AS listed(action, position)
WHERE unit IS NOT NULL
"""

HAPPENINGS = """
CREATE TEMPORARY TABLE reward_happening (
    reward integer NOT NULL, identity text NOT NULL, at timestamptz NOT NULL, action text, value double precision,
    unit text NOT NULL
) ON COMMIT DROP
"""

# An event that names its action: by the item it is about, or by a property.
EVENTS = f"""
INSERT INTO reward_happening
SELECT %(reward)s, log.message_id, log.corrected_at,
    CASE WHEN %(prop)s = 'product_id' THEN coalesce(log.item, properties->>'product_id') ELSE properties->>%(prop)s END,
    NULL, unit
FROM decisions_eventlog log, unnest(ARRAY[visitor, customer, session]) AS unit
WHERE {_LOGGED} AND log.kind = 'track' AND log.event = %(event)s AND unit IS NOT NULL
    AND log.corrected_at >= %(start)s AND log.corrected_at < %(horizon)s
"""  # noqa: S608 - constants of this module

# Orders count by their own id: one that is told twice is what was received first. What else tells of it says only who
# else the unit is; so a day more is read, for what was told before the stretch in question begins.
_TOLD = f"""
WITH told AS (
    SELECT coalesce(properties->>'order_id', log.message_id) AS identity, visitor, customer, session,
        first_value(log.corrected_at) OVER first_told AS at, first_value(properties) OVER first_told AS properties
    FROM decisions_eventlog log
    WHERE {_LOGGED} AND log.kind = 'track' AND log.event = %(event)s
        AND log.corrected_at >= %(start)s - interval '1 day' AND log.corrected_at < %(horizon)s
    WINDOW first_told AS (
        PARTITION BY coalesce(properties->>'order_id', log.message_id) ORDER BY log.received_at, log.message_id, log.day
    )
)
INSERT INTO reward_happening
"""  # noqa: S608 - constants of this module

# The lines of an order name the actions.
LINES = f"""
{_TOLD}
SELECT %(reward)s, identity || ' ' || listed.position, at, listed.line->>'product_id',
    CASE WHEN coalesce(listed.line->>'price', '0') ~ %(number)s AND coalesce(listed.line->>'quantity', '1') ~ %(number)s
        THEN coalesce(listed.line->>'price', '0')::float8 * coalesce(listed.line->>'quantity', '1')::float8
        ELSE 'NaN' END,
    unit
FROM told, unnest(ARRAY[visitor, customer, session]) AS unit,
    jsonb_array_elements(
        CASE WHEN jsonb_typeof(properties->'products') = 'array' THEN properties->'products' ELSE '[]' END
    ) WITH ORDINALITY AS listed(line, position)
WHERE unit IS NOT NULL AND at >= %(start)s AND listed.line->>'product_id' IS NOT NULL
"""  # noqa: S608 - constants of this module

ORDERS = f"""
{_TOLD}
SELECT %(reward)s, identity, at, NULL,
    CASE WHEN coalesce(properties->>'revenue', properties->>'total', properties->>'value', '0') ~ %(number)s
        THEN coalesce(properties->>'revenue', properties->>'total', properties->>'value', '0')::float8 ELSE 'NaN' END,
    unit
FROM told, unnest(ARRAY[visitor, customer, session]) AS unit
WHERE unit IS NOT NULL AND at >= %(start)s
"""  # noqa: S608 - constants of this module

# Whether it came in time is judged afterwards: what came too late for the last one shown is not the merit of another.
CREDITED = """
CREATE TEMPORARY TABLE reward_credited ON COMMIT DROP AS
SELECT DISTINCT ON (happening.reward, happening.identity) happening.reward, happening.identity, happening.at,
    happening.value, shown.message_id, shown.position, shown.at AS decided_at, shown.seen_at
FROM reward_happening happening JOIN reward_shown shown USING (unit, action)
WHERE shown.seen_at <= happening.at
ORDER BY happening.reward, happening.identity, shown.seen_at DESC, shown.message_id DESC, shown.position,
    happening.at
"""

# An order that names no action is the merit of what its unit touched last before it, where that touch counts.
TOUCHED = """
INSERT INTO reward_credited
SELECT DISTINCT ON (happening.identity) happening.reward, happening.identity, happening.at, happening.value,
    touch.message_id, touch.position, touch.decided_at, touch.seen_at
FROM reward_happening happening
JOIN reward_happening touching ON touching.unit = happening.unit AND touching.reward = %(touch)s
    AND touching.at <= happening.at
JOIN reward_credited touch ON touch.reward = touching.reward AND touch.identity = touching.identity
    AND touch.at < touch.seen_at + %(touch_within)s
WHERE happening.reward = %(reward)s
ORDER BY happening.identity, touch.at DESC, touch.message_id DESC, touch.position, happening.at
"""

# One row for each decision, in the order of time: its rewards as parallel arrays.
ROWS = """
SELECT seen.message_id, extract(epoch FROM seen.at)::float8, coalesce(customer, visitor, session, ''),
    (seen.properties->>'experiment') || '/' || (seen.properties->>'variant'), (seen.properties->>'version')::bigint,
    (seen.properties->'actions')::text, (seen.properties->'features')::text, {more},
    met.rewards, met.positions, met.amounts
FROM reward_seen seen LEFT JOIN (
    SELECT message_id, array_agg(reward ORDER BY reward, position) AS rewards,
        array_agg(position ORDER BY reward, position) AS positions,
        array_agg(amount ORDER BY reward, position) AS amounts
    FROM (
        SELECT credited.message_id, credited.reward, credited.position, sum(credited.value) AS amount
        FROM reward_credited credited
        JOIN unnest(%(withins)s::interval[]) WITH ORDINALITY AS bound(within, number)
            ON bound.number = credited.reward + 1
        WHERE credited.at < credited.seen_at + bound.within
        GROUP BY credited.message_id, credited.reward, credited.position
    ) counted GROUP BY message_id
) met USING (message_id)
WHERE seen.at >= %(start)s AND seen.at < %(end)s {only}
ORDER BY seen.at, seen.message_id
"""
