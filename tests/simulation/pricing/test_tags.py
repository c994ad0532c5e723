"""Quotes held against each other: whatever breaks one price for everybody at one moment is found."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from simulation.pricing.tags import Tag, unequal

BEGAN = datetime(2026, 3, 2, tzinfo=UTC)
CHANGED = BEGAN + timedelta(hours=6)
FIRST = Tag("good", BEGAN + timedelta(hours=1), 20.0, BEGAN)
LATER = replace(FIRST, at=BEGAN + timedelta(hours=5))
AFTER = Tag("good", BEGAN + timedelta(hours=7), 18.0, CHANGED)


def test_unequal__one_price_after_the_other__is_none_in_whatever_order_they_come():
    assert list(unequal([AFTER, FIRST, LATER])) == []


def test_unequal__other_items__have_prices_of_their_own():
    assert list(unequal([FIRST, replace(FIRST, item="other", price=5.0)])) == []


def test_unequal__two_prices_of_one_offer__are_found():
    dearer = replace(LATER, price=21.0)
    assert list(unequal([FIRST, dearer])) == [(FIRST, dearer)]


def test_unequal__former_price_beside_the_new_one__is_found():
    behind = replace(FIRST, at=BEGAN + timedelta(hours=8))
    assert list(unequal([FIRST, AFTER, behind])) == [(AFTER, behind)]


def test_unequal__price_that_has_not_begun__is_found():
    early = replace(AFTER, at=BEGAN + timedelta(hours=2))
    assert list(unequal([FIRST, early])) == [(FIRST, early)]


def test_unequal__item_returns_to_a_former_price__is_a_new_offer():
    back = Tag("good", BEGAN + timedelta(hours=9), 20.0, BEGAN + timedelta(hours=8))
    assert list(unequal([FIRST, AFTER, back])) == []
