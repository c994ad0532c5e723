"""Which prices there are for an item: around the present one, ending as asked, and those of fixed texts."""

from datetime import timedelta

import numpy as np
import pytest

from decisions.domains.pricing.domain import DOMAIN
from decisions.domains.pricing.menu import fixed_fault
from tests.decisions.domains.pricing.worlds import menu_of, moment, subjects
from tests.experiments.assignment.builders import AT

CENT = {"grid_step": 0.001}


def meant(*texts: str, **said: float) -> list[str]:
    menu = menu_of(*texts, **said)
    assert DOMAIN.hooks.fixed is not None
    return [menu.items[place] for place in DOMAIN.hooks.fixed(moment(), menu, texts).tolist()]


def test_menu__of_an_item__has_prices_in_equal_steps_around_the_present_one():
    menu = menu_of(price=20.0)
    assert menu.items == tuple(f"{18.0 + 0.2 * step:.2f}" for step in range(21))
    np.testing.assert_array_equal(menu.fields["price"], [float(item) for item in menu.items])
    assert [menu.places[item] for item in menu.items] == list(range(21))


def test_menu__finest_steps__has_at_most_41_prices():
    assert len(menu_of(price=1_000.0, settings=CENT).items) == 41
    assert len(menu_of(price=1_000.0, settings={"grid_step": 0.001, "max_step": 0.5}).items) == 41


def test_menu__no_step_allowed__has_the_present_price_alone():
    assert menu_of(price=20.0, settings={"max_step": 0.0}).items == ("20.00",)


@pytest.mark.parametrize(
    ("charm", "decimals", "price", "ending"),
    [("9", "2", 20.0, "9"), ("99", "2", 200.0, ".99"), ("9", "0", 2_000.0, "9"), ("99", "0", 20_000.0, "99")],
)
def test_menu__charm__every_price_but_the_present_one_ends_so(charm, decimals, price, ending):
    menu = menu_of(price=price, settings={"charm": charm, "decimals": decimals})
    now = f"{price:.{decimals}f}"
    assert now in menu.items
    assert len(menu.items) > 3
    assert all(item.endswith(ending) for item in menu.items if item != now)


@pytest.mark.parametrize(("decimals", "digits"), [("0", 0), ("1", 1), ("2", 2), ("3", 3)])
def test_menu__decimals__prices_have_no_more(decimals, digits):
    menu = menu_of(price=1_234.0, settings={"decimals": decimals})
    assert {len(item.partition(".")[2]) for item in menu.items} == {digits}


def test_menu__present_price_with_more_decimals__keeps_it_to_the_millionth():
    assert "19.987654" in menu_of(price=19.987654).items


@pytest.mark.parametrize("price", [0.0, float("nan"), float("inf"), -1.0, 1e300])
def test_menu__item_without_a_usable_price__is_empty(price):
    menu = menu_of("19.99", "-5%", price=price)
    assert menu.items == ()
    assert menu.fields["price"].shape == (0,)


def test_menu__of_a_cheap_item__has_no_price_of_nothing():
    menu = menu_of(price=0.02, settings={"charm": "99", "max_step": 0.5})
    assert all(float(item) > 0 for item in menu.items)


def test_menu__what_is_known_of_the_item__is_about_it_and_nothing_else():
    menu = menu_of(price=20.0, cost=12.0, cluster="mugs", changed_at=1.0)
    assert dict(menu.about) == {"price": 20.0, "cost": 12.0, "cluster": "mugs", "changed_at": 1.0}


def test_menu__columns_that_the_catalogue_lacks__are_unknown():
    catalogue = subjects({"mug": {"price": 20.0}})
    fields = {"price": catalogue.fields["price"]}
    bare = type(catalogue)(catalogue.items, catalogue.places, catalogue.in_stock, catalogue.baseline, fields)
    assert DOMAIN.hooks.menu is not None
    assert dict(DOMAIN.hooks.menu(moment(), bare, 0, ()).about) == {"price": 20.0}


def test_fixed__prices_and_changes__are_in_the_menu_in_the_order_of_the_texts():
    assert meant("19.99", "-5%", "+3%", price=20.0) == ["19.99", "19.00", "20.60"]


def test_fixed__change__is_of_the_own_price_so_that_deciding_twice_changes_once():
    assert meant("-5%", price=20.0, own_price=20.0) == ["19.00"]
    assert meant("-5%", price=19.0, own_price=20.0) == ["19.00"]


def test_fixed__text_that_means_nothing__is_passed_over():
    assert meant("cheap", "20.00", price=20.0) == ["20.00"]


def test_fixed__change__is_rounded_to_the_least_amount_of_money():
    assert meant("-3.3333%", price=9.99) == ["9.66"]


@pytest.mark.parametrize("text", ["19.99", "5", "0.01", "-5%", "+3%", "-99.99%", "+100%", "-0.5%"])
def test_fixed_fault__text_that_means_a_price__is_none(text):
    assert fixed_fault(text) == ""


@pytest.mark.parametrize(
    "text",
    ["", "cheap", "5%", "-5", "-100%", "+101%", "+1e3%", "19,99", "1e3", "0", "0.00", "-0.0001", "NaN", "٥", "$5"],
)
def test_fixed_fault__any_other_text__says_what_is_wrong(text):
    assert fixed_fault(text).endswith(".")


def test_moment__a_day_later__has_the_same_menu():
    assert menu_of(price=20.0, at=AT + timedelta(days=1)).items == menu_of(price=20.0).items


@pytest.mark.parametrize(
    ("own", "change", "price"),
    [(0.2, "+2.5%", "0.21"), (0.1, "+15%", "0.12"), (1.4, "+2.5%", "1.44"), (9.99, "-10%", "8.99")],
)
def test_fixed__change_to_half_a_cent__is_rounded_up_whatever_a_float_makes_of_it(own, change, price):
    assert meant(change, price=own) == [price]
