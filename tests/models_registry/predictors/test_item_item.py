"""Item-item scores by hand, and artifacts that are none."""

import numpy as np
import pytest

from models_registry.artifacts import ArtifactMalformed
from models_registry.predictors.item_item import ItemItem, item_item_of
from models_registry.vocabulary import PredictorKind
from tests.models_registry.predictors.material import ITEM_ITEM, artifact, floats, history


def predictor(**changes: np.ndarray) -> ItemItem:
    return item_item_of(artifact(PredictorKind.ITEM_ITEM, {**ITEM_ITEM, **changes}, {"half_life": 1.0}))


def test_score__without_a_history__is_the_prior():
    assert predictor().score(history()).tolist() == [0.5, 0.25, 0.0]


def test_score__a_history__adds_weighted_similarities():
    scores = predictor().score(history(0, 1))
    assert scores == pytest.approx([0.5 + 1 / 3 * 1.0, 0.25 + 2 / 3 * 0.5, 2 / 3 * 0.25])
    assert scores.dtype == np.float32


def test_score__an_item_without_neighbours__changes_nothing():
    assert predictor().score(history(2)).tolist() == [0.5, 0.25, 0.0]


def test_score__candidates__are_scored_in_their_order():
    found = predictor()
    assert found.score(history(0), history(2, 0, 2)).tolist() == found.score(history(0))[[2, 0, 2]].tolist()


def test_score__twice__leaves_the_prior_as_it_was():
    found = predictor()
    found.score(history(0, 1))
    assert found.score(history()).tolist() == [0.5, 0.25, 0.0]


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"prior": floats(1, 2)}, "prior"),
        ({"prior": np.array([1, 2, 3], dtype=np.int32)}, "prior"),
        ({"prior": floats((1, 2, 3))}, "prior"),
        ({"starts": np.array([0, 2, 3], dtype=np.int64)}, "starts"),
        ({"starts": np.array([0, 3, 2, 3], dtype=np.int64)}, "starts"),
        ({"starts": np.array([1, 2, 3, 3], dtype=np.int64)}, "starts"),
        ({"starts": np.array([0, 2, 3, 4], dtype=np.int64)}, "starts"),
        ({"starts": np.array([0, 2, 3, 3], dtype=np.int32)}, "starts"),
        ({"starts": np.array([0, -(2**62), 3, 3], dtype=np.int64)}, "starts"),
        ({"neighbours": np.array([1, 3, 0], dtype=np.int32)}, "neighbours"),
        ({"neighbours": np.array([1, -1, 0], dtype=np.int32)}, "neighbours"),
        ({"neighbours": np.array([2, 1, 0], dtype=np.int32)}, "neighbours"),
        ({"neighbours": np.array([1, 1, 0], dtype=np.int32)}, "neighbours"),
        ({"similarity": floats(1, 2)}, "similarity"),
        ({"similarity": floats(3e38, 3e38, 3e38)}, "similarity"),
    ],
)
def test_reader__arrays_that_do_not_fit__are_refused_by_name(changes: dict[str, np.ndarray], named: str):
    with pytest.raises(ArtifactMalformed, match=named):
        predictor(**changes)


@pytest.mark.parametrize("half_life", [None, 0, -1.0, 1e9, "1", True, [1]])
def test_reader__a_half_life_that_is_none__is_refused(half_life: object):
    with pytest.raises(ArtifactMalformed, match="half_life"):
        item_item_of(artifact(PredictorKind.ITEM_ITEM, ITEM_ITEM, {"half_life": half_life}))
