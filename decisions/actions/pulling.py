"""Pulling a feed: the file is fetched and read outside of any transaction, its items are written in one, or none."""

import json
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import BinaryIO, Final

from django.conf import settings
from django.db import transaction

from decisions.actions.catalogue import confirm
from decisions.actions.catalogue_pace import promise_catalogue
from decisions.actions.fetching import FeedUnavailable, Fetched, Limits, fetch
from decisions.actions.given_clusters import give_clusters
from decisions.actions.item_rows import as_rows, count_staged, stage, stage_items
from decisions.actions.own_prices import put_staged
from decisions.actions.supply import terms_of, write_supply
from decisions.ingest.collections import collection_of
from decisions.ingest.csv_items import open_csv
from decisions.ingest.forms import Form, item_form
from decisions.ingest.items import ItemValues
from decisions.ingest.supply import SUPPLY, supply_form
from decisions.models import CatalogueFeed
from decisions.queries.feeds import FeedFacts, LineFault, PullOutcome, PullState, feed_by_id, read_outcome
from foundation.errors import DomainError
from foundation.queries import project_facts

BATCH: Final = 1_000
MOST_FAULTS_KEPT: Final = 20
LARGEST_SHARE_OF_FAULTS: Final = 0.5
"""Of the lines; a file with more of them is not believed at all."""

Effect = Callable[[datetime], object]


class FeedEmpty(DomainError):
    """The file has no items."""

    code = "FEED_EMPTY"
    hint = "Look at what writes the file; the items stay as they were."


class FeedMostlyFaulty(DomainError):
    """More lines of the file are refused than taken, so it is not what it should be."""

    code = "FEED_MOSTLY_FAULTY"
    hint = "Mend the lines that are named; the items stay as they were."


@dataclass(frozen=True, slots=True)
class _Reading:
    """A file as it was read: batches of items as JSON, one a line, and what is told of the rest."""

    batches: BinaryIO
    outcome: PullOutcome
    lines: int
    fault: DomainError | None = None


def pull_feed(*, feed_id: int, now: datetime) -> Effect:
    """Fetch a feed's file and return what writes its items; may take minutes, outside of any transaction.

    What may pass (a server that is away) is noted and raised, so that the job is tried again; what will not (a file
    that cannot be read) is noted alone. Either way the items stay as they were. Raises FeedUnknown, FeedUnavailable.
    """
    feed = feed_by_id(feed_id)
    try:
        found = fetch(feed.url, etag=feed.etag, allowed_hosts=settings.FEED_HOSTS, limits=Limits())
        if found.file is None:
            outcome = PullOutcome(state=PullState.UNCHANGED, at=now.isoformat())
            return lambda _at: _confirm(feed, outcome, etag=found.etag, began=now)
        reading = _read(found, _form(feed, now), began=now)
    except FeedUnavailable as error:
        _note(feed, _failure(error, began=now))
        raise
    except DomainError as error:
        return partial(_refuse, feed, _failure(error, began=now))
    if reading.fault is not None:
        reading.batches.close()
        failure = _failure(reading.fault, began=now)
        told = replace(failure, refused=reading.outcome.refused, faults=reading.outcome.faults, size=found.size)
        return partial(_refuse, feed, told)
    return lambda _at: _take(feed, reading, etag=found.etag, began=now)


def _form(feed: FeedFacts, now: datetime) -> Form:
    """Return what the records of a feed's file are. Raises CollectionUnknown."""
    if feed.collection in SUPPLY:
        return supply_form(feed.collection, terms_of(project_facts(feed.project_id), now))
    return item_form(collection_of(feed.collection))


def _read(found: Fetched, form: Form, *, began: datetime) -> _Reading:
    """Return a fetched file read to its end. Raises FeedEncodingUnknown, FeedHeaderInvalid."""
    assert found.file is not None
    with found.file as file:
        opened = open_csv(file, form)
        batches: BinaryIO = tempfile.TemporaryFile()  # noqa: SIM115  # closed once its items are written
        batch: dict[str, ItemValues] = {}
        faults: list[LineFault] = []
        lines = taken = refused = 0
        for line in opened.lines():
            lines += line.lines
            if line.item is None:
                refused += line.lines
                faults += [LineFault(line.number, line.fault)] if len(faults) < MOST_FAULTS_KEPT else []
                continue
            taken += 1
            batch[line.item[0]] = line.item[1] | {"index": line.number}
            if len(batch) == BATCH:
                batches.write(as_rows(batch).encode() + b"\n")
                batch = {}
        batches.write(as_rows(batch).encode() + b"\n" if batch else b"")
    outcome = PullOutcome(
        state=PullState.TAKEN,
        at=began.isoformat(),
        refused=refused,
        faults=tuple(faults),
        encoding=opened.encoding.codec,
        size=found.size,
    )
    return _Reading(batches, outcome, lines, _fault_of(lines, refused, taken))


def _fault_of(lines: int, refused: int, taken: int) -> DomainError | None:
    """Return why a file is not believed, None where it is."""
    if refused > lines * LARGEST_SHARE_OF_FAULTS:
        return FeedMostlyFaulty(f"{refused} of {lines} lines are refused.")
    return None if taken else FeedEmpty("Below its first line the file has nothing.")


def _take(feed: FeedFacts, reading: _Reading, *, etag: str, began: datetime) -> None:
    """Write the items of a file, all or none, unless a later pull has done so or the feed has changed."""
    with reading.batches as batches:
        if not _is_current(feed, began):
            return
        if feed.collection in SUPPLY:
            _succeed(feed, _take_supply(feed, batches, reading.outcome), etag=etag, began=began)
            return
        stage()
        batches.seek(0)
        for rows in batches:
            stage_items(rows.decode())
        items = count_staged()
        written = put_staged(feed.project_id, feed.collection)
        give_clusters(feed.project_id, collection_of(feed.collection))
    if written.created or written.updated:
        promise_catalogue(project_id=feed.project_id, collection=feed.collection)
    unchanged = items - written.created - written.updated
    outcome = replace(reading.outcome, created=written.created, updated=written.updated, unchanged=unchanged)
    _succeed(feed, outcome, etag=etag, began=began)


def _take_supply(feed: FeedFacts, batches: BinaryIO, outcome: PullOutcome) -> PullOutcome:
    """Write the costs, suppliers or stock of a file and return what is told of it; `index` of a record is its line."""
    batches.seek(0)
    for rows in batches:
        taken = write_supply(feed.project_id, feed.collection, json.loads(rows))
        faults = [LineFault(fault.index or 0, fault.reason) for fault in taken.refused]
        outcome = replace(
            outcome,
            created=outcome.created + taken.created,
            updated=outcome.updated + taken.updated,
            unchanged=outcome.unchanged + taken.unchanged,
            refused=outcome.refused + len(faults),
            faults=(*outcome.faults, *faults)[:MOST_FAULTS_KEPT],
        )
    return outcome


def _confirm(feed: FeedFacts, outcome: PullOutcome, *, etag: str, began: datetime) -> None:
    if _is_current(feed, began):
        _succeed(feed, outcome, etag=etag, began=began)


def _is_current(feed: FeedFacts, began: datetime) -> bool:
    """Return whether a pull that began then is still the newest of this address; the feed is locked from here on."""
    row = CatalogueFeed.objects.select_for_update().get(pk=feed.id)
    return row.url == feed.url and (row.pulled_at is None or row.pulled_at < began)


def _succeed(feed: FeedFacts, outcome: PullOutcome, *, etag: str, began: datetime) -> None:
    CatalogueFeed.objects.filter(pk=feed.id).update(etag=etag, pulled_at=began, outcome=outcome.as_json())
    at = project_facts(feed.project_id).clock.at(began)
    confirm(project_id=feed.project_id, collection=feed.collection, at=at)


def _refuse(feed: FeedFacts, outcome: PullOutcome, _at: datetime) -> None:
    _note(feed, outcome)


@transaction.atomic
def _note(feed: FeedFacts, outcome: PullOutcome) -> None:
    """Keep what a pull that failed gave, unless a later one has told already or the feed has changed."""
    row = CatalogueFeed.objects.select_for_update().get(pk=feed.id)
    told = read_outcome(row.outcome)
    if row.url == feed.url and (told is None or told.at < outcome.at):
        CatalogueFeed.objects.filter(pk=feed.id).update(outcome=outcome.as_json())


def _failure(error: DomainError, *, began: datetime) -> PullOutcome:
    message = f"{error.message} {error.hint}".strip()
    return PullOutcome(state=PullState.FAILED, at=began.isoformat(), code=error.code, message=message)
