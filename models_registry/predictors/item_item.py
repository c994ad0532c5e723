"""The predictor that scores items by how often those who dealt with somebody's items dealt with them too."""

from dataclasses import dataclass

import numpy as np

from models_registry.artifacts import Artifact, ArtifactMalformed
from models_registry.predictors.history import (
    LONGEST_HALF_LIFE,
    SHORTEST_HALF_LIFE,
    inside,
    recency_weights,
    recent,
)
from models_registry.predictors.popularity import read_items
from models_registry.predictors.protocol import Indices, Scores
from models_registry.predictors.reading import array, ensure_bounded, floats, largest, number, places
from models_registry.vocabulary import PredictorKind


@dataclass(frozen=True, slots=True, eq=False)
class ItemItem:
    """score_j = prior_j + sum over the history of w_k similarity(item k, j), in O(history x neighbours).

    starts (items + 1), neighbours and similarity are the rows of a sparse matrix; the neighbours of an item ascend.
    """

    items: tuple[str, ...]
    prior: Scores
    starts: Indices
    neighbours: np.ndarray
    similarity: Scores
    half_life: float
    kind: PredictorKind = PredictorKind.ITEM_ITEM

    def score(self, history: Indices, candidates: Indices | None = None) -> Scores:
        """Return the scores of the candidates; without a history they are the prior."""
        scores = self.prior.copy()
        known = recent(history, len(self.items))
        weights = recency_weights(len(known), self.half_life)
        for item, weight in zip(known.tolist(), weights, strict=True):
            row = slice(self.starts[item], self.starts[item + 1])
            scores[self.neighbours[row]] += weight * self.similarity[row]
        return scores if candidates is None else scores[inside(candidates, len(self.items))]


def item_item_of(artifact: Artifact) -> ItemItem:
    """Return the predictor of an artifact. Raises ArtifactMalformed."""
    items = read_items(artifact)
    starts = array(artifact, "starts", "int64", (len(items) + 1,))
    neighbours = places(artifact, "neighbours", "int32", None, len(items))
    similarity = floats(artifact, "similarity", len(neighbours))
    prior = floats(artifact, "prior", len(items))
    if starts[0] != 0 or starts[-1] != len(neighbours) or (np.diff(starts) < 0).any():
        raise ArtifactMalformed("The array starts does not divide the neighbours into rows.")
    rises = np.diff(neighbours) > 0
    boundaries = starts[1:-1]
    rises[boundaries[(boundaries > 0) & (boundaries < len(neighbours))] - 1] = True
    if not rises.all():
        raise ArtifactMalformed("The array neighbours does not ascend within each row.")
    ensure_bounded("similarity", largest(prior) + largest(similarity))
    half_life = number(artifact, "half_life", least=SHORTEST_HALF_LIFE, most=LONGEST_HALF_LIFE)
    return ItemItem(items, prior, starts, neighbours, similarity, half_life)
