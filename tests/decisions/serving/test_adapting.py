"""Predictors that score actions they were not trained on become the catalogue's own, once for equal fields."""

import json
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from decisions.domain import Domain
from decisions.moment import Catalogue
from decisions.policy import Indices, Scores
from decisions.registry import domain_of
from decisions.serving.adapting import Adaptations
from decisions.serving.catalogues import read_catalogue
from decisions.serving.equipment import DomainUnfit
from models_registry.predictors.popularity import Popularity
from models_registry.predictors.protocol import Predictor
from models_registry.vocabulary import PredictorKind
from tests.decisions.published import ITEMS, catalogue_bytes

BARE = replace(domain_of("recommendation"), hooks=replace(domain_of("recommendation").hooks, item_numbers=None))


@dataclass(frozen=True)
class ByNumbers:
    """Scores any action by the sum of its numbers."""

    items: tuple[str, ...] = ("old",)
    sums: Scores = field(default_factory=lambda: np.zeros(1, dtype=np.float32))
    kind: PredictorKind = PredictorKind.POPULARITY

    def score(self, history: Indices, candidates: Indices | None = None) -> Scores:
        return self.sums if candidates is None else self.sums[candidates]

    def adapted(self, items: tuple[str, ...], numbers: Indices) -> Predictor:
        return ByNumbers(items, numbers.sum(axis=1).astype(np.float32))


class Forgetful(ByNumbers):
    """Leaves out the last of the actions that it is given."""

    def adapted(self, items: tuple[str, ...], numbers: Indices) -> Predictor:
        return ByNumbers(items[:-1], numbers[:-1].sum(axis=1).astype(np.float32))


def two_numbers(catalogue: Catalogue) -> Indices:
    return np.arange(2 * len(catalogue.items), dtype=np.int64).reshape(-1, 2)


def numbered(make: Any = two_numbers) -> Domain:
    """Return a domain that makes numbers of its actions."""
    return replace(BARE, hooks=replace(BARE.hooks, item_numbers=make))


def catalogue(**changes: Any) -> Catalogue:
    """Return a catalogue with titles and prices."""
    columns = json.loads(catalogue_bytes()) | {"schema": 2, "collection": "items"}
    columns["fields"] = {"title": [f"The {item}" for item in ITEMS], "price": [None, *[1.5] * 29]}
    return read_catalogue(json.dumps(columns | changes).encode())


def adapted_by(predictor: Predictor, domain: Domain | None) -> Predictor:
    return Adaptations().adapted("sha", predictor, domain, catalogue())


def test_adapted__predictor_that_can_score_other_actions__scores_those_of_the_catalogue() -> None:
    found = adapted_by(ByNumbers(), numbered())

    assert found.items == ITEMS
    assert found.score(np.zeros(0, dtype=np.int64), np.array([0, 29])).tolist() == [1.0, 117.0]


def test_adapted__predictor_that_cannot_or_domain_without_numbers__stays_as_it_is() -> None:
    fixed, able = Popularity(("item-05",), np.zeros(1, dtype=np.float32)), ByNumbers()

    assert adapted_by(fixed, numbered()) is fixed
    assert adapted_by(able, BARE) is able
    assert adapted_by(able, None) is able


def test_adapted__catalogue_that_differs_in_stock_and_popularity_alone__is_the_same_predictor() -> None:
    adaptations, domain, predictor = Adaptations(), numbered(), ByNumbers()
    first = adaptations.adapted("sha", predictor, domain, catalogue())

    again = adaptations.adapted("sha", predictor, domain, catalogue(in_stock=[0] * 30, baseline=[7.0] * 30, fresh_at=5))
    adaptations.keep_only({"sha"})
    kept = adaptations.adapted("sha", predictor, domain, catalogue())
    adaptations.keep_only({"other"})
    forgotten = adaptations.adapted("sha", predictor, domain, catalogue())

    assert again is first
    assert kept is first
    assert forgotten is not first


@pytest.mark.parametrize(
    "changes",
    [
        {"fields": {"title": ["New"] * 30, "price": [None, *[1.5] * 29]}},
        {"fields": {"title": [f"The {item}" for item in ITEMS], "price": [2.5] * 30}},
        {"fields": {"title": [f"The {item}" for item in ITEMS]}},
        {"fields": {"title": [1.0] * 30, "price": [None, *[1.5] * 29]}},
        {"items": [*ITEMS[:-1], "item-new"]},
    ],
)
def test_adapted__catalogue_with_other_fields_or_actions__is_made_anew(changes: dict[str, Any]) -> None:
    adaptations, domain, predictor = Adaptations(), numbered(), ByNumbers()
    first = adaptations.adapted("sha", predictor, domain, catalogue())

    changed = adaptations.adapted("sha", predictor, domain, catalogue(**changes))

    assert changed is not first
    assert changed.items == tuple(changes.get("items", ITEMS))


@pytest.mark.parametrize(
    "numbers",
    [np.zeros(30, dtype=np.int64), np.zeros((29, 2), dtype=np.int64), np.zeros((30, 2), dtype=np.float64)],
    ids=["flat", "short", "floats"],
)
def test_adapted__numbers_that_are_no_row_for_each_action__are_refused(numbers: Any) -> None:
    with pytest.raises(DomainUnfit, match="row of whole numbers"):
        adapted_by(ByNumbers(), numbered(lambda _: numbers))


def test_adapted__predictor_of_other_actions_than_it_was_given__is_refused() -> None:
    with pytest.raises(DomainUnfit, match="other actions"):
        adapted_by(Forgetful(), numbered())


def lengths(found: Catalogue) -> Indices:
    """Return the length of each title and the price in cents, and note of how many actions."""
    asked.append(len(found.items))
    titles, prices = found.fields["title"], np.nan_to_num(np.asarray(found.fields["price"], dtype=np.float64))
    return np.column_stack([[len(title) for title in titles], np.round(prices * 100)]).astype(np.int64)


asked: list[int] = []


@given(
    kept=st.sets(st.sampled_from(ITEMS), min_size=1),
    titles=st.dictionaries(st.sampled_from(ITEMS), st.text(max_size=3), max_size=4),
    prices=st.dictionaries(st.sampled_from(ITEMS), st.none() | st.integers(0, 9), max_size=4),
    added=st.integers(0, 4),
)
def test_adapted__catalogue_that_changed_a_little__is_as_if_made_anew_and_reads_what_changed_alone(
    kept: set[str], titles: dict[str, str], prices: dict[str, int | None], added: int
) -> None:
    adaptations, domain, predictor = Adaptations(), numbered(lengths), ByNumbers()
    adaptations.adapted("sha", predictor, domain, catalogue())
    items = [*(f"new-{number}" for number in range(added)), *sorted(kept, reverse=True)]
    columns = {
        "items": items,
        "in_stock": [1] * len(items),
        "baseline": [1.0] * len(items),
        "fields": {
            "title": [titles.get(item, f"The {item}") for item in items],
            "price": [prices.get(item, None if item == ITEMS[0] else 1.5) for item in items],
        },
    }
    changed = catalogue(**columns)
    asked.clear()

    found = adaptations.adapted("sha", predictor, domain, changed)
    read = sum(asked)

    assert found.score(np.zeros(0, dtype=np.int64)).tolist() == lengths(changed).sum(axis=1).tolist()
    touched = added + len((titles.keys() | prices.keys()) & kept)
    assert read <= touched or 2 * touched > len(items)
