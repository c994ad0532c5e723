"""Clusters that the shop gives its items: kept as intervals, so that outcomes belong to the cluster of their time."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from django.db import connection

from decisions.actions.catalogue_pace import database_now
from decisions.actions.watermark import locked_watermark
from decisions.domain import ITEMS
from decisions.ingest.collections import Collection
from decisions.models import ItemCluster
from foundation.queries import project_facts

FIELD: Final = "cluster"
"""The declared field of items that names it."""


class ClusterChange(NamedTuple):
    """An item and its cluster from now on, "" for none; the row that has held until now, and since when it has."""

    item: str
    cluster: str
    known: int | None = None
    since: datetime | None = None


# A cluster that was derived gives way to one that is given; one that was given ends where the shop takes it away.
_CHANGED: Final = """
SELECT item.item_id, coalesce(item.properties->>%(field)s, ''), known.id, known.valid_from
FROM decisions_item item
LEFT JOIN decisions_itemcluster known ON known.project_id = item.project_id AND known.item_id = item.item_id
    AND known.valid_until IS NULL
WHERE item.project_id = %(project)s AND item.collection = %(collection)s
    AND (%(items)s::text[] IS NULL OR item.item_id = ANY(%(items)s))
    AND CASE WHEN coalesce(item.properties->>%(field)s, '') = '' THEN known.origin = 'GIVEN'
        ELSE (known.origin, known.cluster) IS DISTINCT FROM ('GIVEN', item.properties->>%(field)s) END
ORDER BY item.item_id
"""


def give_clusters(project_id: int, collection: Collection, items: Sequence[str] | None = None) -> int:
    """Let the clusters that items were sent with hold from now on, project time; return how many changed.

    Of these items, or of all; in the transaction that wrote them. The projector waits until it ends.
    """
    if collection.name != ITEMS or FIELD not in collection.declared or not _changed(project_id, items):
        return 0
    locked_watermark(project_id)
    now = project_facts(project_id).clock.at(database_now())
    changed = _changed(project_id, items)
    write_clusters(project_id, changed, origin=ItemCluster.Origin.GIVEN, now=now)
    return len(changed)


def write_clusters(
    project_id: int, changes: Iterable[ClusterChange], *, origin: ItemCluster.Origin, now: datetime
) -> None:
    """End the rows that have held and begin those that hold from now on, project time.

    A row that began only now holds for a microsecond. With the watermark locked.
    """
    closed, opened = [], []
    for item, cluster, known, since in changes:
        at = now if since is None else max(now, since + timedelta(microseconds=1))
        if known is not None:
            closed.append(ItemCluster(pk=known, valid_until=at))
        if cluster:
            opened.append(
                ItemCluster(project_id=project_id, item_id=item, cluster=cluster, origin=origin, valid_from=at)
            )
    ItemCluster.objects.bulk_update(closed, ["valid_until"], batch_size=1_000)
    ItemCluster.objects.bulk_create(opened, batch_size=1_000)


def _changed(project_id: int, items: Sequence[str] | None) -> list[ClusterChange]:
    with connection.cursor() as cursor:
        cursor.execute(
            _CHANGED,
            {
                "project": project_id,
                "collection": ITEMS,
                "field": FIELD,
                "items": None if items is None else list(items),
            },
        )
        return [ClusterChange(*row) for row in cursor.fetchall()]
