"""Thompson sampling of demand: one of the item's demand curves, and the price that brings most by it."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from decisions.learning.demand import FEATURES, Posterior, level_of, posterior
from decisions.learning.state import DemandSnapshot
from decisions.policies.contextual import LARGEST_FEATURE, FeaturesUnusable
from decisions.policies.sampling import sampled
from decisions.policy import Choices, Floats, Slate


@dataclass(frozen=True, slots=True, eq=False)
class PriceThompson:
    """Chooses by margin x demand, of a draw of demand that falls with the price. places: where the state has items."""

    snapshot: DemandSnapshot
    places: Mapping[str, int]

    def choose(self, choices: Choices, *, size: int) -> Slate:
        """Return prices, each with its exact probability: the share of draws that it brings most by, floored.

        The candidates are those prices that the envelope allows; no other is ever chosen. Scores are what is expected
        of a day, in the shop's own prices of the item. Raises FeaturesUnusable.
        """
        features = _checked(choices)
        if not len(features):
            return Slate(choices.candidates, (), np.zeros(0, np.float32), features)
        shares, margins = features[:, 0], features[:, 1]
        known = self._posterior(choices.subject, features)
        liked = known.at(known.draws(salt=choices.subject), shares) * margins
        found = sampled(liked, floor=self.snapshot.floor, seed=choices.seed, size=size)
        scores = (known.at(known.mean, shares) * margins).astype(np.float32)[found.places]
        return Slate(choices.candidates[found.places], found.probabilities, scores, features[found.places])

    def _posterior(self, item: str, features: Floats) -> Posterior:
        """Return what is known of an item: the prior by its usual sales where nothing has been learnt yet."""
        snapshot, place = self.snapshot, self.places.get(item)
        if place is None:
            nothing = np.zeros(snapshot.prior.steps)
            _share, _margin, usual, present = features[0].tolist()
            return posterior(level_of(usual, present, prior=snapshot.prior), nothing, nothing, prior=snapshot.prior)
        level, pieces, days = float(snapshot.level[place]), snapshot.pieces[place], snapshot.days[place]
        return posterior(level, pieces, days, prior=snapshot.prior)


def _checked(choices: Choices) -> Floats:
    features = choices.features
    wanted = len(choices.candidates), len(FEATURES)
    if features is None or features.shape != wanted:
        found = "none" if features is None else " x ".join(map(str, features.shape))
        raise FeaturesUnusable(f"Needed are {wanted[0]} x {wanted[1]} features, not {found}.")
    share, _margin, usual, present = features.T
    if (
        not (np.abs(features) <= LARGEST_FEATURE).all()
        or (usual < 0.0).any()
        or (np.minimum(share, present) <= 0).any()
    ):
        raise FeaturesUnusable("A price, or what its item sold, is none that could be.")
    return features
