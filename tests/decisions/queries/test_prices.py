"""What everybody was offered when, read from the ledger."""

from datetime import timedelta

import pytest

from decisions.models import Item
from decisions.queries.prices import (
    decides_prices,
    history,
    lowest,
    offered,
    own_prices,
    price_content,
    price_decision,
    struck,
)
from decisions.serving.offers import microseconds, read_prices
from decisions.strike_through import Struck
from tests.decisions.prices import days, make_price_batch, make_price_point, offer
from tests.fixtures.records import NOW, make_project

pytestmark = pytest.mark.django_db


@pytest.fixture
def project() -> int:
    """Return a project in which the mug cost 100, then 70 for five days, then 100, and 80 for the last five."""
    project = make_project()
    for price, since, until in ((100, 60, 20), (70, 20, 15), (100, 15, 5), (80, 5, None)):
        offer(project, price, NOW - days(since), None if until is None else NOW - days(until))
    return project


@pytest.mark.parametrize(
    ("ago", "price"), [(61, None), (60, 100), (20.001, 100), (20, 70), (15, 100), (5, 80), (0, 80), (-9, 80)]
)
def test_offered__at_any_time__is_the_one_price_of_everybody(project, ago, price):
    found = offered(project, "mug", at=NOW - days(ago))
    assert (None if found is None else found.price) == price


def test_offered__another_item_or_project__is_not_known(project):
    assert offered(project, "jug", at=NOW) is None
    assert offered(make_project(key="other"), "mug", at=NOW) is None


def test_history__has_the_newest_first_and_no_more_than_asked(project):
    assert [found.price for found in history(project, "mug")] == [80, 100, 70, 100]
    assert [found.price for found in history(project, "mug", most=1)] == [80]


def test_lowest__of_the_days_before__is_the_latest_of_the_lowest(project):
    found = lowest(project, "mug", before=NOW - days(5))
    assert (found.price, found.since, found.until) == (70, NOW - days(20), NOW - days(15))
    assert lowest(project, "mug", before=NOW - days(5), days=5).price == 100
    assert lowest(project, "mug", before=NOW - days(60)) is None


def test_struck__asks_the_ledger(project):
    assert struck(project, "mug", price=100, at=NOW).verdict is Struck.WAS_PRICE_TOO_HIGH
    assert struck(project, "jug", price=100, at=NOW).verdict is Struck.NOT_OFFERED


def test_own_prices__price_that_a_batch_decided__is_not_the_shop_s(project):
    batch = make_price_batch(make_price_point(project))
    offer(project, 50, NOW - days(9), NOW - days(2), item_id="jug")
    offer(project, 40, NOW - days(2), item_id="jug", batch_id=batch)
    offer(project, 30, NOW - days(2), item_id="cup", batch_id=batch)
    offer(project, 20, NOW - days(9), NOW - days(2), item_id="pot")
    assert own_prices(project, at=NOW) == {"mug": 80, "jug": 50}


def test_own_prices__item_of_which_the_ledger_has_no_own_price__is_what_it_was_sent_with(project):
    batch = make_price_batch(make_price_point(project))
    Item.objects.create(project_id=project, item_id="cup", price=33)
    Item.objects.create(project_id=project, item_id="lid")
    Item.objects.create(project_id=project, item_id="ad", collection="creatives", price=1)
    offer(project, 30, NOW - days(2), item_id="cup", batch_id=batch)
    assert own_prices(project, at=NOW) == {"mug": 80, "cup": 33}


def test_price_decision__newest_that_was_in_force__is_the_one_of_then(project):
    point = make_price_point(project)
    first = make_price_batch(point, at=NOW - days(2), mug=90)
    second = make_price_batch(point, at=NOW - days(1), mug=80)
    make_price_batch(point, at=NOW + days(1), mug=70)
    assert price_decision(project, "mug", at=NOW - days(3)) is None
    assert price_decision(project, "mug", at=NOW - days(1.5)).batch == first
    found = price_decision(project, "mug", at=NOW)
    assert (found.batch, found.price, found.point, found.decision_id) == (second, 80, "prices", f"{second}-mug")
    assert price_decision(project, "jug", at=NOW) is None


def test_decides_prices__with_a_point_on_prices__is_true():
    project = make_project()
    assert not decides_prices(project)
    make_price_point(project)
    assert decides_prices(project)


def test_price_content__of_the_ledger__has_what_holds_and_what_will(project):
    offer(project, 60, NOW + days(1), item_id="jug")
    found = price_content(project, since=NOW - timedelta(minutes=1))
    book = read_prices(found.content)
    assert found.items == 2
    assert book.offer("mug", microseconds(NOW)).price == 80
    assert book.offer("jug", microseconds(NOW)) is None
    assert book.offer("jug", microseconds(NOW + days(1))).price == 60
    assert list(book.prices) == [60, 80]
    assert price_content(project, since=NOW - timedelta(minutes=1)) == found
