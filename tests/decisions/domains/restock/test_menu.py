"""The orders that there are for an item in a store."""

import numpy as np
import pytest

from tests.decisions.domains.restock.worlds import NAN, PLAIN, menu_of, pieces
from tests.experiments.assignment.builders import AT


def test_menu__plain_item__has_whole_packs_over_several_protection_intervals():
    found = menu_of()
    # 4 intervals of 8 days at 4 a day are 128 pieces, of which 10 are there: 118, so 120 in packs of 6
    assert pieces(found) == [0, *range(6, 121, 6)]
    assert np.asarray(found.fields["level"]).tolist() == [10.0 + order for order in pieces(found)]
    assert found.fresh_at == PLAIN["counted_at"]
    assert (found.about["cluster"], found.about["on_hand"]) == ("teas", 10.0)
    assert [found.places[item] for item in found.items] == list(range(len(found.items)))


def test_menu__minimum_order__begins_there():
    assert pieces(menu_of(minimum_order=20.0))[:3] == [0, 24, 30]


def test_menu__pieces_one_by_one__are_at_most_sixty_and_evenly_apart():
    found = pieces(menu_of(pack_size=NAN, daily_sales=100.0))
    assert len(found) <= 60
    assert found[-1] == 3_190
    assert max(np.diff(found)) <= 58


def test_menu__little_room__ends_with_the_first_order_that_does_not_fit_and_the_one_that_the_rule_wants():
    assert pieces(menu_of(capacity=40.0)) == [0, 6, 12, 18, 24, 30, 36, 42]


def test_menu__more_there_than_room__still_offers_nothing_and_what_does_not_fit():
    assert pieces(menu_of(capacity=4.0)) == [0, 6, 42]


def test_menu__nothing_sold_but_room_known__reaches_it():
    assert pieces(menu_of(daily_sales=0.0, capacity=34.0, lead_days=NAN)) == [0, 6, 12, 18, 24]


def test_menu__level_of_the_shop__is_reached():
    found = menu_of(reorder_point=12.0, order_up_to=400.0, pack_size=NAN)
    assert 390 in pieces(found)


@pytest.mark.parametrize(
    ("text", "order"),
    [("s=20,S=411", 402), ("R=10,Q=500", 504), ("days=100", 390), ("s=2,S=3", 0), ("nonsense", 0)],
)
def test_menu__rule_that_is_wanted__has_its_order(text, order):
    assert order in pieces(menu_of(text))


def test_menu__never_counted__is_nothing_and_of_no_age():
    found = menu_of(on_hand=NAN, counted_at=NAN)
    assert pieces(found) == [0]
    assert found.fresh_at is None
    assert AT.timestamp() > PLAIN["counted_at"]
