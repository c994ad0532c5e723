"""Two-tower scores by hand, and artifacts that are none."""

import numpy as np
import pytest

from models_registry.artifacts import ArtifactMalformed
from models_registry.predictors.two_tower import TwoTower, two_tower_of
from models_registry.vocabulary import PredictorKind
from tests.models_registry.predictors.material import TWO_TOWER, TWO_TOWER_SETTINGS, artifact, floats, history


def predictor(**changes: np.ndarray) -> TwoTower:
    found = two_tower_of(artifact(PredictorKind.TWO_TOWER, {**TWO_TOWER, **changes}, TWO_TOWER_SETTINGS))
    assert isinstance(found, TwoTower)
    return found


def test_score__a_history__is_what_one_computes_by_hand():
    """The mean of b, b, a weighted 4, 2, 1 is (1/7, 6/7); relu gives (1/7, 5/7); the last layer (9/14, 6/7)."""
    scores = predictor().score(history(1, 1, 0))
    assert scores == pytest.approx([9 / 14, 6 / 7 + 0.25, 9 / 7 - 6 / 7 - 0.25])
    assert scores.dtype == np.float32


def test_score__without_a_history__reads_zeros():
    assert predictor().score(history()).tolist() == [0.5, 0.25, 0.75]


def test_score__unknown_items_in_the_history__count_as_if_they_were_not_there():
    assert predictor().score(history(7, 1, -2, 0)).tolist() == predictor().score(history(1, 0)).tolist()


def test_score__candidates__are_scored_in_their_order():
    found = predictor()
    assert found.score(history(0), history(2, 0)) == pytest.approx(found.score(history(0))[[2, 0]])


def test_score__a_candidate_outside_the_catalogue__is_refused():
    with pytest.raises(IndexError):
        predictor().score(history(0), history(-1))


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"inputs": floats((1, 0), (0, 1))}, "inputs"),
        ({"inputs": floats(1, 0, 0)}, "inputs"),
        ({"inputs": floats((1,), (0,), (0,))}, "user.0.weights"),
        ({"user.0.bias": floats(0)}, "user.0.bias"),
        ({"user.0.weights": np.zeros((2, 0), dtype=np.float32)}, "user.0.weights"),
        ({"user.1.weights": floats((1, 1, 1))}, "user.1.weights"),
        ({"vectors": floats((1,), (0,), (2,))}, "vectors"),
        ({"vectors": np.zeros((3, 2), dtype=np.float16)}, "vectors"),
        ({"vectors": floats((3e38, 0), (0, 1), (2, 1))}, "vectors"),
        ({"bias": floats(0)}, "bias"),
        ({"user.1.weights": floats((3e38, 3e38), (0, 1))}, "user.1.weights"),
    ],
)
def test_reader__arrays_that_do_not_fit__are_refused_by_name(changes: dict[str, np.ndarray], named: str):
    with pytest.raises(ArtifactMalformed, match=named):
        predictor(**changes)


@pytest.mark.parametrize("activations", [None, [], ["relu"] * 17, ["relu", "softmax"], "relu", [["relu"]], [None, 1]])
def test_reader__activations_that_are_none__are_refused(activations: object):
    with pytest.raises(ArtifactMalformed, match="user"):
        two_tower_of(artifact(PredictorKind.TWO_TOWER, TWO_TOWER, {"user": activations, "half_life": 1.0}))


def test_reader__more_activations_than_layers__names_the_missing_one():
    settings = {"user": ["relu", "linear", "linear"], "half_life": 1.0}
    with pytest.raises(ArtifactMalformed, match=r"user\.2\.weights is missing"):
        two_tower_of(artifact(PredictorKind.TWO_TOWER, TWO_TOWER, settings))
