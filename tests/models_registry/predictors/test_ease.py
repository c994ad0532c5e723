"""Scores of a linear map by hand, and artifacts that hold none."""

import numpy as np
import pytest

from models_registry.artifacts import ArtifactMalformed
from models_registry.predictors.ease import Ease, ease_of
from models_registry.vocabulary import PredictorKind
from tests.models_registry.predictors.material import EASE, artifact, floats, history


def predictor(half_life: float = 1.0, **changes: np.ndarray) -> Ease:
    return ease_of(artifact(PredictorKind.EASE, {**EASE, **changes}, {"half_life": half_life}))


def test_score__without_a_history__is_the_prior():
    assert predictor().score(history()).tolist() == [0.5, 0.25, 0.0]


def test_score__a_history__adds_weighted_rows_also_negative_ones():
    scores = predictor().score(history(0, 1))
    assert scores == pytest.approx([0.5 + 1 / 3, 0.25 + 2 / 3 * 0.5, -2 / 3 * 0.25])
    assert scores.dtype == np.float32


def test_score__candidates__are_scored_in_their_order_and_the_prior_stays():
    found = predictor()
    assert found.score(history(0), history(2, 0)).tolist() == found.score(history(0))[[2, 0]].tolist()
    assert found.score(history()).tolist() == [0.5, 0.25, 0.0]


def test_score__a_candidate_outside_the_catalogue__is_refused():
    with pytest.raises(IndexError):
        predictor().score(history(0), history(3))


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"starts": np.array([0, 2, 3], dtype=np.int64)}, "starts"),
        ({"starts": np.array([0, 3, 2, 3], dtype=np.int64)}, "starts"),
        ({"starts": np.array([1, 2, 3, 3], dtype=np.int64)}, "starts"),
        ({"starts": np.array([0, 2, 3, 2**62], dtype=np.int64)}, "starts"),
        ({"targets": np.array([1, 3, 0], dtype=np.int32)}, "targets"),
        ({"targets": np.array([1, -1, 0], dtype=np.int32)}, "targets"),
        ({"targets": np.array([2, 1, 0], dtype=np.int32)}, "ascend"),
        ({"targets": np.array([1, 1, 0], dtype=np.int32)}, "ascend"),
        ({"weights": floats(0.5, 0.25)}, "weights"),
        ({"weights": floats(3e38, 0.25, 1)}, "weights"),
        ({"prior": floats(0.5)}, "prior"),
    ],
)
def test_reader__arrays_that_do_not_fit__are_refused_by_name(changes: dict[str, np.ndarray], named: str):
    with pytest.raises(ArtifactMalformed, match=named):
        predictor(**changes)


@pytest.mark.parametrize("half_life", [0.0, -1.0, 1e9, "soon", None, True])
def test_reader__a_half_life_out_of_bounds__is_refused(half_life: object):
    with pytest.raises(ArtifactMalformed, match="half_life"):
        predictor(half_life)  # type: ignore[arg-type]
