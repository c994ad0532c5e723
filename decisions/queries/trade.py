"""What clusters are derived from: sales and prices by item and day, baskets, and the items of the catalogue."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final

import numpy as np
import numpy.typing as npt
from django.db import connection, transaction

from decisions.clusters import Trade
from decisions.domain import ITEMS
from decisions.models import Item, ItemCluster
from decisions.queries.sales import sales_log
from foundation.errors import DomainError

ROWS_AT_ONCE: Final = 50_000
MOST_ITEMS: Final = 5_000
"""All pairs of them are compared, in memory."""

# An order that was sent twice is one basket.
_BASKETS: Final = """
SELECT dense_rank() OVER (ORDER BY basket) - 1, item FROM (
    SELECT DISTINCT coalesce(log.properties->>'order_id', log.message_id) AS basket, line->>'product_id' AS item
    FROM decisions_eventlog log, jsonb_array_elements(
        CASE WHEN jsonb_typeof(properties->'products') = 'array' THEN properties->'products' ELSE '[]' END
    ) AS line
    WHERE log.project_id = %(project)s AND log.day BETWEEN %(start)s::date - 1 AND %(end)s::date + 1
        AND log.kind IN ('track', 'history') AND log.event = 'Order Completed'
        AND log.corrected_at >= %(start)s AND log.corrected_at < %(end)s
) held
WHERE item = ANY(%(items)s)
"""


class TooManyToCluster(DomainError):
    """There are more items than can be compared with each other."""

    code = "TOO_MANY_TO_CLUSTER"
    hint = f"Send a cluster with the items until at most {MOST_ITEMS} have none."


def trade_of(project_id: int, *, start: datetime, end: datetime) -> Trade:
    """Return what was traded in [start, end), project time, of all items whose cluster the shop has not given.

    Items of the catalogue and those that were sold, in the order of their ids. Raises TooManyToCluster.
    """
    log = sales_log(project_id, start=start, end=end)
    categories = dict(Item.objects.filter(project_id=project_id, collection=ITEMS).values_list("item_id", "category"))
    items = tuple(sorted({*categories, *log.items} - set(current_clusters(project_id, ItemCluster.Origin.GIVEN))))
    if len(items) > MOST_ITEMS:
        raise TooManyToCluster(f"{len(items)} items have no cluster that was given.")
    places = {item: place for place, item in enumerate(items)}
    days, day = np.unique(log.at, return_inverse=True)
    place = np.array([places.get(item, -1) for item in log.items] or [-1], np.int64)[log.series]
    kept = place >= 0
    units, prices = (np.full((len(items), len(days)), np.nan) for _ in range(2))
    units[place[kept], day[kept]] = log.units[kept]
    prices[place[kept], day[kept]] = log.price[kept]
    basket, basket_item = _baskets(project_id, places, start, end)
    return Trade(items, tuple(categories.get(item, "") for item in items), units, prices, basket, basket_item)


def current_clusters(project_id: int, origin: str) -> dict[str, str]:
    """Return the clusters of one origin that items are in from now on, by item."""
    rows = ItemCluster.objects.filter(project_id=project_id, origin=origin, valid_until=None)
    return dict(rows.values_list("item_id", "cluster"))


def _baskets(
    project_id: int, places: Mapping[str, int], start: datetime, end: datetime
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    parts = [np.zeros((0, 2), np.int64)]
    with transaction.atomic(), connection.chunked_cursor() as cursor:
        cursor.execute(_BASKETS, {"project": project_id, "start": start, "end": end, "items": list(places)})
        while rows := cursor.fetchmany(ROWS_AT_ONCE):
            parts.append(np.array([(basket, places[item]) for basket, item in rows], np.int64))
    table = np.concatenate(parts)
    return table[:, 0], table[:, 1]
