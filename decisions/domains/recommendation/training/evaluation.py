"""How good recommendations are: users who were held out, ranked by what would serve, judged by what they did next."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from decisions.domains.recommendation.training.dataset import HeldOut, RecommendationData
from decisions.policies.ranked import ModelRanked
from decisions.policy import Choices, Indices, Scores
from models_registry.gates import CHAMPION, POPULARITY, Evaluation, Figures
from models_registry.predictors.popularity import Popularity
from models_registry.predictors.protocol import Predictor
from models_registry.vocabulary import PredictorKind

NDCG_AT = 10
SHOWN = 20


@dataclass(frozen=True, slots=True, eq=False)
class Measured:
    """One predictor on every user who was held out: nDCG@10 and recall@20 of each, and which items were shown."""

    ndcg: Figures
    recall: Figures
    shown: npt.NDArray[np.bool_]

    def metrics(self, prefix: str = "") -> dict[str, float]:
        """Return the means over users, and the share of items that were shown to anybody in the first 20."""
        return {
            f"{prefix}ndcg_at_{NDCG_AT}": float(self.ndcg.mean()),
            f"{prefix}recall_at_{SHOWN}": float(self.recall.mean()),
            f"{prefix}coverage_at_{SHOWN}": float(self.shown.mean()),
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
    """Return nDCG@10 of every held-out user for the predictor, for popularity, and for the champion where given."""
    references: dict[str, Predictor] = {POPULARITY: Popularity(data.log.item_ids, data.popularity)}
    if champion is not None:
        references[CHAMPION] = translated(champion, data.log.item_ids)
    candidate = measure(predictor, data)
    measured = {name: measure(reference, data) for name, reference in references.items()}
    metrics = candidate.metrics() | {"test_users": float(len(data.held_out))}
    for name, reference in measured.items():
        metrics |= reference.metrics(f"{name}_")
    return Evaluation(metrics, candidate.ndcg, {name: reference.ndcg for name, reference in measured.items()})


def translated(predictor: Predictor, items: tuple[str, ...]) -> Translated:
    """Return the predictor, asked in the places of another catalogue."""
    theirs = {item: place for place, item in enumerate(predictor.items)}
    return Translated(predictor, items, np.array([theirs.get(item, -1) for item in items], dtype=np.int64))


def measure(predictor: Predictor, data: RecommendationData) -> Measured:
    """Return the figures of a predictor, one user at a time, so that memory does not grow with their number."""
    everything = np.arange(len(data.log.item_ids))
    shown = np.zeros(len(everything), dtype=np.bool_)
    ndcg, recall = np.empty(len(data.held_out)), np.empty(len(data.held_out))
    for number, user in enumerate(data.held_out):
        slate = _slate(predictor, user, everything)
        shown[slate] = True
        hits = np.isin(slate, user.targets)
        ndcg[number] = ndcg_of(hits[:NDCG_AT], len(user.targets))
        recall[number] = np.count_nonzero(hits) / min(len(user.targets), SHOWN)
    return Measured(ndcg, recall, shown)


def ndcg_of(hits: npt.NDArray[np.bool_], targets: int) -> float:
    """Return sum over hits of 1 / log2(place + 1), places from 1, by its largest value (Jarvelin and Kekalainen 2002).

    hits: for the first NDCG_AT places whether the item there is one of the user's `targets` (1 or more).
    """
    gains = 1.0 / np.log2(np.arange(NDCG_AT) + 2.0)
    return float(gains[: len(hits)][hits].sum() / gains[: min(targets, NDCG_AT)].sum())


def _slate(predictor: Predictor, user: HeldOut, everything: Indices) -> Indices:
    """Return the first SHOWN items new to the user, by the policy that serves."""
    scores = predictor.score(user.history)
    new = np.delete(everything, user.known)
    choices = Choices(candidates=new, baseline=scores[new], scores=scores[new])
    return ModelRanked().choose(choices, size=SHOWN).actions
