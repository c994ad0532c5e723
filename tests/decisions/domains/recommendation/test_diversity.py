"""Re-ranked slates: by hand, and what no strength may change."""

from datetime import UTC, datetime
from types import MappingProxyType

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from decisions.domains.recommendation.diversity import (
    SHORTLIST,
    alike,
    marginal_relevance,
    reordered,
    same_category,
    shortlist,
    worth,
)
from decisions.moment import Catalogue, Moment

SCORES = np.array([1.0, 0.9, 0.8, 0.1, 0.0], dtype=np.float32)
SAME = same_category(("a", "a", "b", "b", "c"))


def order(diversity: float, size: int = 5) -> list[int]:
    return marginal_relevance(SCORES, SAME, size=size, diversity=diversity).tolist()


def test_marginal_relevance__no_diversity__is_the_order_of_the_scores():
    assert order(0.0) == [0, 1, 2, 3, 4]


def test_marginal_relevance__half__prefers_another_category():
    assert order(0.5) == [0, 2, 4, 1, 3]


def test_marginal_relevance__all_of_it__takes_a_category_at_a_time():
    assert order(1.0, size=3) == [0, 2, 4]


def test_marginal_relevance__equal_scores_and_none__are_orders_too():
    equal = np.ones(4, dtype=np.float32)
    assert marginal_relevance(equal, np.eye(4, dtype=np.float32), size=3, diversity=0.0).tolist() == [0, 1, 2]
    assert marginal_relevance(equal[:0], np.empty((0, 0), dtype=np.float32), size=3, diversity=0.5).tolist() == []


@given(
    arrays(np.float32, st.integers(0, 40), elements=st.floats(-1e6, 1e6, width=32)),
    st.floats(0.0, 1.0),
    st.integers(1, 30),
)
def test_marginal_relevance__any_scores__chooses_different_ones_and_the_best_first(scores, diversity, size):
    similarity = same_category([str(place % 3) for place in range(len(scores))])
    chosen = marginal_relevance(scores, similarity, size=size, diversity=diversity).tolist()
    assert len(chosen) == len(set(chosen)) == min(size, len(scores))
    if chosen and diversity < 1.0:
        exact = scores.astype(np.float64)
        assert exact.max() - exact[chosen[0]] <= 1e-12 * np.ptp(exact)


def test_shortlist__is_the_best_in_order_and_of_equal_ones_the_earlier():
    scores = np.zeros(100, dtype=np.float32)
    scores[[70, 30]] = 2.0, 3.0
    assert shortlist(scores, 1).tolist() == [30, 70, 0, 1, 2]
    assert len(shortlist(scores, 4)) == SHORTLIST * 4
    assert shortlist(scores[:0], 4).tolist() == []


def test_same_category__items_without_one__are_like_no_other():
    assert same_category(("a", "", "", "a")).tolist() == [[1, 0, 0, 1], [0, 0, 0, 0], [0, 0, 0, 0], [1, 0, 0, 1]]
    assert same_category(()).shape == (0, 0)


def test_alike__are_cosines_without_negative_ones():
    vectors = np.array([[2, 0], [1, 1], [-1, 0], [0, 0]], dtype=np.float32)
    assert alike(vectors)[0] == pytest.approx([1.0, np.sqrt(0.5), 0.0, 0.0])
    assert not alike(vectors)[3].any()


def test_reordered__scores__are_those_there_were_in_another_order():
    found = reordered(SCORES, np.array([2, 0, 3]))
    assert found.tolist() == pytest.approx([0.8, 0.9, 1.0, 0.1, 0.0])
    assert SCORES[0] == 1.0


CATEGORIES = ("mugs", "mugs", "teas", "teas", "hats")


def moment(size: int = 3, **context: object) -> Moment:
    return Moment(
        at=datetime(2026, 3, 1, tzinfo=UTC),
        personalised=True,
        attributes={},
        context=context,
        history=(),
        bought=(),
        shown={},
        excluded=(),
        only=None,
        size=size,
    )


def catalogue(fields: dict[str, object] | None = None) -> Catalogue:
    return Catalogue(
        items=tuple("abcde"),
        places=MappingProxyType({item: place for place, item in enumerate("abcde")}),
        in_stock=np.ones(5, dtype=np.bool_),
        baseline=np.zeros(5, dtype=np.float32),
        fields=MappingProxyType({"category": CATEGORIES} if fields is None else fields),
    )


def test_worth__a_diverse_slate__is_what_ranking_by_it_gives():
    found = worth(moment(diversity=0.5), catalogue(), np.arange(5), SCORES)
    assert np.argsort(-found, kind="stable")[:3].tolist() == [0, 2, 4]
    assert sorted(found.tolist()) == sorted(SCORES.tolist())


def test_worth__some_candidates__are_told_apart_by_their_own_categories():
    found = worth(moment(2, diversity=0.9), catalogue(), np.array([0, 1, 3]), SCORES[[0, 1, 3]])
    assert np.argsort(-found, kind="stable").tolist() == [0, 2, 1]


@pytest.mark.parametrize("asked", [0, 0.0, -1, 1.5, "0.5", True, None, float("nan")])
def test_worth__no_number_from_0_to_1__changes_nothing(asked: object):
    assert worth(moment(diversity=asked), catalogue(), np.arange(5), SCORES) is SCORES


def test_worth__nothing_asked_or_no_categories__changes_nothing():
    assert worth(moment(), catalogue(), np.arange(5), SCORES) is SCORES
    assert worth(moment(diversity=0.5), catalogue({}), np.arange(5), SCORES) is SCORES
