"""Published prices: read whole or refused, and one price for everybody at every moment."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from decisions.serving.offers import (
    FOREVER,
    Offer,
    PricesMalformed,
    microseconds,
    moment_of,
    read_prices,
    write_prices,
)
from tests.experiments.assignment.builders import AT

ROWS = [("jug", 500, 10, None), ("mug", 2_000, 10, 20), ("mug", 1_800, 20, 30), ("mug", 1_900, 40, None)]


def said(**changes: Any) -> bytes:
    return json.dumps(json.loads(write_prices(ROWS)) | changes).encode()


@pytest.mark.parametrize(
    ("at", "price"),
    [
        (9, None),
        (10, 2_000),
        (19, 2_000),
        (20, 1_800),
        (29, 1_800),
        (30, None),
        (39, None),
        (40, 1_900),
        (FOREVER - 1, 1_900),
    ],
)
def test_offer__at_every_moment__is_the_one_that_holds_then(at, price):
    found = read_prices(write_prices(ROWS)).offer("mug", at)
    assert (None if found is None else found.price) == price


def test_offer__says_since_when_it_holds():
    assert read_prices(write_prices(ROWS)).offer("mug", 25) == Offer(1_800, 20)


def test_offer__item_that_has_none__is_none():
    assert read_prices(write_prices(ROWS)).offer("cup", 25) is None
    assert read_prices(write_prices([])).offer("mug", 25) is None


def test_microseconds__there_and_back__is_the_moment():
    assert moment_of(microseconds(AT)) == AT


@st.composite
def ledgers(draw: Any) -> list[tuple[str, int, int, int | None]]:
    rows: list[tuple[str, int, int, int | None]] = []
    for item in draw(st.lists(st.text(min_size=1).filter(lambda t: "\0" not in t), max_size=4, unique=True)):
        if any("\ud800" <= c <= "\udfff" for c in item):
            continue
        at = draw(st.integers(0, 100))
        for _ in range(draw(st.integers(1, 4))):
            end = at + draw(st.integers(1, 50))
            rows.append((item, draw(st.integers(0, 10**15)), at, end))
            at = end + draw(st.integers(0, 20))
        if draw(st.booleans()):
            rows[-1] = (*rows[-1][:3], None)
    return rows


@given(ledgers(), st.integers(-10, 500))
@settings(max_examples=200, deadline=None)
def test_read_prices__two_processes_with_one_file__have_equal_prices_for_any_item_and_time(rows, at):
    one, other = read_prices(write_prices(rows)), read_prices(write_prices(rows))
    for item in {row[0] for row in rows} | {"nobody-has-this"}:
        holds = [price for name, price, since, until in rows if name == item and since <= at < (until or FOREVER)]
        found = one.offer(item, at)
        assert found == other.offer(item, at)
        assert ([] if found is None else [found.price]) == holds


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"\xff",
        b"[" * 100_000,
        said(schema=2),
        said(schema=True),
        said(items=["mug"]),
        said(items="mugs"),
        said(prices=None),
        said(items=["jug", "mug", "jug", "mug"]),
        said(items=["jug", "mug", "mug", ""]),
        said(items=["jug", "mug", "mug", 3]),
        said(items=["jug", "mug", "mug", "m\0g"]),
        said(prices=[1, 2, 3, -4]),
        said(prices=[1, 2, 3, 4.5]),
        said(prices=[1, 2, 3, True]),
        said(prices=[1, 2, 3, None]),
        said(prices=[1, 2, 3, 2**70]),
        said(starts=[10, 10, 20, "40"]),
        said(starts=[10, 10, 19, 40]),
        said(starts=[10, 10, 20, 29]),
        said(ends=[None, None, 30, None]),
        said(ends=[None, 20, 20, None]),
        said(ends=[10, 20, 30, None]),
    ],
)
def test_read_prices__whatever_is_wrong_with_them__is_refused(content):
    with pytest.raises(PricesMalformed):
        read_prices(content)
