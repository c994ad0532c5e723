"""The predictor of a linear map from items to items that was learnt in closed form (EASE, Steck 2019)."""

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
class Ease:
    """score_j = prior_j + sum over the history of w_k map(item k, j); unlike similarities, entries may be negative."""

    items: tuple[str, ...]
    prior: Scores
    linear: Rows
    half_life: float
    kind: PredictorKind = PredictorKind.EASE

    def score(self, history: Indices, candidates: Indices | None = None) -> Scores:
        """Return the scores of the candidates; without a history they are the prior."""
        scores = self.prior.copy()
        known = recent(history, len(self.items))
        self.linear.add(scores, known, recency_weights(len(known), self.half_life))
        return scores if candidates is None else scores[inside(candidates, len(self.items))]


def ease_of(artifact: Artifact) -> Ease:
    """Return the predictor of an artifact. Raises ArtifactMalformed."""
    items = read_items(artifact)
    linear = read_rows(artifact, columns="targets", values="weights", size=len(items))
    prior = floats(artifact, "prior", len(items))
    ensure_bounded("weights", largest(prior) + largest(linear.values))
    half_life = number(artifact, "half_life", least=SHORTEST_HALF_LIFE, most=LONGEST_HALF_LIFE)
    return Ease(items, prior, linear, half_life)
