"""What came of advertisements: clicks on creatives that were shown, and the orders that followed, from the log."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from django.db import connection

from decisions.domains.ad_placement.reward import CLICKED, ORDERED, REWARDS
from decisions.queries.rewards_sql import NUMBER

CLICK_WITHIN: Final = REWARDS[0].within
ORDER_WITHIN: Final = REWARDS[1].within

# A click counts where a decision had shown the creative to the unit within the time before it, once for each showing,
# and belongs to the latest such decision. Units are visitors, customers and sessions; the ids of each kind are hashed
# differently. Rows lie under the day of their untouched timestamp: a day of margin on both sides.
_COUNTED: Final = """
WITH clicked AS MATERIALIZED (
    SELECT log.message_id, log.corrected_at AS at, log.properties->>'promotion_id' AS creative, unit
    FROM decisions_eventlog log, unnest(ARRAY[visitor, customer, session]) AS unit
    WHERE log.project_id = %(project)s AND log.day BETWEEN %(first_day)s AND %(last_day)s AND log.kind = 'track'
        AND log.event = %(click)s AND log.corrected_at >= %(clicks_from)s AND log.corrected_at < %(until)s
        AND log.properties->>'promotion_id' IS NOT NULL AND unit IS NOT NULL
), showing AS (
    SELECT log.message_id AS decision, log.corrected_at AS at, shown->>0 AS creative, unit,
        log.properties->>'experiment' AS experiment, log.properties->>'variant' AS variant
    FROM decisions_eventlog log, unnest(ARRAY[visitor, customer, session]) AS unit,
        jsonb_array_elements(CASE WHEN jsonb_typeof(log.properties->'actions') = 'array'
            THEN log.properties->'actions' ELSE '[]' END) AS shown
    WHERE log.project_id = %(project)s AND log.day BETWEEN %(first_day)s AND %(last_day)s AND log.kind = 'decision'
        AND log.corrected_at >= %(clicks_from)s - %(click_within)s AND log.corrected_at < %(until)s
        AND log.properties->>'decision_point' = ANY(%(points)s) AND unit IN (SELECT unit FROM clicked)
), matched AS (
    SELECT DISTINCT ON (clicked.message_id) clicked.message_id, clicked.at, clicked.creative, showing.decision,
        coalesce(showing.experiment, '') AS experiment, coalesce(showing.variant, '') AS variant
    FROM clicked JOIN showing USING (unit, creative)
    WHERE showing.at <= clicked.at AND clicked.at < showing.at + %(click_within)s
    ORDER BY clicked.message_id, showing.at DESC, showing.decision
), counted AS (
    SELECT DISTINCT ON (decision, creative) message_id, at, creative, experiment, variant
    FROM matched ORDER BY decision, creative, at, message_id
)
"""
_CLICKS: Final = """
SELECT creative, experiment, variant, count(*), 0::float8 FROM counted WHERE at >= %(since)s
GROUP BY creative, experiment, variant ORDER BY creative, experiment, variant
"""
# An order that is told twice is what was received first; so a day more is read, for what was told before the stretch.
_ORDERS: Final = """
, told AS (
    SELECT coalesce(properties->>'order_id', log.message_id) AS order_id, visitor, customer, session,
        first_value(log.corrected_at) OVER first_told AS at,
        first_value(coalesce(properties->>'revenue', properties->>'total', properties->>'value'))
            OVER first_told AS amount
    FROM decisions_eventlog log
    WHERE log.project_id = %(project)s AND log.day BETWEEN %(first_day)s AND %(last_day)s AND log.kind = 'track'
        AND log.event = %(order)s
        AND log.corrected_at >= %(since)s - interval '1 day' AND log.corrected_at < %(until)s
    WINDOW first_told AS (
        PARTITION BY coalesce(properties->>'order_id', log.message_id) ORDER BY log.received_at, log.message_id, log.day
    )
), ordered AS (
    SELECT order_id, at, unit, amount FROM told, unnest(ARRAY[visitor, customer, session]) AS unit
    WHERE at >= %(since)s AND unit IN (SELECT unit FROM clicked)
), last_clicked AS (
    SELECT DISTINCT ON (ordered.order_id) ordered.order_id, counted.creative, counted.experiment, counted.variant,
        CASE WHEN ordered.amount ~ %(number)s THEN ordered.amount::float8 ELSE 0 END AS amount
    FROM ordered JOIN clicked USING (unit) JOIN counted ON counted.message_id = clicked.message_id
    WHERE counted.at <= ordered.at AND ordered.at < counted.at + %(order_within)s
    ORDER BY ordered.order_id, counted.at DESC, counted.message_id
)
SELECT creative, experiment, variant, count(*), sum(amount) FROM last_clicked
GROUP BY creative, experiment, variant ORDER BY creative, experiment, variant
"""

_MADE: Final = """
SELECT coalesce(properties->>'experiment', ''), coalesce(properties->>'variant', ''), count(*)
FROM decisions_eventlog
WHERE project_id = %(project)s AND day BETWEEN %(first_day)s AND %(last_day)s AND kind = 'decision'
    AND corrected_at >= %(since)s AND corrected_at < %(until)s AND properties->>'decision_point' = ANY(%(points)s)
GROUP BY 1, 2
"""

Arm = tuple[str, str]
"""The keys of an experiment and of its variant, "" and "" outside of experiments."""


@dataclass(frozen=True, slots=True)
class Responses:
    """How often a creative was clicked, or ordered after; of decisions of a variant, "" outside of experiments.

    amount: of the orders, currency units; 0 for clicks and for amounts that cannot be read.
    """

    creative: str
    experiment: str
    variant: str
    count: int
    amount: float = 0.0


def counted_clicks(
    project_id: int, *, points: Sequence[str], since: datetime, until: datetime
) -> tuple[Responses, ...]:
    """Return the clicks in [since, until), project time, that count: on what a decision had shown within the hour."""
    return _responses(_COUNTED + _CLICKS, _parameters(project_id, points, since, until, back=timedelta()))


def counted_orders(
    project_id: int, *, points: Sequence[str], since: datetime, until: datetime
) -> tuple[Responses, ...]:
    """Return the orders in [since, until), project time, each for the creative that the unit clicked last before."""
    return _responses(_COUNTED + _ORDERS, _parameters(project_id, points, since, until, back=ORDER_WITHIN))


def made_decisions(project_id: int, *, points: Sequence[str], since: datetime, until: datetime) -> dict[Arm, int]:
    """Return how many decisions were made in [since, until), project time, by the arm that made them."""
    with connection.cursor() as cursor:
        cursor.execute(_MADE, _parameters(project_id, points, since, until, back=timedelta()))
        return {(experiment, variant): count for experiment, variant, count in cursor.fetchall()}


def _responses(statement: str, parameters: dict[str, Any]) -> tuple[Responses, ...]:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return tuple(Responses(*row) for row in cursor.fetchall())


def _parameters(
    project_id: int, points: Sequence[str], since: datetime, until: datetime, *, back: timedelta
) -> dict[str, Any]:
    margin = timedelta(days=1)
    return {
        "project": project_id,
        "points": list(points),
        "since": since,
        "until": until,
        # a click of before may be the one that counts of a showing
        "clicks_from": since - back - CLICK_WITHIN,
        "first_day": (since - back - 2 * CLICK_WITHIN - margin).astimezone(UTC).date(),
        "last_day": (until + margin).astimezone(UTC).date(),
        "click": CLICKED,
        "order": ORDERED,
        "number": NUMBER,
        "click_within": CLICK_WITHIN,
        "order_within": ORDER_WITHIN,
    }
