"""Features of items for learning policies: few numbers of one size, 0 where nothing is known."""

from datetime import UTC, datetime
from types import MappingProxyType

import numpy as np
import pytest

from decisions.domains.recommendation.action_features import FEATURE_NAMES, LARGEST, action_features
from decisions.moment import Catalogue, Moment

ITEMS = ("mug", "cup", "lamp", "torch", "unpriced")
FIELDS = {
    "category": ("Kitchen", "Kitchen", "Light", "Light", ""),
    "price": np.array([5.0, 15.0, 30.0, 30.0, np.nan]),
}
EVERYTHING = np.arange(len(ITEMS))


def catalogue(fields=FIELDS):
    places = MappingProxyType({item: place for place, item in enumerate(ITEMS)})
    baseline = np.array([4.0, 2.0, 1.0, 0.0, 0.0], dtype=np.float32)
    return Catalogue(ITEMS, places, np.ones(len(ITEMS), dtype=np.bool_), baseline, fields)


def moment(**changes):
    values = {
        "at": datetime(2026, 3, 1, tzinfo=UTC),
        "personalised": True,
        "attributes": {},
        "context": {},
        "history": ("gone", "lamp", "mug"),
        "bought": (),
        "shown": {"cup": 3},
        "excluded": (),
        "only": None,
        "size": 5,
        **changes,
    }
    return Moment(**values)


def column(name, *, scores=None, candidates=EVERYTHING, fields=FIELDS, **changes):
    found = action_features(moment(**changes), catalogue(fields), candidates, scores)
    return found[:, FEATURE_NAMES.index(name)].tolist()


def test_features__of_candidates__are_finite_and_one_column_for_each_name():
    found = action_features(moment(), catalogue(), EVERYTHING, np.arange(5, dtype=np.float32))
    assert found.shape == (5, len(FEATURE_NAMES))
    assert found.dtype == np.float64
    assert np.isfinite(found).all()
    assert column("one") == [1.0] * 5


def test_features__scores__are_standardised_and_bounded():
    scores = np.array([1.0, 2.0, 3.0, 4.0, 5.0], dtype=np.float32)
    assert column("score", scores=scores) == pytest.approx([-1.4142136, -0.7071068, 0.0, 0.7071068, 1.4142136])
    many = np.array([0.0] * 99 + [1e9], dtype=np.float32)
    found = action_features(moment(), catalogue(), np.zeros(100, dtype=np.int64), many)
    assert found[:, 1].max() == LARGEST


@pytest.mark.parametrize("scores", [None, np.full(5, 0.3, dtype=np.float32)])
def test_features__no_scores_or_equal_ones__say_nothing(scores):
    assert column("score", scores=scores) == [0.0] * 5


def test_features__baseline__is_in_the_share_of_the_largest_candidate():
    assert column("baseline") == [1.0, 0.5, 0.25, 0.0, 0.0]
    assert column("baseline", candidates=np.array([2, 3])) == [1.0, 0.0]


def test_features__category__is_that_of_what_was_dealt_with_last_and_is_known():
    assert column("same_category") == [0.0, 0.0, 1.0, 1.0, 0.0]
    assert column("same_category", history=()) == [0.0] * 5
    assert column("same_category", history=("unpriced",)) == [0.0] * 5


def test_features__price__is_relative_to_the_candidates_of_the_category():
    assert column("price") == pytest.approx([np.log(0.5), np.log(1.5), 0.0, 0.0, 0.0])


def test_features__history_and_showings__count():
    assert column("known") == [1.0, 0.0, 1.0, 0.0, 0.0]
    assert column("shown") == pytest.approx([0.0, np.log(4.0), 0.0, 0.0, 0.0])


def test_features__catalogue_without_fields__leaves_them_zero():
    assert column("price", fields={}) == column("same_category", fields={}) == [0.0] * 5


def test_features__no_candidates__have_no_rows():
    assert action_features(moment(), catalogue(), np.zeros(0, dtype=np.int64), None).shape == (0, len(FEATURE_NAMES))
