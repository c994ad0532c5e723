"""The shop's catalogue: items as they are sent, and the bytes that the edge loads of them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

from django.db import connection, transaction
from django.db.models.functions import Now

from decisions.actions.chunks import publish_chunks
from decisions.domain import ITEMS
from decisions.ingest.items import ItemRefused, ItemValues, read_item, read_stock
from decisions.models import Item, PublishedCatalogue
from decisions.queries.catalogue import catalogue_content, published_catalogue
from foundation.actions.jobs import enqueue
from foundation.actions.projects import bump_revision
from foundation.errors import DomainError
from foundation.queries import ProjectFacts, project_facts

PUBLISH = "publish_catalogue"
"""The kind of the job that publishes a catalogue."""
MOST_ITEMS = 1_000
PACE = timedelta(seconds=10)
SIMULATION_PACE = timedelta(seconds=1)
"""Changes that arrive within such a stretch of wall time are published together."""


class TooManyItems(DomainError):
    """The request holds more items than one may."""

    code = "TOO_MANY_ITEMS"
    hint = f"Send at most {MOST_ITEMS} items a request."


@dataclass(frozen=True, slots=True)
class ItemFault:
    """Why one item of a request was not taken; `index` is its place where it could not even be read."""

    index: int | None
    item_id: str | None
    reason: str


@dataclass(frozen=True, slots=True)
class ItemsTaken:
    """What became of a request: items that are new, changed or as they were, and those refused."""

    created: int
    updated: int
    unchanged: int
    refused: tuple[ItemFault, ...]


def put_items(*, project_id: int, items: Sequence[Any]) -> ItemsTaken:
    """Take whole items as they are now and return what became of each; sending the same again changes nothing.

    Raises TooManyItems.
    """
    return _take(project_id, *_read_all(items, read_item))


def put_stock(*, project_id: int, items: Sequence[Any]) -> ItemsTaken:
    """Take the stock of items that the catalogue has and return what became of each. Raises TooManyItems."""
    taken, refused = _read_all(items, read_stock)
    known = set(
        Item.objects.filter(project_id=project_id, collection=ITEMS, item_id__in=taken).values_list(
            "item_id", flat=True
        )
    )
    strange = [ItemFault(None, item_id, "The catalogue has no such item.") for item_id in taken if item_id not in known]
    return _take(project_id, {name: taken[name] for name in taken if name in known}, [*refused, *strange])


def _read_all(
    items: Sequence[Any], read: Callable[[object], tuple[str, ItemValues]]
) -> tuple[dict[str, ItemValues], list[ItemFault]]:
    if len(items) > MOST_ITEMS:
        raise TooManyItems(f"The request holds {len(items)} items.")
    taken: dict[str, ItemValues] = {}
    refused: list[ItemFault] = []
    for index, sent in enumerate(items):
        try:
            item_id, values = read(sent)
            taken[item_id] = values
        except ItemRefused as fault:
            named = sent.get("item_id") if isinstance(sent, Mapping) else None
            refused.append(ItemFault(index, named if isinstance(named, str) else None, str(fault)))
    return taken, refused


@transaction.atomic
def _take(project_id: int, taken: Mapping[str, ItemValues], refused: Sequence[ItemFault]) -> ItemsTaken:
    """Write what is new or has changed, in the order of the ids, so that two requests cannot wait for each other."""
    rows = (
        Item.objects.select_for_update()
        .filter(project_id=project_id, collection=ITEMS, item_id__in=taken)
        .order_by("item_id")
    )
    known = {row.item_id: row for row in rows}
    fresh = [Item(project_id=project_id, item_id=name, **taken[name]) for name in sorted(set(taken) - set(known))]
    created = len(Item.objects.bulk_create(fresh, ignore_conflicts=True))
    changed = [
        row for name, row in known.items() if any(getattr(row, field) != value for field, value in taken[name].items())
    ]
    for row in changed:
        Item.objects.filter(pk=row.pk).update(**taken[row.item_id], updated_at=Now())
    if created or changed:
        promise_catalogue(project_id=project_id)
    return ItemsTaken(created, len(changed), len(known) - len(changed), tuple(refused))


def promise_catalogue(*, project_id: int) -> bool:
    """Promise to publish the catalogue, together with whatever else changes within the pace."""
    facts = project_facts(project_id)
    pace = SIMULATION_PACE if facts.simulated else PACE
    with connection.cursor() as cursor:
        cursor.execute("SELECT now()")
        now: datetime = cursor.fetchone()[0]
    number = int(now.timestamp() // pace.total_seconds()) + 1
    due = datetime.fromtimestamp(number * pace.total_seconds(), tz=now.tzinfo)
    return enqueue(
        kind=PUBLISH, key=f"{PUBLISH}:{project_id}:{due.isoformat()}", project_id=project_id, payload={}, run_after=due
    )


@transaction.atomic
def publish_catalogue(*, project_id: int, now: datetime) -> bool:
    """Publish the catalogue as it is now and let bundles name it; return whether anything has changed."""
    facts: ProjectFacts = project_facts(project_id)
    content, items = catalogue_content(project_id, at=facts.clock.at(now))
    digest = sha256(content).hexdigest()
    known = published_catalogue(project_id)
    if known is not None and known.sha256 == digest:
        return False
    publish_chunks(digest, content)
    PublishedCatalogue.objects.update_or_create(
        project_id=project_id,
        collection=ITEMS,
        defaults={"sha256": digest, "size": len(content), "items": items, "published_at": now},
    )
    bump_revision(project_id=project_id)
    return True
