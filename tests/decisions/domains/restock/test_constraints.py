"""Which orders may be placed, by the first constraint that forbids each, and what keeps every policy from deciding."""

import numpy as np
import pytest

from decisions.domains.restock.constraints import CONSTRAINTS, barrier, bounds
from decisions.vocabulary import DecisionReason
from tests.decisions.domains.restock.worlds import NAN, menu_of, moment


def forbidden(found, **settings: float | str) -> dict[str, str]:
    """Return the constraint that forbids each order that may not be placed."""
    bound = bounds(moment(**settings), found)
    return {item: CONSTRAINTS[number - 1] for item, number in zip(found.items, bound.tolist(), strict=True) if number}


def test_bounds__nothing_known_that_forbids__allow_everything():
    assert forbidden(menu_of()) == {}


@pytest.mark.parametrize(
    ("known", "settings", "name", "first"),
    [
        ({"capacity": 40.0}, {}, "capacity", 36),
        ({}, {"cash": 300.0}, "cash", 30),  # 24 cost 288
        ({"shelf_life": 20.0}, {}, "shelf_life", 72),  # 80 can be sold
    ],
)
def test_bounds__each_constraint__forbids_from_the_first_order_beyond_it(known, settings, name, first):
    found = menu_of(**known)
    assert forbidden(found, **settings) == {item: name for item in found.items if int(item) >= first}


def test_bounds__shelf_life_of_what_nobody_buys__is_not_held_against_it():
    assert forbidden(menu_of(shelf_life=20.0, daily_sales=0.0, capacity=50.0)) == {}


def test_bounds__several_at_once__name_the_first():
    assert forbidden(menu_of(capacity=40.0, shelf_life=5.0), cash=100.0) == {
        "12": "cash",
        "18": "cash",
        "24": "cash",
        "30": "cash",
        "36": "capacity",
        "42": "capacity",
    }


def test_bounds__nothing_ordered__is_allowed_whatever_is_known():
    found = menu_of(capacity=1.0, shelf_life=0.1)
    assert bounds(moment(cash=0.01), found)[0] == 0
    assert np.count_nonzero(bounds(moment(cash=0.01), found)) == len(found.items) - 1


@pytest.mark.parametrize(
    ("known", "settings", "reason"),
    [
        ({}, {}, None),
        ({"on_hand": NAN}, {}, DecisionReason.STOCK_MISSING),
        ({"cost": NAN}, {}, DecisionReason.COST_MISSING),
        ({"price": NAN}, {}, None),
        ({"price": NAN}, {"objective": "newsvendor"}, DecisionReason.PRICE_MISSING),
        ({"on_order": NAN}, {}, None),
    ],
)
def test_barrier__what_is_missing__is_named(known, settings, reason):
    assert barrier(moment(**settings), menu_of(**known)) is reason
