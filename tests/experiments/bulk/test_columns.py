"""Columns as the engine takes them."""

import math
from datetime import date
from typing import Any

import pyarrow as pa
import pytest

from experiments.bulk.columns import (
    Attribute,
    AttributeKind,
    ColumnUnusable,
    parsed,
    read_attribute,
    texts_of,
    values_of,
)


@pytest.mark.parametrize("kind", [pa.string(), pa.large_string(), pa.string_view()])
def test_texts_of__texts_of_any_layout__are_read_as_they_are(kind: pa.DataType) -> None:
    assert texts_of(pa.array(["007", None, "", " a"], kind), "id") == ["007", None, "", " a"]


def test_texts_of__dictionary_and_null_columns__are_read() -> None:
    assert texts_of(pa.array(["a", "b", "a"]).dictionary_encode(), "id") == ["a", "b", "a"]
    assert texts_of(pa.nulls(2), "id") == [None, None]


@pytest.mark.parametrize("values", [[1, 2], [1.5], [True], [date(2026, 1, 1)], [b"raw"]])
def test_texts_of__anything_but_text__is_refused_with_what_to_do(values: list[Any]) -> None:
    with pytest.raises(ColumnUnusable, match="ids are texts") as refused:
        texts_of(pa.array(values), "shopper")
    assert "CAST(shopper AS VARCHAR)" in refused.value.hint


def test_values_of__numbers_texts_and_booleans__are_as_json_has_them() -> None:
    assert values_of(pa.array([1, None], pa.int16()), "x") == [1, None]
    assert values_of(pa.array([1.5, math.nan, math.inf, None]), "x") == [1.5, None, None, None]
    assert values_of(pa.array([True, None]), "x") == [True, None]
    assert values_of(pa.array(["DE"]).dictionary_encode(), "x") == ["DE"]


def test_values_of__dates__are_refused() -> None:
    with pytest.raises(ColumnUnusable, match="'since' is of type date32"):
        values_of(pa.array([date(2026, 1, 1)]), "since")


def test_read_attribute__name_and_kind__are_told_apart() -> None:
    assert read_attribute("country") == Attribute("country")
    assert read_attribute(" orders:number ") == Attribute("orders", AttributeKind.NUMBER)
    assert read_attribute("utm:source:text") == Attribute("utm:source")


@pytest.mark.parametrize("text", ["", "orders:money", ":number", "orders:"])
def test_read_attribute__anything_else__is_refused(text: str) -> None:
    with pytest.raises(ColumnUnusable, match="is not an attribute"):
        read_attribute(text)


def test_parsed__texts_of_a_csv__become_values_and_empty_cells_none() -> None:
    assert parsed(["3", "-2.5", "", "1e3"], Attribute("x", AttributeKind.NUMBER), first_row=2) == [
        3,
        -2.5,
        None,
        1000.0,
    ]
    assert parsed(["true", "FALSE", ""], Attribute("x", AttributeKind.BOOLEAN), first_row=2) == [True, False, None]
    assert parsed(["3", ""], Attribute("x"), first_row=2) == ["3", None]


@pytest.mark.parametrize(
    ("text", "kind"), [("many", AttributeKind.NUMBER), ("nan", AttributeKind.NUMBER), ("1", AttributeKind.BOOLEAN)]
)
def test_parsed__cell_of_another_kind__is_refused_with_its_row(text: str, kind: AttributeKind) -> None:
    with pytest.raises(ColumnUnusable, match=f"Row 12, column 'x': '{text}' is no {kind}"):
        parsed(["", text], Attribute("x", kind), first_row=11)
