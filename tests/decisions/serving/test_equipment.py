import json
from typing import Any

import numpy as np
import pytest

from decisions.serving.equipment import CatalogueMalformed, fit, read_catalogue
from decisions.serving.points import FileRecord, ModelRecord
from models_registry.predictors.popularity import Popularity
from tests.decisions.published import ITEMS, catalogue_bytes

RECORD = ModelRecord(12, "home-ranker", 3, FileRecord("0" * 64, 1), "seal")


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
        ({"schema": 2}, "schema 2"),
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


def test_fit__model_with_other_items__knows_where_each_is() -> None:
    catalogue = read_catalogue(catalogue_bytes())
    same = Popularity(ITEMS, np.zeros(30, dtype=np.float32))
    other = Popularity(("item-05", "gone", "item-00"), np.zeros(3, dtype=np.float32))

    aligned = fit(RECORD, same, {item: place for place, item in enumerate(same.items)}, catalogue)
    fitted = fit(RECORD, other, {item: place for place, item in enumerate(other.items)}, catalogue)

    assert aligned.is_aligned
    assert aligned.of_catalogue.tolist() == list(range(30))
    assert not fitted.is_aligned
    assert {place: at for place, at in enumerate(fitted.of_catalogue.tolist()) if at >= 0} == {0: 2, 5: 0}
