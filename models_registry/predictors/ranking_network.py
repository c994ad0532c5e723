"""The predictor of a ranking network: dense layers on a user, an item, its category and its rating."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from models_registry.artifacts import Artifact, ArtifactMalformed
from models_registry.predictors.dense import Activation, Layer, activate, apply, read_layers
from models_registry.predictors.history import (
    LONGEST_HALF_LIFE,
    SHORTEST_HALF_LIFE,
    inside,
    recency_weights,
    recent,
)
from models_registry.predictors.popularity import read_items
from models_registry.predictors.protocol import Indices, Scores
from models_registry.predictors.reading import floats, largest, number, places
from models_registry.vocabulary import PredictorKind

NETWORK: Final = "network"


@dataclass(frozen=True, slots=True, eq=False)
class RankingNetwork:
    """The network's first layer reads (user, item, category, rating), and only the user changes between requests.

    embeddings: items x width; a user is the weighted mean of those of the history. user_weights: width x outputs of
    the first layer, its rows for the user. fixed: items x outputs, the first layer's sums of everything else with
    its bias. rest: the layers after it; the last has one output.
    """

    items: tuple[str, ...]
    embeddings: Scores
    user_weights: Scores
    fixed: Scores
    first: Activation
    rest: tuple[Layer, ...]
    half_life: float
    kind: PredictorKind = PredictorKind.RANKING_NETWORK

    def score(self, history: Indices, candidates: Indices | None = None) -> Scores:
        """Return the network's output for each candidate; without a history the user is zeros."""
        known = recent(history, len(self.items))
        user = recency_weights(len(known), self.half_life) @ self.embeddings[known]
        fixed = self.fixed if candidates is None else self.fixed[inside(candidates, len(self.items))]
        sums = np.add(fixed, user @ self.user_weights, dtype=np.float32)
        return apply(self.rest, activate(self.first, sums))[:, 0]


def ranking_network_of(artifact: Artifact) -> RankingNetwork:
    """Return the predictor of an artifact. Raises ArtifactMalformed."""
    items = read_items(artifact)
    embeddings = floats(artifact, "embeddings", len(items), None)
    categories = floats(artifact, "categories", None, None)
    category = places(artifact, "category", "int32", len(items), len(categories))
    ratings = floats(artifact, "ratings", len(items))
    width, within = embeddings.shape[1], max(map(largest, (embeddings, categories, ratings)))
    taken = 2 * width + categories.shape[1] + 1
    layers, _ = read_layers(artifact, NETWORK, inputs=taken, within=within)
    if len(layers) < 2 or len(layers[-1].bias) != 1:
        raise ArtifactMalformed(f"The setting {NETWORK} needs two layers or more, the last of them with one output.")
    first = layers[0]
    item_inputs = np.hstack((embeddings, categories[category], ratings[:, None]))
    fixed = item_inputs @ first.weights[width:] + first.bias
    fixed.flags.writeable = False
    half_life = number(artifact, "half_life", least=SHORTEST_HALF_LIFE, most=LONGEST_HALF_LIFE)
    return RankingNetwork(items, embeddings, first.weights[:width], fixed, first.activation, layers[1:], half_life)
