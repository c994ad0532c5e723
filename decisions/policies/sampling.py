"""Choosing by posterior draws: for each place one of them, and the action that it likes best, with exact chances."""

from dataclasses import dataclass

import numpy as np

from decisions.policy import Floats


@dataclass(frozen=True, slots=True)
class Sampled:
    """Places among the candidates, best first, and the probability of each given those before it."""

    places: list[int]
    probabilities: tuple[float, ...]


def sampled(liked: Floats, *, floor: float, seed: int, size: int) -> Sampled:
    """Return at most `size` places, drawn one after the other without replacement.

    liked: draws x candidates, how much each draw likes each; changed in place. A probability is the share of draws
    whose best the candidate is (of equals the earlier), floored additively: e = f / K + (1 - f) share, K being how many
    are left.
    """
    rng = np.random.default_rng(seed)
    count = liked.shape[1]
    left = np.ones(count, dtype=np.bool_)
    winners = liked.argmax(axis=1) if count else np.zeros(len(liked), dtype=np.int64)
    places, probabilities = [], []
    for taken in range(max(0, min(size, count))):
        place = _any(left, rng) if rng.random() < floor else int(winners[rng.integers(len(winners))])
        won = winners == place
        share = float(np.count_nonzero(won)) / len(winners)
        places.append(place)
        probabilities.append(floor / (count - taken) + (1.0 - floor) * share)
        left[place] = False
        liked[:, place] = -np.inf
        if won.any():
            winners[won] = liked[won].argmax(axis=1)
    return Sampled(places, tuple(probabilities))


def _any(left: np.ndarray, rng: np.random.Generator) -> int:
    places = np.flatnonzero(left)
    return int(places[rng.integers(len(places))])
