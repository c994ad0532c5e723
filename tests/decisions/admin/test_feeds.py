"""Feeds in the admin: set up by the actions, pulled by a button, their outcome in words."""

import pytest
from django.test import Client
from django.urls import reverse

from decisions.models import CatalogueFeed
from decisions.queries.feeds import LineFault, PullOutcome, PullState
from foundation.models import Job, JournalEntry
from tests.fixtures.records import NOW

pytestmark = pytest.mark.django_db
ADD = "/admin/decisions/cataloguefeed/add/"
URL = "https://shop.example/items.csv"


def fields(project: int, **changes: object) -> dict[str, object]:
    """Return a filled-in form."""
    return {
        "project": project,
        "collection": "items",
        "url": URL,
        "every_minutes": 30,
        "is_enabled": "on",
        **changes,
    }


def page(feed: CatalogueFeed) -> str:
    """Return the address of a feed's form."""
    return reverse("admin:decisions_cataloguefeed_change", args=[feed.pk])


def test_add_and_edit__by_the_actions__are_journalled_in_the_persons_name(owner: Client, project: int) -> None:
    assert owner.post(ADD, fields(project)).status_code == 302
    feed = CatalogueFeed.objects.get()
    assert (feed.collection, feed.url, feed.every_minutes, feed.is_enabled) == ("items", URL, 30, True)
    assert owner.post(page(feed), {"url": f"{URL}.gz", "every_minutes": 5}).status_code == 302
    feed.refresh_from_db()
    assert (feed.url, feed.every_minutes, feed.is_enabled, feed.collection) == (f"{URL}.gz", 5, False, "items")
    entries = JournalEntry.objects.filter(subject="feed:items").order_by("pk")
    assert [(entry.action, entry.actor) for entry in entries] == [("feed.create", "manager"), ("feed.edit", "manager")]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"url": "ftp://shop.example/"}, "has to begin with http"),
        ({"url": "https://me:secret@shop.example/"}, "user name or password"),
        ({"every_minutes": 0}, "greater than or equal to 1"),
        ({"collection": "hats"}, "Select a valid choice"),
    ],
)
def test_add__what_cannot_be__is_told_and_nothing_is_made(
    owner: Client, project: int, change: dict[str, object], told: str
) -> None:
    assert told in owner.post(ADD, fields(project, **change)).content.decode()
    assert CatalogueFeed.objects.count() == 0


def test_add__second_feed_of_a_collection__is_told(owner: Client, project: int) -> None:
    owner.post(ADD, fields(project))
    answer = owner.post(ADD, fields(project), follow=True)
    assert CatalogueFeed.objects.count() == 1
    assert "already" in answer.content.decode()


def test_pull_now__promises_the_pull(owner: Client, project: int) -> None:
    owner.post(ADD, fields(project, is_enabled=""))
    feed = CatalogueFeed.objects.get()
    assert "It has not been pulled yet." in owner.get(page(feed)).content.decode()
    answer = owner.post(f"/admin/decisions/cataloguefeed/{feed.pk}/pull/", {"_form_submitted": "True"})
    assert answer.status_code == 302
    assert Job.objects.get(kind="pull_feed").payload == {"feed_id": feed.pk}
    assert JournalEntry.objects.latest("pk").action == "feed.pull"


def test_pull_now__without_the_right_to_change_feeds__is_refused(person, owner: Client, project: int) -> None:
    owner.post(ADD, fields(project))
    reader = person("view_cataloguefeed")
    feed = CatalogueFeed.objects.get()
    assert reader.get(page(feed)).status_code == 200
    answer = reader.post(f"/admin/decisions/cataloguefeed/{feed.pk}/pull/", {"_form_submitted": "True"})
    assert answer.status_code == 403
    assert not Job.objects.filter(kind="pull_feed").exists()


def test_outcome__of_a_pull__names_the_lines_and_is_escaped(owner: Client, project: int) -> None:
    owner.post(ADD, fields(project))
    feed = CatalogueFeed.objects.get()
    fault = LineFault(3, "price must be <a number> of at least 0.")
    outcome = PullOutcome(
        state=PullState.TAKEN, at=NOW.isoformat(), created=2, updated=1, unchanged=4, refused=1, faults=(fault,)
    )
    CatalogueFeed.objects.update(outcome=outcome.as_json())
    shown = owner.get(page(feed)).content.decode()
    assert "Taken: 2 new, 1 changed, 4 as they were. 1 line was refused." in shown
    assert "Line 3: price must be &lt;a number&gt; of at least 0." in shown
    assert "1 line was refused." in owner.get(reverse("admin:decisions_cataloguefeed_changelist")).content.decode()
