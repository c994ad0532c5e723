"""Actions of a collection as they are sent: every fault is told, nothing else is taken."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from decisions.ingest.collections import collection_of
from decisions.ingest.fields import ItemRefused
from decisions.ingest.items import read_item, read_stock

CREATIVES = collection_of("creatives")
ITEMS = collection_of("items")
AD = {"item_id": "ad-1", "campaign": "spring", "bid": "0.25"}


def test_item__whole__has_columns_and_properties():
    sent = {**AD, "title": "Spring 春", "price": 12.5, "stock": 3, "budget": Decimal("10.5"), "slot": ""}
    item_id, values = read_item(sent, CREATIVES)
    assert item_id == "ad-1"
    assert values["price"] == 12_500_000
    assert values["properties"] == {"campaign": "spring", "bid": 0.25, "budget": 10.5}
    assert values["rating"] is None


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"campaign": None}, "campaign is missing"),
        ({"campaign": ""}, "campaign is missing"),
        ({"bid": None}, "bid is missing"),
        ({"bid": -0.01}, "bid must be a number of at least 0"),
        ({"bid": float("inf")}, "bid: "),
        ({"bid": float("nan")}, "bid: "),
        ({"bid": "1_000"}, "bid: "),
        ({"bid": True}, "bid must"),
        ({"bid": [1]}, "bid must"),
        ({"budget": 1e300}, "budget: "),
        ({"slot": "s" * 501}, "slot must be a text of at most 500"),
        ({"slot": "a\0b"}, "slot"),
        ({"slot": "\ud800"}, "slot"),
        ({"slot": 3}, "slot"),
        ({"rating": 4.5}, "'rating' is unknown; there are item_id, title"),
        ({"colour": "red"}, "'colour' is unknown"),
    ],
)
def test_item__with_a_faulty_field__is_refused_with_its_name(change, told):
    with pytest.raises(ItemRefused, match=told):
        read_item({**AD, **change}, CREATIVES)


def test_stock__without_a_number__is_refused():
    assert read_stock({"item_id": "a", "stock": None}) == ("a", {"stock": None})
    with pytest.raises(ItemRefused, match="stock is missing"):
        read_stock({"item_id": "a"})


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@given(st.dictionaries(st.sampled_from([*CREATIVES.known, "colour"]), JSON) | JSON)
def test_item__whatever_is_sent__is_taken_whole_or_refused(sent):
    try:
        item_id, values = read_item(sent, CREATIVES)
    except ItemRefused:
        return
    assert 0 < len(item_id) <= 200
    assert set(values) == {"title", "category", "price", "rating", "stock", "properties"}
    assert {"campaign", "bid"} <= set(values["properties"]) <= set(CREATIVES.extra)
