"""Items that nobody had met before the split: whether what is known of them otherwise tells who will want them."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from decisions.domains.recommendation.training.dataset import RecommendationData
from decisions.domains.recommendation.training.real_data.contest import Result
from models_registry.gates import Comparison, compare

AT: Final = 10
CHANCE: Final = "chance"


@dataclass(frozen=True, slots=True)
class Cold:
    """How well a recipe ranks unmet items among themselves: recall@10 over users who then met one, less chance.

    items: how many unmet items there are; chance is the recall of any order of them.
    """

    recipe: str
    items: int
    comparison: Comparison


def cold_items(results: tuple[Result, ...], data: RecommendationData) -> tuple[Cold, ...]:
    """Return one for each recipe; none where there are no unmet items, or fewer than two users met one."""
    unmet = np.flatnonzero(data.popularity == 0.0).astype(np.int64)
    users = [user for user in data.held_out if np.isin(user.targets, unmet).any()]
    if len(unmet) <= AT or len(users) < 2:
        return ()
    chance = np.full(len(users), AT / len(unmet))
    found = []
    for result in results:
        recalls = np.empty(len(users))
        for number, user in enumerate(users):
            scores = result.predictor.score(user.history, unmet)
            recalls[number] = _recall(scores, np.isin(unmet, user.targets))
        found.append(Cold(result.recipe, len(unmet), compare(CHANCE, recalls, chance, 0.95)))
    return tuple(found)


def _recall(scores: np.ndarray, wanted: np.ndarray) -> float:
    """Return the share of the wanted items among the best AT, expected over the orders of items with equal scores."""
    least = np.sort(scores)[::-1][AT - 1]
    above, level = scores > least, scores == least
    share = (AT - np.count_nonzero(above)) / np.count_nonzero(level)
    hits = np.count_nonzero(wanted & above) + share * np.count_nonzero(wanted & level)
    return float(hits) / min(int(np.count_nonzero(wanted)), AT)
