"""The catalogue of each collection: items as they are sent, and the bytes that the edge loads of them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction

from decisions.actions.catalogue_pace import database_now, promise_catalogue, promise_freshness
from decisions.actions.chunks import publish_file
from decisions.actions.given_clusters import give_clusters
from decisions.actions.item_rows import Written, as_rows, lock_known, write_stock
from decisions.actions.own_prices import put_rows
from decisions.domain import ITEMS
from decisions.ingest.collections import all_collections, collection_of
from decisions.ingest.fields import ItemRefused
from decisions.ingest.items import ItemValues, read_item
from decisions.models import CatalogueFreshness, PublishedCatalogue
from decisions.queries.catalogue import catalogue_content
from decisions.queries.freshness import fresh_at, most_age
from foundation.errors import DomainError
from foundation.queries import project_facts

MOST_ITEMS = 1_000


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
    """Take whole items of the shop as they are now and return what became of each. Raises TooManyItems."""
    return put_actions(project_id=project_id, collection=ITEMS, items=items)


def put_actions(*, project_id: int, collection: str, items: Sequence[Any]) -> ItemsTaken:
    """Take whole actions of a collection as they are now and return what became of each.

    Sending the same again changes nothing but when they were confirmed. Of several with one id the last is taken.
    Raises TooManyItems, CollectionUnknown.
    """
    declared = collection_of(collection)
    taken, refused = _read_all(items, lambda sent: read_item(sent, declared))
    with transaction.atomic():
        written = put_rows(project_id, collection, as_rows(taken))
        give_clusters(project_id, declared, list(taken))
        result = _taken(taken, written, refused)
        _promise_what_follows(project_id, collection, result)
    return result


def write_item_stock(project_id: int, taken: Mapping[str, ItemValues]) -> ItemsTaken:
    """Write the stock of items that the catalogue has, which keeps what else it knows of them; in a transaction."""
    known = lock_known(project_id, ITEMS, list(taken))
    strange = [ItemFault(None, name, "The catalogue has no such item.") for name in taken if name not in known]
    of_known = {name: values for name, values in taken.items() if name in known}
    written = Written(created=0, updated=write_stock(project_id, ITEMS, as_rows(of_known)))
    result = _taken(of_known, written, strange)
    _promise_what_follows(project_id, ITEMS, result)
    return result


def confirm(*, project_id: int, collection: str, at: datetime) -> None:
    """Note that the shop confirmed the data of a collection, or of a supply table, at a project time.

    An earlier time than the one that is known changes nothing.

    The catalogue is published again for that alone only where a decision point asks how old the data are, and not
    more often than it needs.
    """
    rows = CatalogueFreshness.objects.select_for_update().filter(project_id=project_id, collection=collection)
    row, is_new = rows.get_or_create(project_id=project_id, collection=collection, defaults={"fresh_at": at})
    if not is_new and row.fresh_at < at:
        rows.update(fresh_at=at)
    if collection in (collections := all_collections()):
        promise_freshness(project_id=project_id, collection=collections[collection])


@transaction.atomic
def publish_catalogue(*, project_id: int, now: datetime, collection: str = ITEMS) -> bool:
    """Publish a catalogue as it is now and let bundles name it; return whether anything has changed.

    Raises CollectionUnknown.
    """
    declared = collection_of(collection)
    # Whoever publishes it at the same time waits, and reads what there is then: the last word is never the older one.
    PublishedCatalogue.objects.select_for_update(no_key=True).filter(
        project_id=project_id, collection=collection
    ).first()
    asked = most_age(project_id, declared) is not None
    found = catalogue_content(
        project_id,
        declared,
        at=project_facts(project_id).clock.at(now),
        fresh_at=fresh_at(project_id, collection) if asked else None,
    )
    return publish_file(project_id=project_id, collection=collection, content=found.content, items=found.items, now=now)


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


def _promise_what_follows(project_id: int, collection: str, result: ItemsTaken) -> None:
    """Note that the data were confirmed, unless all that was sent was refused, and promise to publish what changed."""
    if result.created or result.updated:
        promise_catalogue(project_id=project_id, collection=collection)
    if result.created or result.updated or result.unchanged or not result.refused:
        confirm(project_id=project_id, collection=collection, at=project_facts(project_id).clock.at(database_now()))


def _taken(taken: Mapping[str, ItemValues], written: Written, refused: Sequence[ItemFault]) -> ItemsTaken:
    unchanged = len(taken) - written.created - written.updated
    return ItemsTaken(written.created, written.updated, unchanged, tuple(refused))
