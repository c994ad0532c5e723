"""Thompson sampling of weights: for each place one of the posterior's draws, and the action that it likes best."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from decisions.policies.sampling import sampled
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

        For each place one draw, and the best by it of what is left; see `sampling`. Raises FeaturesUnusable.
        """
        features = self._checked(choices)
        found = sampled(self.draws @ features.T, floor=self.floor, seed=choices.seed, size=size)
        rows = features[found.places]
        scores = (rows @ self.mean).astype(np.float32)
        return Slate(choices.candidates[found.places], found.probabilities, scores, rows)

    def _checked(self, choices: Choices) -> Floats:
        features = choices.features
        if features is None or features.shape != (len(choices.candidates), len(self.mean)):
            found = "none" if features is None else " x ".join(map(str, features.shape))
            raise FeaturesUnusable(f"Needed are {len(choices.candidates)} x {len(self.mean)} features, not {found}.")
        if features.size and not float(np.abs(features).max()) <= LARGEST_FEATURE:
            raise FeaturesUnusable("A feature is not finite, or too large.")
        return features
