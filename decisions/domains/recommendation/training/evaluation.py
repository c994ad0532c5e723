"""How good recommendations are: users who were held out, ranked by what would serve, judged by what they did next."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from decisions.domains.recommendation.training.calibration import Groups, groups_of, miscalibration
from decisions.domains.recommendation.training.dataset import HeldOut, RecommendationData
from decisions.policies.ranked import ModelRanked
from decisions.policy import Choices, Indices, Scores
from models_registry.gates import CHAMPION, POPULARITY, Evaluation, Figures, JudgedSlate, sliced, violations_of
from models_registry.predictors.popularity import Popularity
from models_registry.predictors.protocol import Predictor
from models_registry.vocabulary import PredictorKind

NDCG_AT: Final = 10
SHOWN: Final = 20
NEW: Final = "new"
RETURNING: Final = "returning"
"""The slices: users who had dealt with at most FEW items before the split, and the others."""
FEW: Final = 3
MOST_REQUESTS: Final = 200
"""With how many of the users a predictor is timed."""


@dataclass(frozen=True, slots=True, eq=False)
class Measured:
    """One predictor on every user who was held out.

    ndcg, recall, miscalibration: of each user, of the first 10, 20 and 20 items. shown: which items anybody was shown.
    slates: the first 20 items of each user.
    """

    ndcg: Figures
    recall: Figures
    miscalibration: Figures
    shown: npt.NDArray[np.bool_]
    slates: tuple[Indices, ...]

    def metrics(self, prefix: str = "") -> dict[str, float]:
        """Return the means over users, and the share of items that were shown to anybody in the first 20."""
        return {
            f"{prefix}ndcg_at_{NDCG_AT}": float(self.ndcg.mean()),
            f"{prefix}recall_at_{SHOWN}": float(self.recall.mean()),
            f"{prefix}coverage_at_{SHOWN}": float(self.shown.mean()),
            f"{prefix}miscalibration_at_{SHOWN}": float(self.miscalibration.mean()),
        }


@dataclass(frozen=True, slots=True, eq=False)
class Translated:
    """A predictor of another catalogue, asked in the places of this one.

    theirs: for each item of this catalogue its place in the other, or -1: such an item gets the lowest score.
    """

    predictor: Predictor
    items: tuple[str, ...]
    theirs: Indices

    @property
    def kind(self) -> PredictorKind:
        """How the other predictor predicts."""
        return self.predictor.kind

    def score(self, history: Indices, candidates: Indices | None = None) -> Scores:
        """Return the scores of the candidates."""
        places = self.theirs if candidates is None else self.theirs[candidates]
        translated = self.theirs[history]
        scores = self.predictor.score(translated[translated >= 0])
        lowest = scores.min(initial=0.0) - np.float32(1.0)
        found: Scores = np.full(len(places), lowest, dtype=np.float32)
        found[places >= 0] = scores[places[places >= 0]]
        return found


def evaluate(predictor: Predictor, data: RecommendationData, champion: Predictor | None) -> Evaluation:
    """Return nDCG@10 of every held-out user for the predictor, for popularity, and for the champion where given.

    Beside it the same for new and returning users, which of the slates break a rule, and what to time it with.
    """
    references: dict[str, Predictor] = {POPULARITY: Popularity(data.log.item_ids, data.popularity)}
    if champion is not None:
        references[CHAMPION] = translated(champion, data.log.item_ids)
    candidate = measure(predictor, data)
    measured = {name: measure(reference, data) for name, reference in references.items()}
    metrics = candidate.metrics() | {"test_users": float(len(data.held_out))}
    for name, reference in measured.items():
        metrics |= reference.metrics(f"{name}_")
    figures = {name: reference.ndcg for name, reference in measured.items()}
    new = np.array([len(user.known) <= FEW for user in data.held_out], dtype=np.bool_)
    violations, slates = violations_of(
        JudgedSlate(slate, _new_to(user, len(data.log.item_ids)), SHOWN)
        for slate, user in zip(candidate.slates, data.held_out, strict=True)
    )
    return Evaluation(
        metrics,
        candidate.ndcg,
        figures,
        slices=sliced(candidate.ndcg, figures, {NEW: new, RETURNING: ~new}),
        violations=violations,
        slates=slates,
        requests=tuple((user.history, None) for user in data.held_out[:MOST_REQUESTS]),
    )


def translated(predictor: Predictor, items: tuple[str, ...]) -> Translated:
    """Return the predictor, asked in the places of another catalogue."""
    theirs = {item: place for place, item in enumerate(predictor.items)}
    return Translated(predictor, items, np.array([theirs.get(item, -1) for item in items], dtype=np.int64))


def measure(predictor: Predictor, data: RecommendationData) -> Measured:
    """Return the figures of a predictor, one user at a time, so that memory does not grow with their number."""
    slates = tuple(_slate(predictor, user, len(data.log.item_ids)) for user in data.held_out)
    return figures_of(slates, data, groups_of(data))


def figures_of(slates: tuple[Indices, ...], data: RecommendationData, groups: Groups) -> Measured:
    """Return the figures of slates, one for each user who was held out, in the same order."""
    shown = np.zeros(len(data.log.item_ids), dtype=np.bool_)
    ndcg, recall, unlike = (np.empty(len(slates)) for _ in range(3))
    for number, (slate, user) in enumerate(zip(slates, data.held_out, strict=True)):
        shown[slate] = True
        hits = np.isin(slate, user.targets)
        ndcg[number] = ndcg_of(hits[:NDCG_AT], len(user.targets))
        recall[number] = np.count_nonzero(hits) / min(len(user.targets), SHOWN)
        unlike[number] = miscalibration(user.known, slate, groups)
    return Measured(ndcg, recall, unlike, shown, slates)


def ndcg_of(hits: npt.NDArray[np.bool_], targets: int) -> float:
    """Return sum over hits of 1 / log2(place + 1), places from 1, by its largest value (Jarvelin and Kekalainen 2002).

    hits: for the first NDCG_AT places whether the item there is one of the user's `targets` (1 or more).
    """
    gains = 1.0 / np.log2(np.arange(NDCG_AT) + 2.0)
    return float(gains[: len(hits)][hits].sum() / gains[: min(targets, NDCG_AT)].sum())


def _slate(predictor: Predictor, user: HeldOut, items: int) -> Indices:
    """Return the first SHOWN items new to the user, by the policy that serves."""
    scores = predictor.score(user.history)
    new = _new_to(user, items)
    choices = Choices(candidates=new, baseline=scores[new], scores=scores[new])
    return ModelRanked().choose(choices, size=SHOWN).actions


def _new_to(user: HeldOut, items: int) -> Indices:
    return np.delete(np.arange(items, dtype=np.int64), user.known)
