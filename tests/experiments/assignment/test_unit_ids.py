import pytest

from experiments.assignment.unit_ids import with_store_item


def test_with_store_item__store_and_item__adds_both_in_one():
    assert with_store_item({"store": "s1", "item": "i|2"}) == {"store": "s1", "item": "i|2", "store-item": "s1|i|2"}


@pytest.mark.parametrize(
    "units", [{}, {"store": "s"}, {"item": "i"}, {"store": "s", "item": 4}, {"store": "", "item": "i"}, {"store": None}]
)
def test_with_store_item__one_of_them_missing_or_invalid__changes_nothing(units):
    assert with_store_item(units) is units


def test_with_store_item__sent_by_the_shop__stays():
    sent = {"store": "s", "item": "i", "store-item": "own"}
    assert with_store_item(sent) is sent
