"""The predictor of a two-tower network: a history becomes a vector whose product with an item's vector scores it."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from models_registry.artifacts import Artifact
from models_registry.predictors.dense import Layer, apply, read_layers
from models_registry.predictors.history import (
    LONGEST_HALF_LIFE,
    SHORTEST_HALF_LIFE,
    inside,
    recency_weights,
    recent,
)
from models_registry.predictors.popularity import read_items
from models_registry.predictors.protocol import Indices, Scores
from models_registry.predictors.reading import ensure_bounded, floats, largest, number
from models_registry.vocabulary import PredictorKind

USER_TOWER: Final = "user"


@dataclass(frozen=True, slots=True, eq=False)
class TwoTower:
    """score_j = tower(sum over the history of w_k inputs_k) . vectors_j + bias_j.

    inputs: items x width of the tower's input. vectors: items x width of its output. bias: items.
    """

    items: tuple[str, ...]
    inputs: Scores
    tower: tuple[Layer, ...]
    vectors: Scores
    bias: Scores
    half_life: float
    kind: PredictorKind = PredictorKind.TWO_TOWER

    def score(self, history: Indices, candidates: Indices | None = None) -> Scores:
        """Return the scores of the candidates; without a history the tower reads zeros."""
        known = recent(history, len(self.items))
        user = apply(self.tower, recency_weights(len(known), self.half_life) @ self.inputs[known])
        if candidates is None:
            return self.vectors @ user + self.bias
        places = inside(candidates, len(self.items))
        return self.vectors[places] @ user + self.bias[places]


def two_tower_of(artifact: Artifact) -> TwoTower:
    """Return the predictor of an artifact. Raises ArtifactMalformed."""
    items = read_items(artifact)
    inputs = floats(artifact, "inputs", len(items), None)
    tower, bound = read_layers(artifact, USER_TOWER, inputs=inputs.shape[1], within=largest(inputs))
    vectors = floats(artifact, "vectors", len(items), len(tower[-1].bias))
    bias = floats(artifact, "bias", len(items))
    sums = np.abs(vectors).sum(axis=1, dtype=np.float64)
    ensure_bounded("vectors", largest(sums) * bound + largest(bias))
    half_life = number(artifact, "half_life", least=SHORTEST_HALF_LIFE, most=LONGEST_HALF_LIFE)
    return TwoTower(items, inputs, tower, vectors, bias, half_life)
