"""The price ledger: one offer at a time for everybody, whoever writes it and in whatever order."""

import threading
from datetime import datetime, timedelta
from itertools import pairwise

import pytest
from django.db import connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from decisions.actions.catalogue import put_items
from decisions.actions.ledger_lock import lock_ledger
from decisions.actions.price_ledger import GRACE, write_offers, write_own_prices
from decisions.actions.price_publishing import PUBLISH_PRICES
from decisions.models import DecisionBatch, Item, PriceOffer
from decisions.queries.batches import BatchUnknown
from foundation.models import Job
from tests.decisions.prices import ledger, make_price_batch, make_price_point
from tests.fixtures.records import NOW, make_project, simulation_clock

SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)


@pytest.fixture
def project(db: None) -> int:
    return make_project()


@pytest.fixture
def batch(project: int) -> int:
    return make_price_batch(make_price_point(project))


def own(project: int, price: int | None, now: datetime, item: str = "mug") -> None:
    with transaction.atomic():
        lock_ledger(project)
        write_own_prices(project_id=project, prices=[(item, price)], now=now)


def test_write_own_prices__first_price_of_an_item__holds_at_once(project):
    own(project, 20_000_000, NOW)
    assert ledger(project) == [(20_000_000, NOW, None, None)]


def test_write_own_prices__another_price__takes_its_place_after_the_grace(project):
    own(project, 20_000_000, NOW)
    own(project, 18_000_000, NOW + MINUTE)
    changed = NOW + MINUTE + GRACE
    assert ledger(project) == [(20_000_000, NOW, changed, None), (18_000_000, changed, None, None)]


def test_write_own_prices__the_same_price_again__changes_nothing(project):
    own(project, 20_000_000, NOW)
    own(project, 20_000_000, NOW + MINUTE)
    assert ledger(project) == [(20_000_000, NOW, None, None)]


def test_write_own_prices__price_taken_away__ends_the_offer(project):
    own(project, 20_000_000, NOW)
    own(project, None, NOW + MINUTE)
    assert ledger(project) == [(20_000_000, NOW, NOW + MINUTE + GRACE, None)]
    own(project, None, NOW + 2 * MINUTE)
    assert len(ledger(project)) == 1


def test_write_own_prices__another_word_before_the_first_one_holds__withdraws_it(project):
    own(project, 20_000_000, NOW)
    own(project, 18_000_000, NOW + MINUTE)
    own(project, 17_000_000, NOW + MINUTE)
    changed = NOW + MINUTE + GRACE
    assert ledger(project) == [(20_000_000, NOW, changed, None), (17_000_000, changed, None, None)]


def test_write_own_prices__back_before_the_change_holds__goes_on_without_a_break(project):
    own(project, 20_000_000, NOW)
    own(project, 18_000_000, NOW + MINUTE)
    own(project, 20_000_000, NOW + MINUTE)
    assert ledger(project) == [(20_000_000, NOW, None, None)]


def test_write_own_prices__simulation__grace_is_a_second_of_wall_time(db):
    project = make_project(clock=simulation_clock(speed=3_600))
    own(project, 20_000_000, NOW)
    own(project, 18_000_000, NOW)
    assert ledger(project)[1][1] == NOW + timedelta(hours=1)


def test_write_offers__of_a_batch__end_what_was_offered_before(project, batch):
    own(project, 20_000_000, NOW)
    at = NOW + MINUTE
    write_offers(batch_id=batch, offers=[("mug", 19_000_000), ("jug", 5_000_000)], takes_effect_at=at)
    assert ledger(project) == [(20_000_000, NOW, at, None), (19_000_000, at, None, batch)]
    assert ledger(project, "jug") == [(5_000_000, at, None, batch)]


def test_write_offers__for_what_is_offered_already__leave_it_to_whoever_set_it(project, batch):
    own(project, 20_000_000, NOW)
    write_offers(batch_id=batch, offers=[("mug", 20_000_000)], takes_effect_at=NOW + MINUTE)
    assert ledger(project) == [(20_000_000, NOW, None, None)]


def test_write_offers__written_twice__are_there_once(project, batch):
    for _ in range(2):
        write_offers(batch_id=batch, offers=[("mug", 19_000_000)], takes_effect_at=NOW)
    assert ledger(project) == [(19_000_000, NOW, None, batch)]


def test_write_offers__of_another_project__stay_apart(project, batch):
    other = make_project(key="other")
    own(other, 20_000_000, NOW)
    write_offers(batch_id=batch, offers=[("mug", 19_000_000)], takes_effect_at=NOW + MINUTE)
    assert ledger(other) == [(20_000_000, NOW, None, None)]


def test_write_offers__of_no_batch__write_nothing(project):
    with pytest.raises(BatchUnknown):
        write_offers(batch_id=99_999, offers=[("mug", 19_000_000)], takes_effect_at=NOW)
    assert PriceOffer.objects.count() == 0


def test_write_offers__negative_price__is_refused_whole(project, batch):
    with pytest.raises(Exception, match="price_offer_is_not_negative"):
        write_offers(batch_id=batch, offers=[("jug", 1), ("mug", -1)], takes_effect_at=NOW)
    assert PriceOffer.objects.count() == 0


@given(
    st.lists(
        st.tuples(st.integers(0, 20), st.one_of(st.none(), st.integers(1, 3)), st.booleans()), min_size=1, max_size=12
    )
)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_ledger__whatever_is_written_in_the_order_of_time__never_overlaps_and_ends_with_the_last_word(
    project, batch, words
):
    """Words of batches that take effect at once, and of the shop with its grace, one after another in time."""
    PriceOffer.objects.all().delete()
    at, last = NOW, None
    for seconds, price, by_shop in words:
        at += seconds * SECOND
        if by_shop:
            own(project, price, at)
            last = price
        elif price is not None:
            DecisionBatch.objects.filter(pk=batch).update(made_at=at + GRACE)
            write_offers(batch_id=batch, offers=[("mug", price)], takes_effect_at=at + GRACE)
            last = price
    rows = ledger(project)
    assert all(until is None or since < until for _, since, until, _ in rows)
    assert all(until is not None and until <= later[1] for (_, _, until, _), later in pairwise(rows))
    assert all(not (until == later[1] and price == later[0]) for (price, _, until, _), later in pairwise(rows))
    standing = [price for price, _, until, _ in rows if until is None]
    assert standing == ([] if last is None else [last])


def test_put_items__new_and_changed_prices__are_in_the_ledger(project):
    put_items(project_id=project, items=[{"item_id": "mug", "price": 20}, {"item_id": "jug"}])
    put_items(project_id=project, items=[{"item_id": "mug", "price": "18.5"}, {"item_id": "jug", "price": 5}])
    first, second = ledger(project)
    assert (first[0], second[0]) == (20_000_000, 18_500_000)
    assert first[2] == second[1] > first[1] + GRACE - SECOND
    assert [price for price, *_ in ledger(project, "jug")] == [5_000_000]


def test_put_items__sent_again_after_a_batch_decided__leaves_what_was_decided(project, batch):
    put_items(project_id=project, items=[{"item_id": "mug", "price": 20, "title": "Mug"}])
    DecisionBatch.objects.filter(pk=batch).update(made_at=datetime.now(NOW.tzinfo))
    write_offers(batch_id=batch, offers=[("mug", 19_000_000)], takes_effect_at=datetime.now(NOW.tzinfo) + MINUTE)
    put_items(project_id=project, items=[{"item_id": "mug", "price": 20, "title": "Blue mug"}])
    assert [(price, by) for price, _, _, by in ledger(project)] == [(20_000_000, None), (19_000_000, batch)]


def test_put_items__shop_sends_the_decided_price_back__is_no_price_of_its_own(project, batch):
    put_items(project_id=project, items=[{"item_id": "mug", "price": 20}])
    DecisionBatch.objects.filter(pk=batch).update(made_at=datetime.now(NOW.tzinfo))
    write_offers(batch_id=batch, offers=[("mug", 19_000_000)], takes_effect_at=datetime.now(NOW.tzinfo) + MINUTE)
    put_items(project_id=project, items=[{"item_id": "mug", "price": 19}])
    assert [(price, by) for price, _, _, by in ledger(project)] == [(20_000_000, None), (19_000_000, batch)]


def test_put_items__of_before_there_was_a_ledger__get_their_first_offer(project):
    Item.objects.create(project_id=project, item_id="mug", price=20_000_000)
    put_items(project_id=project, items=[{"item_id": "mug", "price": 20}])
    assert [price for price, *_ in ledger(project)] == [20_000_000]


def test_put_items__refused__leaves_the_ledger_as_it_was(project):
    put_items(project_id=project, items=[{"item_id": "mug", "price": 20}])
    put_items(project_id=project, items=[{"item_id": "mug", "price": -1}])
    assert [price for price, *_ in ledger(project)] == [20_000_000]


def test_write_offers__project_that_decides_on_prices__promises_to_publish_them(project, batch):
    write_offers(batch_id=batch, offers=[("mug", 19_000_000)], takes_effect_at=NOW)
    write_offers(batch_id=batch, offers=[("mug", 18_000_000)], takes_effect_at=NOW + MINUTE)
    assert Job.objects.filter(kind=PUBLISH_PRICES, project_id=project).count() >= 1


def test_put_items__project_without_a_point_on_prices__promises_nothing(project):
    put_items(project_id=project, items=[{"item_id": "mug", "price": 20}])
    assert not Job.objects.filter(kind=PUBLISH_PRICES).exists()


@pytest.mark.django_db(transaction=True)
def test_put_items__many_at_once__leave_one_offer_that_is_the_item_s_price():
    project = make_project()
    ready = threading.Barrier(4)

    def send(price: int) -> None:
        try:
            ready.wait(10)
            for step in range(5):
                put_items(project_id=project, items=[{"item_id": "mug", "price": price + step}])
        finally:
            connection.close()

    senders = [threading.Thread(target=send, args=(number * 10,)) for number in range(1, 5)]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join(30)
    rows = ledger(project)
    assert [price for price, _, until, _ in rows if until is None] == [Item.objects.get().price]
    assert all(until <= later[1] for (_, _, until, _), later in pairwise(rows))


def test_write_offers__price_that_the_shop_has_set_since_they_were_decided__stands(project, batch):
    own(project, 20_000_000, NOW - MINUTE)
    own(project, 25_000_000, NOW - SECOND)  # holds 14 seconds after the batch was made
    write_offers(batch_id=batch, offers=[("mug", 19_000_000)], takes_effect_at=NOW + MINUTE)
    changed = NOW - SECOND + GRACE
    assert ledger(project) == [(20_000_000, NOW - MINUTE, changed, None), (25_000_000, changed, None, None)]


def test_write_offers__item_that_the_shop_has_stopped_offering_since__is_not_offered_again(project, batch):
    own(project, 20_000_000, NOW - MINUTE)
    own(project, None, NOW - SECOND)
    write_offers(batch_id=batch, offers=[("mug", 19_000_000)], takes_effect_at=NOW + MINUTE)
    assert ledger(project) == [(20_000_000, NOW - MINUTE, NOW - SECOND + GRACE, None)]
