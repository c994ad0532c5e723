"""What the recipes of recommendation have in common: how a log is split, and how predictors are judged on it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from decisions.domain import InteractionLog
from decisions.domains.recommendation.training.dataset import RecommendationData, split_log
from decisions.domains.recommendation.training.evaluation import evaluate, translated
from models_registry.gates import Evaluation
from models_registry.pipeline import COMPRESS, Fitted, Parameter, Parameters
from models_registry.predictors.history import LONGEST_HALF_LIFE, SHORTEST_HALF_LIFE
from models_registry.predictors.protocol import Predictor
from models_registry.vocabulary import PredictorKind

Learn = Callable[[RecommendationData, Parameters, int, Callable[[float], None]], Fitted]
"""(data, parameters, seed, tell) -> what was learnt from the rows before the split."""

SHARED: Final[dict[str, Parameter]] = {
    "test_share": Parameter(
        about="Share of the interactions, the latest, that is kept for judging",
        default=0.2,
        least=0.05,
        most=0.5,
        tunable=False,
    ),
    "most_test_users": Parameter(
        about="Most users to judge by", default=5_000, least=1, most=1_000_000, whole=True, tunable=False
    ),
    "half_life": Parameter(
        about="Items of a history after which one counts half as much as the most recent one",
        default=20.0,
        least=SHORTEST_HALF_LIFE,
        most=LONGEST_HALF_LIFE,
    ),
    "compress": COMPRESS,
}
"""Parameters that every recipe of recommendation has."""


@dataclass(frozen=True, slots=True)
class RecommendationRecipe:
    """A recipe of the training protocol; `learn` is what is particular to it."""

    kind: PredictorKind
    parameters: Mapping[str, Parameter]
    learn: Learn

    def dataset(self, log: InteractionLog, *, parameters: Parameters, seed: int) -> RecommendationData:
        """Return the log, split in time. Raises TrainingDataInsufficient, TrainingDataInvalid."""
        most_users = int(parameters["most_test_users"])
        return split_log(log, share=parameters["test_share"], most_users=most_users, seed=seed)

    def fit(
        self, dataset: RecommendationData, *, parameters: Parameters, seed: int, tell: Callable[[float], None]
    ) -> Fitted:
        """Return what was learnt. Raises TrainingDiverged."""
        return self.learn(dataset, parameters, seed, tell)

    def evaluate(self, predictor: Predictor, dataset: RecommendationData, *, champion: Predictor | None) -> Evaluation:
        """Return what the predictor makes of the users who were held out."""
        return evaluate(predictor, dataset, champion)

    def aligned(self, predictor: Predictor, dataset: RecommendationData) -> Predictor:
        """Return a predictor of another catalogue, asked in the places of the dataset's."""
        return translated(predictor, dataset.log.item_ids)
