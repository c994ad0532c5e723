"""Sparse rows: what they add, and what is none."""

import numpy as np
import pytest

from models_registry.artifacts import ArtifactMalformed
from models_registry.predictors.rows import read_rows
from models_registry.vocabulary import PredictorKind
from tests.models_registry.predictors.material import EASE, artifact, floats, history


def test_add__rows__count_by_their_weights():
    rows = read_rows(artifact(PredictorKind.EASE, EASE, {}), columns="targets", values="weights", size=3)
    scores = floats(1, 1, 1)
    rows.add(scores, history(0, 1, 2), floats(2, 3, 4))
    assert scores.tolist() == [1 + 3, 1 + 2 * 0.5, 1 - 2 * 0.25]


def test_read_rows__for_another_number_of_items__is_refused():
    with pytest.raises(ArtifactMalformed, match="starts"):
        read_rows(artifact(PredictorKind.EASE, EASE, {}), columns="targets", values="weights", size=4)


def test_read_rows__empty_rows_at_either_end__are_rows_too():
    tensors = {
        **EASE,
        "starts": np.array([0, 0, 0, 0], dtype=np.int64),
        "targets": np.empty(0, dtype=np.int32),
        "weights": floats(),
    }
    rows = read_rows(artifact(PredictorKind.EASE, tensors, {}), columns="targets", values="weights", size=3)
    scores = floats(1, 2, 3)
    rows.add(scores, history(0, 1, 2), floats(1, 1, 1))
    assert scores.tolist() == [1, 2, 3]
