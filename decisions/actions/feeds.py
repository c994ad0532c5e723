"""Feeds of catalogues: set up by people, and promised to be pulled when they are due."""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Final

from django.db import IntegrityError, transaction

from decisions.actions.feed_addresses import read_address
from decisions.ingest.collections import collection_of
from decisions.ingest.supply import SUPPLY
from decisions.models import CatalogueFeed
from decisions.queries.feeds import FeedUnknown, feed_by_id, feed_paces
from foundation.actions.jobs import enqueue
from foundation.actions.journal import write_journal
from foundation.errors import DomainError
from foundation.queries import ProjectFacts, open_jobs

PULL: Final = "pull_feed"
"""The kind of the job that pulls a feed."""


class FeedExists(DomainError):
    """The project has a feed for this collection."""

    code = "FEED_EXISTS"
    hint = "Change that one: a collection has one feed, so that no two files contradict each other."


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedDraft:
    """A feed as a person wants it. every_minutes: of project time."""

    url: str
    every_minutes: int = 60
    is_enabled: bool = True


def create_feed(*, project_id: int, collection: str, draft: FeedDraft, acting_user: str, now: datetime) -> int:
    """Create a feed and return its id; it is pulled at once if it is enabled.

    Raises FeedExists, CollectionUnknown, FeedAddressInvalid, ValidationError.
    """
    if collection not in SUPPLY:
        collection_of(collection)
    read_address(draft.url)
    row = CatalogueFeed(project_id=project_id, collection=collection, **asdict(draft))
    row.clean_fields()
    try:
        with transaction.atomic():
            row.save(force_insert=True)
            _note(row, "feed.create", acting_user, now, before={}, after=asdict(draft))
    except IntegrityError as error:
        if "catalogue_feed" in str(error) and "pace" not in str(error):
            raise FeedExists(f"The project has a feed for {collection} already.") from error
        raise
    return int(row.pk)


@transaction.atomic
def edit_feed(*, feed_id: int, draft: FeedDraft, acting_user: str, now: datetime) -> None:
    """Change a feed; at another address the file is read anew. Raises FeedUnknown, FeedAddressInvalid."""
    read_address(draft.url)
    row = CatalogueFeed.objects.select_for_update().filter(pk=feed_id).first()
    if row is None:
        raise FeedUnknown(f"There is no feed {feed_id}.")
    after = asdict(draft)
    before = {name: getattr(row, name) for name in after}
    if before == after:
        return
    for name, value in after.items():
        setattr(row, name, value)
    if before["url"] != row.url:
        row.etag = ""
    row.clean_fields()
    row.save(update_fields=[*after, "etag"])
    _note(row, "feed.edit", acting_user, now, before=before, after=after)


@transaction.atomic
def request_pull(*, feed_id: int, acting_user: str, now: datetime) -> None:
    """Promise to pull a feed now, whether it is enabled or not. Raises FeedUnknown."""
    feed = feed_by_id(feed_id)
    enqueue(
        kind=PULL,
        key=f"{PULL}:{feed_id}:asked:{now.isoformat()}",
        project_id=feed.project_id,
        payload={"feed_id": feed_id},
    )
    row = CatalogueFeed.objects.get(pk=feed_id)
    _note(row, "feed.pull", acting_user, now, before={}, after={})


def promise_pulls(*, facts: ProjectFacts, now: datetime) -> int:
    """Promise the pulls of a project that are due by its clock and return how many were new.

    Each feed has a pull for every stretch of its pace. While one waits or runs, no other is promised: a file that takes
    longer than its pace is not fetched twice at the same time.
    """
    seconds = facts.clock.at(now).timestamp()
    promised = 0
    for feed in feed_paces(facts.id):
        if open_jobs(key_prefix=f"{PULL}:{feed.id}:"):
            continue
        key = f"{PULL}:{feed.id}:{feed.every_minutes}:{int(seconds // (feed.every_minutes * 60))}"
        promised += enqueue(kind=PULL, key=key, project_id=facts.id, payload={"feed_id": feed.id})
    return promised


def _note(
    row: CatalogueFeed,
    action: str,
    acting_user: str,
    now: datetime,
    *,
    before: dict[str, object],
    after: dict[str, object],
) -> None:
    write_journal(
        project_id=row.project_id,
        at=now,
        actor=acting_user,
        action=action,
        subject=f"feed:{row.collection}",
        before=before,
        after=after,
    )
