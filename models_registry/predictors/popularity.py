"""The predictor that gives everybody the same scores: how much all have dealt with each item."""

import json
from dataclasses import dataclass

import numpy as np

from models_registry.artifacts import Artifact, ArtifactMalformed
from models_registry.predictors.history import inside
from models_registry.predictors.protocol import Indices, Scores
from models_registry.vocabulary import PredictorKind

ITEMS = "item_ids"


@dataclass(frozen=True, slots=True, eq=False)
class Popularity:
    """`popularity` has one score for each of the `items`."""

    items: tuple[str, ...]
    popularity: Scores
    kind: PredictorKind = PredictorKind.POPULARITY

    def score(self, history: Indices, candidates: Indices | None = None) -> Scores:  # noqa: ARG002 - same for all
        """Return the popularity of the candidates, whatever the history."""
        return self.popularity if candidates is None else self.popularity[inside(candidates, len(self.items))]


def read_items(artifact: Artifact) -> tuple[str, ...]:
    """Return the ids of an artifact's items: the array `item_ids` is their JSON list in UTF-8.

    Raises:
        ArtifactMalformed: it is missing, no list of different texts, or not JSON.
    """
    try:
        items = json.loads(artifact.tensors[ITEMS].tobytes())
    except (KeyError, ValueError, RecursionError) as error:
        raise ArtifactMalformed("The artifact has no readable list of items.") from error
    if not isinstance(items, list) or not all(isinstance(item, str) for item in items) or len({*items}) != len(items):
        raise ArtifactMalformed("The artifact's items are not different texts.")
    return tuple(items)


def write_items(items: tuple[str, ...]) -> np.ndarray:
    """Return the array that `read_items` reads."""
    return np.frombuffer(json.dumps(items, ensure_ascii=False).encode(), dtype=np.uint8)


def popularity_of(artifact: Artifact) -> Popularity:
    """Return the predictor of an artifact. Raises ArtifactMalformed."""
    items = read_items(artifact)
    popularity = artifact.tensors.get("popularity")
    if popularity is None or popularity.shape != (len(items),) or popularity.dtype != np.float32:
        raise ArtifactMalformed("popularity: must have one float32 for each item.")
    return Popularity(items, popularity)
