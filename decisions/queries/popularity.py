"""How much the actions of a collection were dealt with of late: the order of a policy without a model."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from django.db import connection

from decisions.domain import ITEMS
from decisions.ingest.collections import Collection

POPULAR_FOR = timedelta(days=28)

# Weights of interest by event; a view is cheap, an order is not.
_OF_ITEMS = """
SELECT item, round(sum(weight)::numeric, 3)::double precision FROM (
    SELECT item, CASE event WHEN 'Product Viewed' THEN 1.0 ELSE 4.0 END AS weight
    FROM decisions_eventlog
    WHERE project_id = %(project)s AND day BETWEEN %(start)s::date AND %(end)s::date AND kind = 'track'
        AND event IN ('Product Viewed', 'Product Added') AND item IS NOT NULL
    UNION ALL
    SELECT line->>'product_id', 10.0
    FROM decisions_eventlog, jsonb_array_elements(
        CASE WHEN jsonb_typeof(properties->'products') = 'array' THEN properties->'products' ELSE '[]' END
    ) AS line
    WHERE project_id = %(project)s AND day BETWEEN %(start)s::date AND %(end)s::date AND kind = 'track'
        AND event = 'Order Completed'
) interest
WHERE item IS NOT NULL GROUP BY item
"""
_OF_REWARDS = """
SELECT properties->>%(prop)s, count(*) FROM decisions_eventlog
WHERE project_id = %(project)s AND day BETWEEN %(start)s::date AND %(end)s::date AND kind = 'track'
    AND event = %(event)s AND properties->>%(prop)s IS NOT NULL
GROUP BY 1
"""


def popularity_of(project_id: int, collection: Collection, *, at: datetime) -> Mapping[str, float]:
    """Return how much each action was dealt with in the 28 days before `at` (project time), by id.

    The shop's items by what people did with them; actions of another collection by the rewards that its domains
    declare, each at its worth, as far as the event names the action itself.
    """
    span: dict[str, int | str | datetime] = {"project": project_id, "start": at - POPULAR_FOR, "end": at}
    with connection.cursor() as cursor:
        if collection.name == ITEMS:
            cursor.execute(_OF_ITEMS, span)
            return dict(cursor.fetchall())
        total: dict[str, float] = {}
        for (event, prop), worth in {(of.event, of.prop): of.worth for of in collection.rewards if of.prop}.items():
            cursor.execute(_OF_REWARDS, {**span, "event": event, "prop": prop})
            for action, count in cursor.fetchall():
                total[action] = total.get(action, 0.0) + count * worth
    return {action: round(worth, 3) for action, worth in total.items()}
