"""Policies choose the best of the candidates, in an order that can be told beforehand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from decisions.policies.fixed import Fixed
from decisions.policies.ranked import Baseline, ModelRanked
from decisions.policy import Choices


def choices(scores, baseline=None, candidates=None) -> Choices:
    scores = np.array(scores, dtype=np.float32)
    places = np.arange(len(scores)) * 10 if candidates is None else np.array(candidates)
    liked = np.zeros(len(scores)) if baseline is None else np.array(baseline)
    return Choices(places.astype(np.int64), liked.astype(np.float32), scores)


def test_model_ranked__more_candidates_than_asked__shows_the_best_in_order():
    slate = ModelRanked().choose(choices([0.1, 0.9, 0.5, 0.7]), size=2)
    assert (slate.actions.tolist(), slate.propensities) == ([10, 30], (1.0, 1.0))
    assert slate.scores.tolist() == pytest.approx([0.9, 0.7])


def test_model_ranked__without_scores__is_an_error_of_the_caller():
    with pytest.raises(ValueError, match="scores"):
        ModelRanked().choose(Choices(np.array([1]), np.zeros(1, dtype=np.float32)), size=1)


def test_baseline__ignores_the_model():
    assert Baseline().choose(choices([9, 1], baseline=[1, 2]), size=1).actions.tolist() == [10]


def test_fixed__keeps_its_order_and_passes_over_what_is_no_candidate():
    slate = Fixed(np.array([30, 99, 0])).choose(choices([0, 0, 0, 0]), size=5)
    assert slate.actions.tolist() == [30, 0]


@pytest.mark.parametrize("policy", [ModelRanked(), Baseline(), Fixed(np.array([0, 10]))])
def test_policies__no_candidates__choose_nothing(policy):
    slate = policy.choose(choices([]), size=5)
    assert (len(slate.actions), slate.propensities, len(slate.scores)) == (0, (), 0)


@given(st.lists(st.integers(-3, 3), min_size=1, max_size=60), st.integers(1, 70))
def test_ranked__any_scores_and_ties__are_those_of_a_stable_sort(scores, size):
    slate = ModelRanked().choose(choices(scores), size=size)
    expected = np.argsort(-np.array(scores), kind="stable")[:size] * 10
    assert slate.actions.tolist() == expected.tolist()
