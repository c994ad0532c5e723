"""Pulls of feeds from a real server: what is taken, what is told, and that a failure leaves everything as it was."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from django.conf import settings
from django.db import connection, transaction

from decisions.actions.catalogue import put_items
from decisions.actions.feeds import FeedDraft, create_feed, edit_feed, request_pull
from decisions.actions.fetching import FeedUnavailable
from decisions.actions.pulling import pull_feed
from decisions.models import CatalogueFeed, CatalogueFreshness, Item
from decisions.queries.feeds import PullOutcome, PullState, read_outcome
from foundation.models import Job
from tests.fixtures.file_server import HOST, FileServer
from tests.fixtures.records import ACTOR, NOW, make_project
from workers import runner

pytestmark = pytest.mark.django_db(transaction=True)
HEAD = "item_id,title,price,stock\n"


@pytest.fixture
def server(settings) -> Iterator[FileServer]:
    """Return a server of files that workers may fetch from."""
    settings.FEED_HOSTS = (HOST,)
    running = FileServer()
    yield running
    running.close()


@pytest.fixture
def feed(server: FileServer) -> int:
    """Return a feed of items at the server."""
    draft = FeedDraft(url=server.url())
    return create_feed(project_id=make_project(), collection="items", draft=draft, acting_user=ACTOR, now=NOW)


def pull(feed: int, now: datetime = NOW) -> PullOutcome:
    """Pull as a worker does, and return what is told of it."""
    effect = pull_feed(feed_id=feed, now=now)
    with transaction.atomic():
        effect(now)
    told = read_outcome(CatalogueFeed.objects.get(pk=feed).outcome)
    assert told is not None
    return told


def everything() -> list[tuple]:
    return list(Item.objects.order_by("item_id").values_list("item_id", "title", "price", "stock", "updated_at"))


def minutes(number: int) -> datetime:
    return NOW + timedelta(minutes=number)


def test_pull__file_of_items__is_taken_and_what_is_missing_from_it_stays(server, feed):
    project = CatalogueFeed.objects.get().project_id
    put_items(project_id=project, items=[{"item_id": "old", "stock": 1}, {"item_id": "mug", "title": "Was"}])
    server.serve((HEAD + "mug,杯子,12.50,3\nlamp,Lamp,,\n").encode(), ETag='"1"')
    Job.objects.filter(kind="publish_catalogue").delete()
    told = pull(feed)
    assert (told.state, told.created, told.updated, told.unchanged, told.refused) == (PullState.TAKEN, 1, 1, 0, 0)
    assert [row[:4] for row in everything()] == [
        ("lamp", "Lamp", None, None),
        ("mug", "杯子", 12_500_000, 3),
        ("old", "", None, 1),
    ]
    assert CatalogueFeed.objects.get().pulled_at == NOW
    assert Job.objects.filter(kind="publish_catalogue").count() == 1


def test_pull__of_an_unchanged_file__confirms_the_items(server, feed):
    server.serve((HEAD + "mug,Mug,1,1\n").encode(), ETag='"1"')
    pull(feed)
    CatalogueFreshness.objects.update(fresh_at=NOW - timedelta(days=9))
    told = pull(feed, minutes(5))
    assert (told.state, CatalogueFeed.objects.get().etag) == (PullState.UNCHANGED, '"1"')
    assert CatalogueFreshness.objects.get().fresh_at == minutes(5)
    server.serve((HEAD + "mug,Mug,1,1\n").encode(), ETag='"2"')
    told = pull(feed, minutes(10))
    assert (told.state, told.unchanged, told.updated) == (PullState.TAKEN, 1, 0)


def test_pull__some_lines_at_fault__takes_the_others_and_tells_the_numbers(server, feed):
    lines = ["a,A,1,1", "b,B,cheap,1", "c,C,1,1", ",D,1,1", "e,E,1,1", "a,Again,2,2"]
    server.serve((HEAD + "\n".join(lines)).encode())
    told = pull(feed)
    assert (told.created, told.refused, [fault.line for fault in told.faults]) == (3, 2, [3, 5])
    assert "price" in told.faults[0].reason
    assert Item.objects.get(item_id="a").title == "Again"


@pytest.mark.parametrize(
    ("content", "code"),
    [
        ("sku,title\na,A\n", "FEED_HEADER_INVALID"),
        (HEAD + "a,A,1,1\nb,B,x,1\nc,C,x,1\n", "FEED_MOSTLY_FAULTY"),
        (HEAD, "FEED_EMPTY"),
        ("", "FEED_HEADER_INVALID"),
        ("item_id,title\na,Crème\n".encode("latin-1"), "FEED_ENCODING_UNKNOWN"),
    ],
)
def test_pull__file_that_is_not_believed__changes_nothing(server, feed, content, code):
    project = CatalogueFeed.objects.get().project_id
    put_items(project_id=project, items=[{"item_id": "a", "title": "As it was"}])
    before, fresh = everything(), CatalogueFreshness.objects.get().fresh_at
    server.serve(content if isinstance(content, bytes) else content.encode(), ETag='"bad"')
    told = pull(feed)
    assert (told.state, told.code, bool(told.message)) == (PullState.FAILED, code, True)
    row = CatalogueFeed.objects.get()
    assert (everything(), row.etag, row.pulled_at) == (before, "", None)
    assert CatalogueFreshness.objects.get().fresh_at == fresh


def test_pull__forbidden_host__is_told_and_never_asked(server, feed, settings):
    settings.FEED_HOSTS = ()
    assert pull(feed).code == "FEED_ADDRESS_FORBIDDEN"
    assert server.asked == []


def test_pull__server_that_is_away__is_told_and_tried_again_until_it_is_back(server, feed):
    server.refuse(503)
    request_pull(feed_id=feed, acting_user=ACTOR, now=NOW)
    job = Job.objects.get(kind="pull_feed")
    assert not runner.run(job_id=job.pk)
    job.refresh_from_db()
    assert (job.state, job.attempts) == ("READY", 1)
    assert "503" in read_outcome(CatalogueFeed.objects.get().outcome).message
    server.serve((HEAD + "mug,Mug,1,1\n").encode())
    Job.objects.filter(pk=job.pk).update(run_after=datetime.now(tz=UTC) - timedelta(seconds=1))
    assert runner.run(job_id=job.pk)
    assert read_outcome(CatalogueFeed.objects.get().outcome).state is PullState.TAKEN
    assert Item.objects.count() == 1


def test_pull__that_ends_after_a_later_one__writes_nothing(server, feed):
    server.serve((HEAD + "mug,Old,1,1\n").encode())
    slow = pull_feed(feed_id=feed, now=NOW)
    server.serve((HEAD + "mug,New,1,1\n").encode())
    pull(feed, minutes(1))
    with transaction.atomic():
        slow(minutes(2))
    assert Item.objects.get().title == "New"
    assert read_outcome(CatalogueFeed.objects.get().outcome).at == minutes(1).isoformat()


def test_pull__of_an_address_that_was_changed_meanwhile__writes_nothing(server, feed):
    server.serve((HEAD + "mug,Old,1,1\n").encode())
    effect = pull_feed(feed_id=feed, now=NOW)
    edit_feed(feed_id=feed, draft=FeedDraft(url=server.url("/other.csv")), acting_user=ACTOR, now=NOW)
    with transaction.atomic():
        effect(NOW)
    assert Item.objects.count() == 0
    assert CatalogueFeed.objects.get().outcome == {}


def test_pull__failure_after_a_later_success__does_not_hide_it(server, feed):
    server.serve((HEAD + "mug,Mug,1,1\n").encode())
    pull(feed, minutes(1))
    server.refuse(503)
    with pytest.raises(FeedUnavailable):
        pull_feed(feed_id=feed, now=NOW)
    assert read_outcome(CatalogueFeed.objects.get().outcome).state is PullState.TAKEN


def test_pull__while_items_are_sent_in_the_opposite_order__never_waits_in_a_circle(server, feed):
    project = CatalogueFeed.objects.get().project_id
    names = [f"i{n:04}" for n in range(2_500)]
    server.serve((HEAD + "".join(f"{name},Feed,1,1\n" for name in reversed(names))).encode())

    def work(number: int) -> None:
        try:
            if number == 0:
                pull(feed)
                pull(feed, minutes(1))
                return
            for start in range(0, 2_500, 500):
                some = names[start : start + 500][:: 1 if number % 2 else -1]
                put_items(project_id=project, items=[{"item_id": name, "title": str(number)} for name in some])
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        for done in [pool.submit(work, number) for number in range(4)]:
            done.result()
    assert Item.objects.count() == 2_500


WORKER = """
import sys, time
from datetime import UTC, datetime
import django; django.setup()
from django.db import transaction
from decisions.actions.pulling import pull_feed
effect = pull_feed(feed_id=int(sys.argv[1]), now=datetime.now(tz=UTC))
with transaction.atomic():
    effect(datetime.now(tz=UTC))
    print("written", flush=True)
    time.sleep(60)
"""


@pytest.mark.slow
def test_pull__killed_when_all_is_written_but_not_committed__leaves_nothing(server, feed, database_url):
    server.serve((HEAD + "".join(f"i{n},New,1,1\n" for n in range(5_000))).encode())
    project = CatalogueFeed.objects.get().project_id
    put_items(project_id=project, items=[{"item_id": "i7", "title": "As it was"}])
    before = everything()
    environment = {**os.environ, "DATABASE_URL": database_url, "TILTYARD_FEED_HOSTS": HOST}
    command = [sys.executable, "-c", WORKER, str(feed)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment, cwd=settings.BASE_DIR) as worker:
        try:
            assert worker.stdout is not None
            assert worker.stdout.readline() == b"written\n"
        finally:
            worker.kill()
    assert everything() == before
    assert CatalogueFeed.objects.get().outcome == {}
    _until_nobody_holds(feed)
    told = pull(feed)
    assert (told.created, told.updated) == (4_999, 1)


def _until_nobody_holds(feed: int) -> None:
    """Wait until Postgres has seen that the killed worker is gone."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        with transaction.atomic():
            free = CatalogueFeed.objects.select_for_update(skip_locked=True).filter(pk=feed).exists()
        if free:
            return
        time.sleep(0.05)
    raise AssertionError("the killed worker's transaction is still open")
