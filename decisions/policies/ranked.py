"""The policies that rank candidates: by a model's scores, or by the model-free baseline."""

from dataclasses import dataclass

import numpy as np

from decisions.policy import Choices, Scores, Slate


@dataclass(frozen=True, slots=True)
class ModelRanked:
    """Shows the candidates with the highest scores of the predictor."""

    def choose(self, choices: Choices, *, size: int) -> Slate:
        """Return the best by score, each with probability 1. Raises ValueError where no predictor was asked."""
        if choices.scores is None:
            raise ValueError("a model-ranked policy needs scores")
        return _best(choices, choices.scores, size)


@dataclass(frozen=True, slots=True)
class Baseline:
    """Shows the candidates with the highest baseline scores: it needs no model and no history."""

    def choose(self, choices: Choices, *, size: int) -> Slate:
        """Return the best by baseline, each with probability 1."""
        return _best(choices, choices.baseline, size)


def _best(choices: Choices, scores: Scores, size: int) -> Slate:
    """Return the highest scores first; equal ones in the order of the candidates, so that slates are reproducible."""
    count = min(size, len(scores))
    if count <= 0:
        return Slate(choices.candidates[:0], (), scores[:0])
    least = len(scores) - count
    places = np.flatnonzero(scores >= np.partition(scores, least)[least])
    places = places[np.lexsort((places, -scores[places]))][:count]
    return Slate(choices.candidates[places], (1.0,) * count, scores[places])
