"""Published catalogues: both schemas become parallel arrays, and whatever is wrong in them is refused."""

import json
from typing import Any

import numpy as np
import pytest

from decisions.domain import Field, FieldKind
from decisions.serving.catalogues import CatalogueMalformed, read_catalogue, with_fields
from tests.decisions.published import ITEMS, catalogue_bytes

WRAPS = ("silk", "paper", "none")
TEXT, NUMBER = Field(FieldKind.TEXT, "A text."), Field(FieldKind.NUMBER, "A number.")


def wraps(**changes: Any) -> bytes:
    """Return a catalogue of schema 2."""
    columns = {
        "schema": 2,
        "collection": "wraps",
        "fresh_at": 1_700_000_000,
        "items": list(WRAPS),
        "in_stock": [1, 0, 1],
        "baseline": [3.0, 2.0, 1.0],
        "fields": {"colour": ["red", "", "红"], "price": [2.5, None, 0], "unknown": [None, None, None]},
    }
    return json.dumps(columns | changes).encode()


def test_read_catalogue__published_bytes__become_parallel_arrays() -> None:
    catalogue = read_catalogue(catalogue_bytes())

    assert catalogue.items == ITEMS
    assert catalogue.places["item-04"] == 4
    assert np.flatnonzero(~catalogue.in_stock).tolist() == [3]
    assert catalogue.baseline.dtype == np.float32
    assert catalogue.baseline[0] == 30.0


def test_read_catalogue__no_items__is_a_catalogue() -> None:
    assert read_catalogue(catalogue_bytes(())).items == ()


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"schema": 3}, "schema 3"),
        ({"schema": 2}, "not of the collection items"),
        ({"schema": True}, "schema True"),
        ({"in_stock": {}}, "not lists"),
        ({"in_stock": [1]}, "unequal length"),
        ({"items": [5] * 30}, "id is not a text"),
        ({"items": ["nul\0", *ITEMS[1:]]}, "id is not a text"),
        ({"items": ["\ud800", *ITEMS[1:]]}, "id is not a text"),
        ({"items": [ITEMS[1], *ITEMS[1:]]}, "twice"),
        ({"in_stock": [2] * 30}, "in_stock"),
        ({"in_stock": ["1"] * 30}, "in_stock"),
        ({"baseline": ["1"] * 30}, "baseline"),
        ({"baseline": [True] * 30}, "baseline"),
        ({"baseline": [1e300] * 30}, "not finite"),
        ({"baseline": [10**400] * 30}, "too large"),
    ],
)
def test_read_catalogue__column_at_fault__is_refused(changes: dict[str, Any], fault: str) -> None:
    with pytest.raises(CatalogueMalformed, match=fault):
        read_catalogue(catalogue_bytes(**changes))


@pytest.mark.parametrize("raw", [b"", b"[]", b"{}", b"\xff", b"[" * 100_000, b'{"schema":1}'])
def test_read_catalogue__no_catalogue__is_refused(raw: bytes) -> None:
    with pytest.raises(CatalogueMalformed, match="not readable"):
        read_catalogue(raw)


def test_read_catalogue__not_a_number__is_refused() -> None:
    raw = catalogue_bytes().replace(b"30.0", b"NaN")

    assert np.isnan(json.loads(raw)["baseline"][0])
    with pytest.raises(CatalogueMalformed, match="not finite"):
        read_catalogue(raw)


def test_read_catalogue__schema_2__has_fields_and_says_how_fresh_it_is() -> None:
    catalogue = read_catalogue(wraps(), collection="wraps")

    assert (catalogue.items, catalogue.fresh_at) == (WRAPS, 1_700_000_000.0)
    assert catalogue.in_stock.tolist() == [True, False, True]
    assert catalogue.fields["colour"] == ("red", "", "红")
    prices = catalogue.fields["price"]
    assert isinstance(prices, np.ndarray)
    assert prices.tolist()[::2] == [2.5, 0.0]
    assert np.isnan(prices[1])


def test_read_catalogue__schema_2_that_leaves_out_what_it_may__has_none() -> None:
    catalogue = read_catalogue(wraps(fields=None, fresh_at=None), collection="wraps")

    assert (dict(catalogue.fields), catalogue.fresh_at) == ({}, None)


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"collection": "items"}, "not of the collection wraps"),
        ({"collection": None}, "not of the collection wraps"),
        ({"schema": 1}, "not of the collection wraps"),
        ({"fresh_at": "now"}, "fresh_at"),
        ({"fresh_at": True}, "fresh_at"),
        ({"fresh_at": 10**400}, "fresh_at has a number that is too large"),
        ({"fields": []}, "fields are no object"),
        ({"fields": {"colour": "red"}}, "field colour does not have one value for each"),
        ({"fields": {"colour": ["red"]}}, "field colour does not have one value for each"),
        ({"fields": {"colour": ["red", 5, ""]}}, "colour has something else than numbers"),
        ({"fields": {"price": [1, True, 2]}}, "price has something else than numbers"),
        ({"fields": {"price": [1, [2], 3]}}, "price has something else than numbers"),
        ({"fields": {"price": [1, 10**400, 3]}}, "price has a number that is too large"),
    ],
)
def test_read_catalogue__schema_2_at_fault__is_refused(changes: dict[str, Any], fault: str) -> None:
    with pytest.raises(CatalogueMalformed, match=fault):
        read_catalogue(wraps(**changes), collection="wraps")


@pytest.mark.parametrize("number", [b"NaN", b"Infinity", b"-Infinity"])
def test_read_catalogue__field_that_is_not_finite__is_refused(number: bytes) -> None:
    with pytest.raises(CatalogueMalformed, match="price has a value that is not finite"):
        read_catalogue(wraps().replace(b"2.5", number), collection="wraps")


def test_with_fields__what_the_catalogue_lacks__is_there_and_unknown() -> None:
    catalogue = read_catalogue(wraps(), collection="wraps")

    fields = with_fields(catalogue, {"colour": TEXT, "unknown": TEXT, "slot": TEXT, "weight": NUMBER}).fields

    assert fields["colour"] == ("red", "", "红")
    assert fields["unknown"] == fields["slot"] == ("", "", "")
    weight = fields["weight"]
    assert isinstance(weight, np.ndarray)
    assert np.isnan(weight).tolist() == [True] * 3


@pytest.mark.parametrize(("name", "declared"), [("colour", NUMBER), ("price", TEXT)])
def test_with_fields__texts_for_numbers_or_the_reverse__are_refused(name: str, declared: Field) -> None:
    with pytest.raises(CatalogueMalformed, match=f"field {name} does not have what is declared"):
        with_fields(read_catalogue(wraps(), collection="wraps"), {name: declared})
