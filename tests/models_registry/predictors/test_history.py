"""How a history is cut and weighted."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from decisions.serving import feature_keys
from models_registry.predictors.history import LONGEST_HISTORY, inside, recency_weights, recent
from tests.models_registry.predictors.material import history


def test_recent__places_outside_the_catalogue__are_left_out():
    assert recent(history(2, -1, 0, 3, 2**62, 1), 3).tolist() == [2, 0, 1]


def test_recent__a_long_history__keeps_its_beginning():
    assert recent(np.arange(200), 1_000).tolist() == list(range(LONGEST_HISTORY))


def test_longest_history__is_what_serving_keeps():
    assert LONGEST_HISTORY == feature_keys.LONGEST_HISTORY


def test_recency_weights__halve_with_every_half_life_and_sum_to_one():
    assert recency_weights(3, 1.0) == pytest.approx([4 / 7, 2 / 7, 1 / 7])
    assert recency_weights(3, 2.0)[2] == pytest.approx(recency_weights(3, 2.0)[0] / 2)
    assert recency_weights(0, 1.0).shape == (0,)


def test_recency_weights__cannot_be_changed_by_a_caller():
    with pytest.raises(ValueError, match="read-only"):
        recency_weights(3, 1.0)[0] = 9.0


@given(st.integers(1, LONGEST_HISTORY), st.floats(0.1, 1e6))
def test_recency_weights__any_half_life__never_grow_and_sum_to_one(count: int, half_life: float):
    weights = recency_weights(count, half_life)
    assert weights.dtype == np.float32
    assert weights.sum(dtype=np.float64) == pytest.approx(1.0, abs=1e-6)
    assert (np.diff(weights) <= 0).all()


@pytest.mark.parametrize("place", [-1, 3, 2**62])
def test_inside__a_candidate_outside_the_catalogue__is_refused(place: int):
    with pytest.raises(IndexError):
        inside(history(0, place), 3)


def test_inside__no_candidates__pass():
    assert inside(history(), 0).tolist() == []
