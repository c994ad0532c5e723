"""Publishing of prices: from the ledger to the file that bundles name."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection, transaction

from decisions.actions.chunks import forget_unnamed_chunks
from decisions.actions.ledger_lock import lock_ledger
from decisions.actions.price_ledger import GRACE, SIMULATION_GRACE
from decisions.actions.price_publishing import (
    PACE,
    PUBLISH_PRICES,
    SIMULATION_PACE,
    promise_prices,
    publish_prices,
)
from decisions.actions.publishing import publish_bundle
from decisions.models import PublishedChunk
from decisions.queries.bundles import decision_parts
from decisions.queries.live import newest_bundle
from decisions.serving.offers import microseconds, read_prices
from foundation.models import Job
from foundation.queries import project_facts
from tests.decisions.prices import days, make_price_point, offer
from tests.fixtures.batches import waits_for_the_ledger
from tests.fixtures.records import NOW, make_project
from workers.handlers import HANDLERS
from workers.queues import QUEUE_OF_KIND

pytestmark = pytest.mark.django_db


@pytest.fixture
def project() -> int:
    return make_project()


def named(project: int) -> bytes:
    """Return the file that the next bundle of the project names."""
    sha = decision_parts(project, experiment_ids=set())["prices"]["sha256"]
    return b"".join(bytes(c.content) for c in PublishedChunk.objects.filter(sha256=sha).order_by("position"))


def test_publish__ledger__is_the_file_that_bundles_name(project):
    offer(project, 20_000_000, NOW - days(9), NOW - days(1))
    offer(project, 18_000_000, NOW - days(1))
    revision = project_facts(project).revision
    assert publish_prices(project_id=project, now=NOW)
    assert project_facts(project).revision == revision + 1
    book = read_prices(named(project))
    assert book.offer("mug", microseconds(NOW)).price == 18_000_000
    assert list(book.prices) == [18_000_000]


def test_publish__nothing_changed__publishes_nothing(project):
    offer(project, 18_000_000, NOW - days(1))
    publish_prices(project_id=project, now=NOW)
    revision = project_facts(project).revision
    assert not publish_prices(project_id=project, now=NOW + timedelta(hours=1))
    assert project_facts(project).revision == revision


def test_publish__change_that_is_told_beforehand__is_in_the_file_with_its_time(project):
    offer(project, 20_000_000, NOW - days(9), NOW + GRACE)
    offer(project, 18_000_000, NOW + GRACE)
    publish_prices(project_id=project, now=NOW)
    book = read_prices(named(project))
    at = microseconds(NOW + GRACE)
    assert (book.offer("mug", at - 1).price, book.offer("mug", at).price) == (20_000_000, 18_000_000)


def test_publish__prices_of_another_project__are_not_in_it(project):
    offer(make_project(key="other"), 20_000_000, NOW - days(1))
    publish_prices(project_id=project, now=NOW)
    assert read_prices(named(project)).places == {}


def test_bundle__project_without_published_prices__names_none(project):
    parts = decision_parts(project, experiment_ids=set())
    assert "prices" not in parts
    assert parts["catalogues"] == []


def test_bundle__with_published_prices__does_not_take_them_for_a_catalogue(project):
    publish_prices(project_id=project, now=NOW)
    parts = decision_parts(project, experiment_ids=set())
    assert parts["catalogues"] == []
    assert set(parts["prices"]) == {"sha256", "size"}


def test_forget_chunks__prices_that_are_published__stay(project):
    offer(project, 18_000_000, NOW - days(1))
    publish_prices(project_id=project, now=NOW)
    forget_unnamed_chunks()
    assert read_prices(named(project)).offer("mug", microseconds(NOW)).price == 18_000_000


def test_promise__point_on_prices_is_made__publishes_what_there_is(project):
    assert not promise_prices(project_id=project)
    make_price_point(project)
    assert Job.objects.filter(kind=PUBLISH_PRICES, project_id=project).count() == 1


def test_jobs__of_this_kind__have_a_handler_and_a_queue():
    assert PUBLISH_PRICES in HANDLERS
    assert PUBLISH_PRICES in QUEUE_OF_KIND


@pytest.mark.parametrize(("pace", "grace"), [(PACE, GRACE), (SIMULATION_PACE, SIMULATION_GRACE)])
def test_pace__of_publishing__leaves_half_of_the_grace_to_bundles_and_edges(pace, grace):
    longest = 1.2 * pace
    assert longest <= grace / 2


def test_publish_bundle__project_that_decides_on_prices__passes_its_self_test_with_them(project):
    make_price_point(project)
    offer(project, 18_000_000, NOW - days(1))
    publish_prices(project_id=project, now=NOW)
    version = publish_bundle(project_id=project)
    bundle = newest_bundle(project)
    assert bundle.version == version
    assert bundle.points.prices is not None
    assert bundle.points.prices.sha256 in bundle.points.files


@pytest.mark.django_db(transaction=True)
def test_publish__while_a_price_is_written__waits_for_it():
    """The promise of the one who writes may be that of another one, whose job runs before the writer commits."""
    project = make_project()
    with ThreadPoolExecutor(max_workers=1) as pool:
        with transaction.atomic():
            lock_ledger(project)
            offer(project, 20_000_000, NOW - days(1))
            published = pool.submit(_published_apart, project)
            while not (waits_for_the_ledger() or published.done()):
                pass
        assert published.result()
    assert read_prices(named(project)).offer("mug", microseconds(NOW)).price == 20_000_000


def _published_apart(project: int) -> bool:
    try:
        return publish_prices(project_id=project, now=NOW)
    finally:
        connection.close()
