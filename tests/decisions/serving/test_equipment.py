"""Predictors beside a catalogue, and what domains make of it."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from decisions.registry import domain_of
from decisions.serving.catalogues import read_catalogue
from decisions.serving.equipment import DomainUnfit, fit, stocked
from decisions.serving.points import FileRecord, ModelRecord
from models_registry.predictors.popularity import Popularity
from tests.decisions.published import ITEMS, catalogue_bytes

RECORD = ModelRecord(12, "home-ranker", 3, FileRecord("0" * 64, 1), "seal")
RECOMMENDATION = domain_of("recommendation")


def with_hooks(**hooks: Any) -> Any:
    """Return recommendation with other hooks."""
    return replace(RECOMMENDATION, hooks=replace(RECOMMENDATION.hooks, **hooks))


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


def test_stocked__domain_with_groups__has_one_number_for_each_action() -> None:
    catalogue = read_catalogue(catalogue_bytes())
    groups = np.arange(30, dtype=np.int64) // 3

    assert stocked(RECOMMENDATION, catalogue).groups is None
    assert stocked(with_hooks(groups=lambda _: groups), catalogue).groups is groups


@pytest.mark.parametrize("groups", [np.zeros(29, dtype=np.int64), np.zeros(30)], ids=["short", "floats"])
def test_stocked__groups_that_are_not_one_number_each__are_refused(groups: Any) -> None:
    with pytest.raises(DomainUnfit, match="one whole number each"):
        stocked(with_hooks(groups=lambda _: groups), read_catalogue(catalogue_bytes()))
