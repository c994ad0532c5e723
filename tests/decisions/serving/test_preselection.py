"""Preselection of candidates by a cheaper score."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from decisions.serving.preselection import best_places, preselect


def chosen(scores: list[float], most: int) -> list[int]:
    candidates = np.arange(10, 10 + len(scores), dtype=np.int64)
    return preselect(candidates, np.array(scores, dtype=np.float32), most=most).tolist()


def test_preselect__more_than_asked__keeps_the_best_in_their_order():
    assert chosen([0.1, 0.9, 0.3, 0.7], 2) == [11, 13]


def test_preselect__as_many_as_asked_or_fewer__are_kept():
    assert chosen([0.1, 0.9], 2) == [10, 11]
    assert chosen([], 2) == []


def test_preselect__equal_scores__keeps_the_earlier_ones():
    assert chosen([0.5, 0.7, 0.5, 0.5], 3) == [10, 11, 12]


def test_preselect__none_asked__is_empty():
    assert chosen([0.5, 0.7], 0) == []


def test_preselect__scores_that_do_not_fit__are_refused():
    with pytest.raises(ValueError, match="one score"):
        preselect(np.arange(3), np.zeros(2, dtype=np.float32), most=1)
    with pytest.raises(ValueError, match="bound"):
        preselect(np.arange(3), np.zeros(3, dtype=np.float32), most=-1)


@given(st.lists(st.sampled_from([0.0, 0.25, 0.5, 1.0]), max_size=30), st.integers(0, 35))
def test_preselect__any_scores__are_the_first_of_a_stable_order(scores: list[float], most: int):
    best = sorted(range(len(scores)), key=lambda place: (-scores[place], place))[:most]
    assert chosen(scores, most) == [10 + place for place in sorted(best)]


@given(st.lists(st.sampled_from([0.0, 0.25, 0.5, 1.0]), max_size=30), st.integers(0, 35))
def test_best_places__any_scores__ascend_and_name_what_preselect_keeps(scores: list[float], most: int):
    places = best_places(np.array(scores, dtype=np.float32), most).tolist()

    assert places == sorted(places)
    assert [10 + place for place in places] == chosen(scores, most)
