"""The envelope: which prices may be asked for, and what forbids the others."""

from datetime import timedelta

import numpy as np
import pytest

from decisions.domains.pricing.constraints import CONSTRAINTS, NAMES, barrier, bounds
from decisions.vocabulary import DecisionReason
from tests.decisions.domains.pricing.worlds import allowed, menu_of, moment
from tests.experiments.assignment.builders import AT


def bound(settings=None, *wanted, at=AT, **said) -> dict[str, str]:
    """Return the first constraint that forbids each price of the menu, "" where none does."""
    menu = menu_of(*wanted, settings=settings, at=at, **said)
    found = bounds(moment(at=at, **(settings or {})), menu).tolist()
    return {item: CONSTRAINTS[place - 1] if place else "" for item, place in zip(menu.items, found, strict=True)}


def hours_ago(hours: float) -> float:
    return (AT - timedelta(hours=hours)).timestamp()


def test_constraints__each__has_a_name_for_people():
    assert set(NAMES) == set(CONSTRAINTS)


@pytest.mark.parametrize(
    ("said", "forbidden", "name"),
    [
        ({"floor": 19.0}, 19.0, "floor"),
        ({"map_price": 19.0}, 19.0, "map_price"),
    ],
)
def test_bounds__lower_limits__forbid_what_is_below_them_and_not_the_limit(said, forbidden, name):
    found = bound(price=20.0, **said)
    assert {item for item, why in found.items() if why == name} == {i for i in found if float(i) < forbidden}
    assert found["19.00"] == ""


def test_bounds__ceiling__forbids_what_is_above_it_but_the_present_price():
    found = bound(price=20.0, ceiling=19.0)
    assert {item for item, why in found.items() if why == "ceiling"} == {
        item for item in found if float(item) > 19.0 and item != "20.00"
    }
    assert found["20.00"] == ""


def test_bounds__cost_margin__forbids_new_prices_too_close_to_the_cost():
    found = bound({"min_margin": 0.1}, price=20.0, cost=17.5)
    assert [item for item, why in found.items() if why == "cost_margin"] == [i for i in found if float(i) < 19.25]
    assert bound({"min_margin": 0.1}, price=20.0, cost=25.0)["20.00"] == ""


def test_bounds__fixed_price_too_far_away__is_too_large_a_step():
    found = bound({"max_step": 0.1}, "17.99", "22.01", "18.00", "22.00", price=20.0)
    assert {item for item, why in found.items() if why == "max_step"} == {"17.99", "22.01"}


def test_bounds__own_price__may_be_returned_to_in_one_step():
    assert bound({"max_step": 0.05}, price=20.0, own_price=25.0)["25.00"] == ""
    assert bound({"max_step": 0.05}, price=20.0, own_price=25.0, ceiling=24.0)["25.00"] == "ceiling"


@pytest.mark.parametrize(("hours", "is_free"), [(0, False), (167, False), (167.9, True), (168, True), (1_000, True)])
def test_bounds__changed_lately__leaves_the_present_price_alone_for_whole_hours(hours, is_free):
    found = bound(price=20.0, changed_at=hours_ago(hours))
    assert found["20.00"] == ""
    assert (found["19.80"] == "") is is_free
    assert {why for item, why in found.items() if item != "20.00"} == ({""} if is_free else {"cool_down"})


def test_bounds__several_constraints__name_the_first():
    found = bound(price=20.0, floor=19.0, map_price=19.5, changed_at=hours_ago(1))
    assert (found["18.80"], found["19.20"], found["19.80"]) == ("floor", "map_price", "cool_down")


def test_bounds__nothing_known_but_the_price__allows_every_step():
    assert set(bound(price=20.0).values()) == {""}


def test_allowed__present_price_below_the_floor__is_left_for_the_nearest_that_is_not():
    assert allowed(price=20.0, floor=21.0) == ["21.00", "21.20", "21.40", "21.60", "21.80", "22.00"]


def test_barrier__item_with_all_it_takes__is_none():
    assert barrier(moment(), menu_of(price=20.0, cost=12.0)) is None
    assert barrier(moment(objective="revenue"), menu_of(price=20.0)) is None


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ({}, DecisionReason.PRICE_MISSING),
        ({"price": 0.0, "cost": 12.0}, DecisionReason.PRICE_MISSING),
        ({"price": 20.0}, DecisionReason.COST_MISSING),
        ({"price": 20.0, "cost": 12.0, "floor": 30.0}, DecisionReason.OUTSIDE_ENVELOPE),
        (
            {"price": 20.0, "cost": 12.0, "map_price": 20.01, "changed_at": hours_ago(2)},
            DecisionReason.OUTSIDE_ENVELOPE,
        ),
    ],
)
def test_barrier__item_that_lacks_something__is_its_name(said, reason):
    assert barrier(moment(), menu_of(**said)) is reason


def test_bounds__empty_menu__are_none():
    assert bounds(moment(), menu_of()).dtype == np.int64
    assert bounds(moment(), menu_of()).shape == (0,)
