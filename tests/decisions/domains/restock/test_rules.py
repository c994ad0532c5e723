"""Rules of reordering: what texts mean, which ones are refused, and how much they order."""

import math

import pytest

from decisions.domains.restock.rules import Cover, Lots, UpTo, own_rule, read_rule, rule_fault
from decisions.domains.restock.stock import Stock, stock_of

ITEM = {"on_hand": 10.0, "on_order": 5.0, "daily_sales": 4.0, "lead_days": 7.0, "pack_size": 6.0}


def stock(**known: float) -> Stock:
    return stock_of({**ITEM, **known})


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("s=20,S=60", UpTo(20.0, 60.0)),
        ("S=60, s=20", UpTo(20.0, 60.0)),
        ("s=0,S=1", UpTo(0.0, 1.0)),
        ("R=20,Q=40", Lots(20.0, 40.0)),
        ("days=14", Cover(14.0)),
        ("days=2.5", Cover(2.5)),
    ],
)
def test_read_rule__each_form__is_read_and_has_no_fault(text, rule):
    assert read_rule(text) == rule
    assert rule_fault(text) == ""


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "is no rule"),
        ("24", "is no rule"),
        ("s=20", "too little"),
        ("s=60,S=20", "above s"),
        ("s=20,S=20", "above s"),
        ("s=-1,S=20", "is no rule"),
        ("s=1,S=2,Q=3", "says too much"),
        ("R=20,Q=0", "above 0"),
        ("days=0", "above 0"),
        ("days=1000", "at most 730"),
        ("days=14,days=15", "is no rule"),
        ("s=1,S=99999999", "too many pieces"),
        ("s=١,S=٢", "is no rule"),
        ("s=nan,S=inf", "is no rule"),
    ],
)
def test_rule_fault__other_texts__says_what_is_wrong(text, why):
    assert read_rule(text) is None
    assert why in rule_fault(text)


@pytest.mark.parametrize(
    ("rule", "position", "pieces"),
    [
        (UpTo(20.0, 60.0), 20.0, 40.0),
        (UpTo(20.0, 60.0), 21.0, 0.0),
        (Lots(20.0, 15.0), 20.0, 15.0),
        (Lots(20.0, 15.0), 0.0, 30.0),
        (Lots(20.0, 15.0), 21.0, 0.0),
        (Cover(14.0), 15.0, 41.0),
        (Cover(14.0), 80.0, 0.0),
    ],
)
def test_pieces__at_a_position__are_what_the_rule_says(rule, position, pieces):
    assert rule.pieces(stock(on_hand=position, on_order=0.0)) == pieces


def test_own_rule__shop_has_one__is_it_and_else_goes_by_lead_time_and_sales():
    assert own_rule(stock(reorder_point=8.0, order_up_to=30.0), 1.0) == UpTo(8.0, 30.0)
    assert own_rule(stock(reorder_point=8.0), 1.0) == UpTo(28.0, 48.0)
    assert own_rule(stock(lead_days=math.nan), 2.0) == UpTo(0.0, 12.0)


@pytest.mark.parametrize(
    ("pieces", "known", "order"),
    [
        (0.0, {}, 0),
        (-3.0, {}, 0),
        (math.nan, {}, 0),
        (7.0, {}, 12),
        (12.0, {}, 12),
        (7.0, {"minimum_order": 20.0}, 24),
        (7.0, {"capacity": 23.0}, 6),  # 15 are there: 7 fit, 12 do not
        (7.0, {"capacity": 21.0}, 12),  # 7 do not fit either, so rounding is not to blame
        (7.0, {"pack_size": math.nan}, 7),
        (7.0, {"pack_size": 0.0}, 7),
    ],
)
def test_packed__pieces__are_whole_packs_from_the_smallest_order_on(pieces, known, order):
    assert stock(**known).packed(pieces) == order
