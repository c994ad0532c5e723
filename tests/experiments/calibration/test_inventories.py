"""The simulated stock: conservation, lead times, shelves, and the two ways to look at its money."""

from dataclasses import replace

import numpy as np
import pytest

from experiments.calibration import inventories
from experiments.calibration.inventories import Inventory, Policy

SMALL = Inventory(groups=6)
SHARED = Inventory(groups=4, items=4, capacity=1.05)


def kept(inventory, generous, days=56):
    shelves = inventories.draw_shelves(inventory, np.random.default_rng(2), days)
    choice = np.full(shelves.demand.shape, generous)
    return shelves, inventories.keep_books(inventory, shelves, choice)


@pytest.mark.parametrize("inventory", [SMALL, SHARED])
def test_keep_books__every_day__conserves_pieces_and_sells_no_more_than_asked(inventory):
    shelves, books = kept(inventory, generous=True)
    change = np.diff(books.stock, axis=0)
    assert np.array_equal(change, (books.ordered - books.sold)[1:])
    assert np.all(books.sold <= shelves.demand)
    assert np.all(books.on_hand >= 0)
    assert np.all(books.on_hand <= books.stock)


def test_keep_books__orders__are_placed_at_reviews_and_arrive_after_their_lead_time():
    shelves, books = kept(SMALL, generous=False)
    assert not books.ordered[1::2].any()
    arrived = books.on_hand[1:] - books.on_hand[:-1] + books.sold[1:]
    due = np.zeros_like(books.ordered)
    for day, order in enumerate(books.ordered):
        for place in zip(*np.nonzero(order), strict=True):
            when = day + shelves.lead[day][place]
            if when < len(due):
                due[when][place] += order[place]
    assert np.array_equal(arrived, due[1:])


def test_keep_books__the_generous_policy__loses_fewer_sales_with_more_stock():
    _, lean = kept(SMALL, generous=False)
    _, generous = kept(SMALL, generous=True)
    assert generous.sold.sum() > lean.sold.sum()
    assert generous.on_hand.mean() > lean.on_hand.mean()


def test_keep_books__a_shared_shelf__never_holds_more_than_it_takes():
    shelves, books = kept(SHARED, generous=True)
    room = np.floor(1.05 * inventories.order_up_to(SHARED, shelves.level, SHARED.lean).sum(axis=-1))
    assert np.all(books.stock[8:].sum(axis=-1) <= room)
    _, free = kept(replace(SHARED, capacity=None), generous=True)
    assert np.any(free.stock[8:].sum(axis=-1) > room)


def test_profit_cents__whatever_was_ordered__is_margin_less_holding():
    _, books = kept(SMALL, generous=True)
    expected = 400 * books.sold - SMALL.holding * books.on_hand
    assert np.array_equal(inventories.profit_cents(SMALL, books)[1:], expected[1:])


def test_cash_cents__a_day_on_which_shelves_are_filled__looks_dear():
    levels = Inventory(groups=6, lean=Policy(0.0), generous=Policy(3.0))
    shelves = inventories.draw_shelves(levels, np.random.default_rng(2), 28)
    switched = np.zeros(shelves.demand.shape, dtype=bool)
    switched[14:] = True
    never = inventories.keep_books(levels, shelves, np.zeros_like(switched))
    after = inventories.keep_books(levels, shelves, switched)
    assert inventories.cash_cents(after)[14].sum() < inventories.cash_cents(never)[14].sum()
    assert np.array_equal(inventories.cash_cents(after)[:14], inventories.cash_cents(never)[:14])
