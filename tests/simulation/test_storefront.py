from collections import Counter
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from simulation.behaviour import EMPTY
from simulation.catalogue import draw_catalogue
from simulation.events import ADDED, CLICKED, ORDERED, REFUNDED, VIEWED, Event, message
from simulation.past import MEMORY_DAYS, PAST_DAYS
from simulation.storefront import Shop
from simulation.truth import Truth
from simulation.visitors import Met, arrivals, behaviour, conversion, crowd_events, history

START = datetime(2026, 3, 2, tzinfo=UTC)
EAGER = Truth(items=120, click=0.5, cart=0.5, refunds=0.3)


def shop_of(truth: Truth = EAGER, seed: int = 1) -> Shop:
    return Shop(truth, seed, draw_catalogue(truth, seed))


def test_items__are_the_whole_catalogue_as_the_console_takes_it():
    shop = shop_of()
    items = shop.items()
    assert [item["item_id"] for item in items] == list(shop.catalogue.ids)
    assert set(items[0]) == {"item_id", "title", "category", "price", "rating", "stock"}
    assert {item["stock"] == 0 for item in items} == {True, False}


def test_places__of_a_short_slate__are_filled_up_with_empty_places():
    shop = shop_of()
    assert shop.places(["p-0003", "p-0001"], 4).tolist() == [3, 1, EMPTY, EMPTY]


def test_bestsellers__are_in_stock_and_the_best_first():
    shop = shop_of()
    slate = shop.bestsellers(10)
    assert shop.catalogue.in_stock[slate].all()
    assert (np.diff(shop.catalogue.quality[slate]) <= 0.0).all()


def test_arrivals__of_a_day__come_on_that_day_in_order_and_are_the_same_every_time():
    shop = shop_of()
    first, again = (arrivals(shop, day=3, start=START, per_day=50) for _ in range(2))
    times = [visitor.arrives_at for visitor in first]
    assert times == sorted(times)
    assert START + timedelta(days=3) <= times[0] <= times[-1] < START + timedelta(days=4)
    assert [visitor.id for visitor in first] == [visitor.id for visitor in again]
    assert times == [visitor.arrives_at for visitor in again]


def test_history__lies_before_the_visit_and_belongs_to_those_who_return():
    shop = shop_of()
    for visitor in arrivals(shop, day=0, start=START, per_day=50):
        events = list(history(shop, visitor))
        assert bool(events) <= bool(visitor.shopper.returning[0])
        assert all(event.name == VIEWED for event in events)
        assert all(
            visitor.arrives_at - timedelta(days=MEMORY_DAYS) <= event.at < visitor.arrives_at for event in events
        )


def test_behaviour__lies_within_the_window_and_tells_a_whole_story():
    shop = shop_of()
    slate = shop.bestsellers(20)
    counts: Counter[str] = Counter()
    for visitor in arrivals(shop, day=0, start=START, per_day=300):
        events = list(behaviour(shop, visitor, Met(slate)))
        counts.update(event.name for event in events)
        assert all(timedelta() < event.at - visitor.arrives_at < timedelta(days=7) for event in events)
        orders = [event for event in events if event.name == ORDERED]
        assert len(orders) <= 1
        if not orders:
            assert not any(event.name == REFUNDED for event in events)
            continue
        lines = orders[0].properties["products"]
        added = Counter(event.properties["product_id"] for event in events if event.name == ADDED)
        assert Counter(line["product_id"] for line in lines) == added
        assert orders[0].properties["revenue"] == pytest.approx(sum(line["price"] * line["quantity"] for line in lines))
    assert all(counts[name] > 10 for name in (VIEWED, CLICKED, ADDED, ORDERED, REFUNDED))


def test_behaviour__nothing_sold_out__is_ever_ordered():
    shop = shop_of(Truth(items=120, out_of_stock=0.5, click=0.5, cart=1.0))
    sold_out = {name for name, stock in zip(shop.catalogue.ids, shop.catalogue.stock, strict=True) if stock == 0}
    slate = np.arange(20)
    bought = set()
    for visitor in arrivals(shop, day=0, start=START, per_day=200):
        for event in behaviour(shop, visitor, Met(slate)):
            if event.name == ORDERED:
                bought |= {line["product_id"] for line in event.properties["products"]}
    assert bought
    assert not bought & sold_out


def test_behaviour__is_the_same_whenever_it_is_asked_for():
    shop = shop_of()
    visitor = arrivals(shop, day=0, start=START, per_day=5)[2]
    met = Met(shop.bestsellers(20))
    assert list(behaviour(shop, visitor, met)) == list(behaviour(shop, visitor, met))


def test_behaviour__orders__come_as_often_as_the_closed_form_says():
    shop = shop_of(Truth(items=120))
    slate = shop.bestsellers(20)
    everybody = [visitor for day in range(10) for visitor in arrivals(shop, day=day, start=START, per_day=400)]
    visitors = [visitor for visitor in everybody if not visitor.profile.robot]
    ordered = sum(
        any(event.name == ORDERED for event in behaviour(shop, v, Met(slate, checkout=1.5))) for v in visitors
    )
    chances = np.array([1.5 * conversion(shop, visitor, slate) for visitor in visitors])
    error = float(np.sqrt((chances * (1.0 - chances)).sum()))
    assert abs(ordered - float(chances.sum())) < 4.0 * error


def test_behaviour__of_a_robot__is_views_alone_whatever_it_meets():
    shop = shop_of()
    robots = [visitor for visitor in arrivals(shop, day=0, start=START, per_day=400) if visitor.profile.robot]
    assert robots
    for robot in robots:
        events = list(behaviour(shop, robot, Met(shop.bestsellers(20), checkout=1.5)))
        assert {event.name for event in events} == {VIEWED}
        assert len({event.mark for event in events}) == len(events) == robot.profile.crawled
        assert all(timedelta() < event.at - robot.arrives_at < timedelta(hours=4) for event in events)
        assert list(history(shop, robot)) == []


def test_crowd_events__fill_the_past_in_the_order_of_time():
    shop = shop_of()
    events = crowd_events(shop, per_day=20, start=START)
    times = [event.at for event in events]
    assert times == sorted(times)
    assert START <= times[0] <= times[-1] < START + timedelta(days=PAST_DAYS)
    assert {event.name for event in events} == {VIEWED, ADDED, ORDERED}


def test_message__of_the_same_event__has_the_same_id_and_of_another_mark_another():
    event = Event("v-1", START, VIEWED, {"product_id": "p-1"}, mark="1")
    other = Event("v-1", START, VIEWED, {"product_id": "p-1"}, mark="2")
    assert message(event) == message(event)
    assert message(event)["messageId"] != message(other)["messageId"]
    assert message(event)["timestamp"] == "2026-03-02T00:00:00Z"


def test_messages__of_a_day__have_ids_of_their_own():
    shop = shop_of()
    slate = shop.bestsellers(20)
    events = [
        event
        for visitor in arrivals(shop, day=0, start=START, per_day=100)
        for event in (*history(shop, visitor), *behaviour(shop, visitor, Met(slate)))
    ]
    assert len({message(event)["messageId"] for event in events}) == len(events)
