"""The predictor that scores items by how often those who dealt with somebody's items dealt with them too."""

from dataclasses import dataclass

from models_registry.artifacts import Artifact
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
from models_registry.predictors.rows import Rows, read_rows
from models_registry.vocabulary import PredictorKind


@dataclass(frozen=True, slots=True, eq=False)
class ItemItem:
    """score_j = prior_j + sum over the history of w_k similarity(item k, j), in O(history x neighbours)."""

    items: tuple[str, ...]
    prior: Scores
    similarity: Rows
    half_life: float
    kind: PredictorKind = PredictorKind.ITEM_ITEM

    def score(self, history: Indices, candidates: Indices | None = None) -> Scores:
        """Return the scores of the candidates; without a history they are the prior."""
        scores = self.prior.copy()
        known = recent(history, len(self.items))
        self.similarity.add(scores, known, recency_weights(len(known), self.half_life))
        return scores if candidates is None else scores[inside(candidates, len(self.items))]


def item_item_of(artifact: Artifact) -> ItemItem:
    """Return the predictor of an artifact. Raises ArtifactMalformed."""
    items = read_items(artifact)
    similarity = read_rows(artifact, columns="neighbours", values="similarity", size=len(items))
    prior = floats(artifact, "prior", len(items))
    ensure_bounded("similarity", largest(prior) + largest(similarity.values))
    half_life = number(artifact, "half_life", least=SHORTEST_HALF_LIFE, most=LONGEST_HALF_LIFE)
    return ItemItem(items, prior, similarity, half_life)
