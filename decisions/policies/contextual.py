"""Thompson sampling of weights: for each place one of the posterior's draws, and the action that it likes best."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from decisions.policy import Choices, Floats, Slate
from foundation.errors import DomainError

LARGEST_FEATURE: Final = 1e9


class FeaturesUnusable(DomainError):
    """The features of the candidates are missing, of another number, not finite, or too large."""

    code = "FEATURES_UNUSABLE"
    hint = "The baseline serves in place of the learning policy; see the features of the domain."


@dataclass(frozen=True, slots=True, eq=False)
class Contextual:
    """Chooses by `draws` x features. draws: as many rows as there are posterior draws. mean: the posterior's."""

    draws: Floats
    mean: Floats
    floor: float

    def choose(self, choices: Choices, *, size: int) -> Slate:
        """Return actions chosen one after the other, each with its exact probability and its row of features.

        For each place one draw, and the best by it of what is left; so a probability is the share of draws whose best
        the action is (of equals the earlier), floored additively: e = f / K + (1 - f) share. Raises FeaturesUnusable.
        """
        features = self._checked(choices)
        rng = np.random.default_rng(choices.seed)
        liked = self.draws @ features.T
        count = len(features)
        left = np.ones(count, dtype=np.bool_)
        winners = liked.argmax(axis=1) if count else np.zeros(len(liked), dtype=np.int64)
        places, probabilities = [], []
        for taken in range(max(0, min(size, count))):
            place = _any(left, rng) if rng.random() < self.floor else int(winners[rng.integers(len(winners))])
            won = winners == place
            share = float(np.count_nonzero(won)) / len(winners)
            places.append(place)
            probabilities.append(self.floor / (count - taken) + (1.0 - self.floor) * share)
            left[place] = False
            liked[:, place] = -np.inf
            if won.any():
                winners[won] = liked[won].argmax(axis=1)
        rows = features[places]
        scores = (rows @ self.mean).astype(np.float32)
        return Slate(choices.candidates[places], tuple(probabilities), scores, rows)

    def _checked(self, choices: Choices) -> Floats:
        features = choices.features
        if features is None or features.shape != (len(choices.candidates), len(self.mean)):
            found = "none" if features is None else " x ".join(map(str, features.shape))
            raise FeaturesUnusable(f"Needed are {len(choices.candidates)} x {len(self.mean)} features, not {found}.")
        if features.size and not float(np.abs(features).max()) <= LARGEST_FEATURE:
            raise FeaturesUnusable("A feature is not finite, or too large.")
        return features


def _any(left: np.ndarray, rng: np.random.Generator) -> int:
    places = np.flatnonzero(left)
    return int(places[rng.integers(len(places))])
