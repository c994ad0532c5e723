"""Ranking network scores by hand, and artifacts that are none."""

import math

import numpy as np
import pytest

from models_registry.artifacts import ArtifactMalformed
from models_registry.predictors.ranking_network import RankingNetwork, ranking_network_of
from models_registry.vocabulary import PredictorKind
from tests.models_registry.predictors.material import RANKING, RANKING_SETTINGS, artifact, floats, history


def predictor(**changes: np.ndarray) -> RankingNetwork:
    return ranking_network_of(artifact(PredictorKind.RANKING_NETWORK, {**RANKING, **changes}, RANKING_SETTINGS))


def sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-x))


def test_score__without_a_history__is_the_part_of_the_items():
    """a: relu(1 + 1, 1 + 1); b: relu(2 - 1, 0 + 1); c: relu(-1 - 1, -1 + 1)."""
    assert predictor().score(history()) == pytest.approx([sigmoid(0), sigmoid(0), sigmoid(0)])


def test_score__a_history__adds_the_user():
    """The mean of b and a weighted 2, 1 is 5/3: it adds 5/3 to the first sum and -5/3 to the second."""
    scores = predictor().score(history(1, 0))
    assert scores == pytest.approx([sigmoid(2 + 5 / 3 - 1 / 3), sigmoid(1 + 5 / 3), sigmoid(0)])
    assert scores.dtype == np.float32


def test_score__candidates__are_scored_in_their_order():
    found = predictor()
    assert found.score(history(0), history(2, 0, 1)) == pytest.approx(found.score(history(0))[[2, 0, 1]])


def test_score__twice__gives_the_same():
    found = predictor()
    before = found.score(history(1, 0)).tolist()
    found.score(history(2))
    assert found.score(history(1, 0)).tolist() == before


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"embeddings": floats((1,), (2,))}, "embeddings"),
        ({"embeddings": floats(1, 2, 3)}, "embeddings"),
        ({"embeddings": floats((1, 1), (2, 1), (3, 1))}, "network.0.weights"),
        ({"categories": floats(1, 2)}, "categories"),
        ({"categories": np.zeros((0, 1), dtype=np.float32)}, "category"),
        ({"category": np.array([0, 1, 2], dtype=np.int32)}, "category"),
        ({"category": np.array([0, 1, -1], dtype=np.int32)}, "category"),
        ({"category": np.array([0, 1, 1], dtype=np.int64)}, "category"),
        ({"category": np.array([0, 1], dtype=np.int32)}, "category"),
        ({"ratings": floats(1, 2)}, "ratings"),
        ({"network.1.weights": floats((1, 1), (1, 1)), "network.1.bias": floats(0, 0)}, "network"),
        ({"network.0.weights": floats((3e38, 0), (1, 0), (2, 0), (0, 1))}, "network.0.weights"),
    ],
)
def test_reader__arrays_that_do_not_fit__are_refused_by_name(changes: dict[str, np.ndarray], named: str):
    with pytest.raises(ArtifactMalformed, match=named):
        predictor(**changes)


def test_reader__a_single_layer__is_refused():
    arrays = {**RANKING, "network.0.weights": floats((1,), (1,), (2,), (0,)), "network.0.bias": floats(0)}
    with pytest.raises(ArtifactMalformed, match="two layers"):
        ranking_network_of(artifact(PredictorKind.RANKING_NETWORK, arrays, {"network": ["relu"], "half_life": 1.0}))
