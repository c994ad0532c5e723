"""What models read of a history and of an item."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from decisions.domain import INTERACTIONS
from decisions.domains.recommendation.features import INTENT, category_codes, history_of, rating_feature
from models_registry.predictors.history import LONGEST_HISTORY


def test_history_of__items_met_again__count_at_their_last_time():
    assert history_of([3, 1, 3, 2, 1]).tolist() == [1, 2, 3]


def test_history_of__nothing__is_empty():
    assert history_of([]).shape == (0,)
    assert history_of([]).dtype == np.int64


@given(st.lists(st.integers(0, 80), max_size=300))
def test_history_of__any_items__is_what_a_set_sorted_by_last_time_gives(items: list[int]):
    last = {item: time for time, item in enumerate(items)}
    assert history_of(items).tolist() == sorted(last, key=lambda item: -last[item])[:LONGEST_HISTORY]


def test_intent__grows_with_the_interaction():
    assert len(INTENT) == len(INTERACTIONS)
    assert (np.diff(INTENT) > 0).all()


def test_category_codes__are_places_among_sorted_names():
    codes, names = category_codes(("Rugs", "", "Lamps", "Rugs"))
    assert names == ("", "Lamps", "Rugs")
    assert codes.tolist() == [2, 0, 1, 2]


def test_rating_feature__unknown_ratings__are_zero_and_others_scaled():
    scaled = rating_feature(np.array([0, 2, 4, 0], dtype=np.float32))
    assert scaled.tolist() == [0.0, -1.0, 1.0, 0.0]
    assert scaled.dtype == np.float32


@pytest.mark.parametrize("ratings", [[], [0, 0], [4, 4, 4], [5]])
def test_rating_feature__nothing_to_tell_apart__is_zero(ratings: list[float]):
    assert rating_feature(np.array(ratings, dtype=np.float32)).tolist() == [0.0] * len(ratings)


def test_rating_feature__one_far_from_all_others__is_bounded():
    assert rating_feature(np.array([3.0] * 99 + [1e6], dtype=np.float32)).max() == 3.0
