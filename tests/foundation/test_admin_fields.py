"""Fields that write values as people do: what is shown, sent back unchanged, is what was stored."""

from decimal import Decimal

import pytest
from django import forms
from hypothesis import given
from hypothesis import strategies as st

from foundation.admin_fields import LinesField, MicrosField, PercentField, SlotField


@given(st.integers(0, 1_000_000))
def test_slots__shown_and_sent_back__are_the_same_slots(slots: int) -> None:
    field = SlotField()
    shown = field.prepare_value(slots)
    assert field.clean(shown) == slots
    assert not field.has_changed(slots, shown)


@pytest.mark.parametrize(("typed", "slots"), [("50", 500_000), ("33.3333", 333_333), ("0", 0), ("100.0000", 1_000_000)])
def test_slots__typed_percentage__is_exact(typed: str, slots: int) -> None:
    assert SlotField().clean(typed) == slots


@pytest.mark.parametrize("typed", ["-1", "100.0001", "33.33333", "half", "NaN", "Infinity", "1e400"])
def test_slots__what_is_no_share__is_refused(typed: str) -> None:
    with pytest.raises(forms.ValidationError):
        SlotField().clean(typed)


@given(st.integers(0, 1_000_000))
def test_percent__shown_and_sent_back__is_the_same_number(millionths: int) -> None:
    value = float(Decimal(millionths) / 1_000_000)
    field = PercentField()
    shown = field.prepare_value(value)
    assert field.clean(shown) == value
    assert not field.has_changed(value, shown)


@given(st.integers(0, 2**63 - 1))
def test_micros__shown_and_sent_back__are_the_same_micro_units(micros: int) -> None:
    field = MicrosField()
    shown = field.prepare_value(micros)
    assert field.clean(shown) == micros
    assert not field.has_changed(micros, shown)


@pytest.mark.parametrize("typed", ["-1", "0.0000001", "9223372036855", "lots"])
def test_micros__what_does_not_fit__is_refused(typed: str) -> None:
    with pytest.raises(forms.ValidationError):
        MicrosField().clean(typed)


def test_optional_number__left_empty__is_nothing() -> None:
    assert SlotField(required=False).clean("") is None
    assert PercentField(required=False).clean("") is None
    assert MicrosField(required=False).clean("") is None


def test_lines__blank_and_repeated_ones__are_dropped() -> None:
    assert LinesField().clean(" Order Completed \r\n\r\nOrder Refunded\nOrder Completed") == [
        "Order Completed",
        "Order Refunded",
    ]


def test_lines__none_where_one_is_needed__are_refused() -> None:
    with pytest.raises(forms.ValidationError):
        LinesField().clean(" \n ")
    assert LinesField(required=False).clean("") == []


def test_lines__too_long__are_refused() -> None:
    with pytest.raises(forms.ValidationError):
        LinesField(max_length=5).clean("short\nmuch too long")


@given(st.lists(st.text(alphabet="abc 单", min_size=1).map(str.strip).filter(bool), min_size=1, unique=True))
def test_lines__shown_and_sent_back__are_the_same(lines: list[str]) -> None:
    field = LinesField()
    assert field.clean(field.prepare_value(lines)) == lines
    assert not field.has_changed(lines, field.prepare_value(lines))
