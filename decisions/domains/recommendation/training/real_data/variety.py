"""What diversity costs and brings: the slates of a model, re-ranked more and more strongly by the text of items."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from decisions.domains.recommendation.diversity import alike, marginal_relevance, shortlist
from decisions.domains.recommendation.training.calibration import groups_of
from decisions.domains.recommendation.training.dataset import RecommendationData
from decisions.domains.recommendation.training.evaluation import SHOWN, Measured, figures_of
from decisions.domains.recommendation.training.real_data.contest import Result
from decisions.domains.recommendation.training.texts import text_space
from decisions.policy import Indices, Scores

STRENGTHS: Final = (0.0, 0.1, 0.2, 0.3, 0.5, 0.7)
TEXT_WIDTH: Final = 64


@dataclass(frozen=True, slots=True, eq=False)
class Variety:
    """What came of one strength. similarity: the mean cosine of the texts of two items of a slate, over users."""

    recipe: str
    diversity: float
    measured: Measured
    similarity: float


def varied(result: Result, data: RecommendationData) -> tuple[Variety, ...]:
    """Return what each strength makes of the slates of a result's predictor."""
    texts = text_space(data.log, width=TEXT_WIDTH, rng=np.random.default_rng(0)).items
    everything = np.arange(len(data.log.item_ids), dtype=np.int64)
    slates: dict[float, list[Indices]] = {strength: [] for strength in STRENGTHS}
    for user in data.held_out:
        scores = result.predictor.score(user.history)
        new = np.delete(everything, user.known)
        best = new[shortlist(scores[new], SHOWN)]
        similarity = alike(texts[best])
        for strength in STRENGTHS:
            chosen = marginal_relevance(scores[best], similarity, size=SHOWN, diversity=strength)
            slates[strength].append(best[chosen])
    groups = groups_of(data)
    return tuple(
        Variety(result.recipe, strength, figures_of(tuple(found), data, groups), _within(found, texts))
        for strength, found in slates.items()
    )


def _within(slates: list[Indices], texts: Scores) -> float:
    """Return the mean over slates of the mean cosine of two different items."""
    found = []
    for slate in slates:
        if len(slate) > 1:
            cosines = alike(texts[slate])
            found.append((cosines.sum() - np.trace(cosines)) / (len(slate) * (len(slate) - 1)))
    return float(np.mean(found)) if found else 0.0
