"""Feeds: set up by people, promised when they are due, never twice at the same time."""

from datetime import timedelta

import pytest
from django.core.exceptions import ValidationError

from decisions.actions.feed_addresses import FeedAddressInvalid
from decisions.actions.feeds import FeedDraft, FeedExists, create_feed, edit_feed, promise_pulls, request_pull
from decisions.actions.scheduling import enqueue_due_work
from decisions.ingest.collections import CollectionUnknown
from decisions.models import CatalogueFeed
from decisions.queries.feeds import FeedUnknown
from foundation.models import Job, JournalEntry
from foundation.queries import project_facts
from tests.fixtures.records import ACTOR, NOW, make_project, simulation_clock

pytestmark = pytest.mark.django_db
URL = "https://shop.example/items.csv"


def make_feed(project: int, collection: str = "items", **changes) -> int:
    draft = FeedDraft(**{"url": URL, **changes})
    return create_feed(project_id=project, collection=collection, draft=draft, acting_user=ACTOR, now=NOW)


def pulls() -> list[str]:
    return list(Job.objects.filter(kind="pull_feed").order_by("pk").values_list("key", flat=True))


def test_create__feed__is_journalled_and_unique_for_its_collection():
    project = make_project()
    feed = make_feed(project)
    entry = JournalEntry.objects.latest("pk")
    assert (entry.action, entry.subject, entry.after["url"]) == ("feed.create", "feed:items", URL)
    with pytest.raises(FeedExists):
        make_feed(project)
    make_feed(project, "creatives")
    assert CatalogueFeed.objects.count() == 2
    assert CatalogueFeed.objects.get(pk=feed).collection == "items"


@pytest.mark.parametrize(
    ("collection", "changes", "error"),
    [
        ("hats", {}, CollectionUnknown),
        ("items", {"url": "ftp://shop.example/"}, FeedAddressInvalid),
        ("items", {"url": "https://user:secret@shop.example/"}, FeedAddressInvalid),
        ("items", {"url": "https://shop.example/" + "x" * 1_000}, ValidationError),
        ("items", {"every_minutes": -1}, ValidationError),
    ],
)
def test_create__what_cannot_be__is_refused_and_nothing_is_made(collection, changes, error):
    project = make_project()
    with pytest.raises(error):
        make_feed(project, collection, **changes)
    assert CatalogueFeed.objects.count() == 0
    assert not JournalEntry.objects.filter(action="feed.create").exists()


def test_edit__address__is_journalled_and_forgets_the_tag():
    feed = make_feed(make_project())
    CatalogueFeed.objects.update(etag='"7"')
    edit_feed(feed_id=feed, draft=FeedDraft(url=URL, every_minutes=5), acting_user=ACTOR, now=NOW)
    assert CatalogueFeed.objects.get().etag == '"7"'
    edit_feed(feed_id=feed, draft=FeedDraft(url=f"{URL}.gz", every_minutes=5), acting_user=ACTOR, now=NOW)
    assert (CatalogueFeed.objects.get().etag, CatalogueFeed.objects.get().every_minutes) == ("", 5)
    entries = JournalEntry.objects.filter(action="feed.edit").count()
    edit_feed(feed_id=feed, draft=FeedDraft(url=f"{URL}.gz", every_minutes=5), acting_user=ACTOR, now=NOW)
    assert JournalEntry.objects.filter(action="feed.edit").count() == entries == 2
    with pytest.raises(FeedUnknown):
        edit_feed(feed_id=feed + 1, draft=FeedDraft(url=URL), acting_user=ACTOR, now=NOW)


def test_pulls__of_an_enabled_feed__are_promised_once_for_each_stretch_of_its_pace():
    project = make_project()
    feed = make_feed(project, every_minutes=30)
    make_feed(project, "creatives", is_enabled=False)
    facts = project_facts(project)
    assert [promise_pulls(facts=facts, now=NOW + timedelta(minutes=minute)) for minute in (0, 1, 29)] == [1, 0, 0]
    assert promise_pulls(facts=facts, now=NOW + timedelta(minutes=31)) == 0, "the first one waits still"
    Job.objects.filter(kind="pull_feed").update(state="DONE")
    assert promise_pulls(facts=facts, now=NOW + timedelta(minutes=31)) == 1
    assert len(pulls()) == 2
    assert all(key.startswith(f"pull_feed:{feed}:30:") for key in pulls())


def test_pulls__of_a_simulation__are_due_by_its_clock():
    project = make_project(clock=simulation_clock(speed=60.0))
    make_feed(project, every_minutes=60)
    facts = project_facts(project)
    assert promise_pulls(facts=facts, now=NOW) == 1
    Job.objects.filter(kind="pull_feed").update(state="DONE")
    assert promise_pulls(facts=facts, now=NOW + timedelta(seconds=59)) == 0
    assert promise_pulls(facts=facts, now=NOW + timedelta(seconds=60)) == 1


def test_pull__that_a_person_asks_for__is_promised_though_the_feed_is_not_enabled():
    feed = make_feed(make_project(), is_enabled=False)
    request_pull(feed_id=feed, acting_user="manager", now=NOW)
    assert pulls() == [f"pull_feed:{feed}:asked:{NOW.isoformat()}"]
    assert Job.objects.get(kind="pull_feed").payload == {"feed_id": feed}
    assert JournalEntry.objects.latest("pk").actor == "manager"
    with pytest.raises(FeedUnknown):
        request_pull(feed_id=feed + 1, acting_user="manager", now=NOW)


def test_due_work__has_the_pulls():
    make_feed(make_project(), every_minutes=30)
    enqueue_due_work(now=NOW)
    enqueue_due_work(now=NOW)
    assert len(pulls()) == 1
