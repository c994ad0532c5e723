"""What the recipes of advertising have in common: how a log is split, and how predictors are judged on it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from decisions.domain import DecisionLog
from decisions.domains.ad_placement.training.dataset import AdData, split_log
from decisions.domains.ad_placement.training.evaluation import METRIC, evaluate
from models_registry.gates import Evaluation
from models_registry.pipeline import Fitted, Parameter, Parameters
from models_registry.predictors.protocol import Predictor
from models_registry.vocabulary import PredictorKind

Learn = Callable[[AdData, Parameters, int, Callable[[float], None]], Fitted]
"""(data, parameters, seed, tell) -> what was learnt from the rows before the split."""


@dataclass(frozen=True, slots=True)
class AdRecipe:
    """A recipe of the training protocol; `learn` is what is particular to it. metric: what its gate compares."""

    kind: PredictorKind
    parameters: Mapping[str, Parameter]
    learn: Learn
    metric: str = METRIC
    takes_weights: bool = True

    def dataset(self, log: DecisionLog, *, parameters: Parameters, seed: int) -> AdData:  # noqa: ARG002 - split in time
        """Return the log, split in time. Raises TrainingDataInsufficient, TrainingDataInvalid."""
        return split_log(
            log,
            test_share=parameters["test_share"],
            calibration_share=parameters["calibration_share"],
            most_rows=int(parameters["most_rows"]),
        )

    def fit(self, dataset: AdData, *, parameters: Parameters, seed: int, tell: Callable[[float], None]) -> Fitted:
        """Return what was learnt. Raises TrainingDiverged."""
        return self.learn(dataset, parameters, seed, tell)

    def evaluate(self, predictor: Predictor, dataset: AdData, *, champion: Predictor | None) -> Evaluation:
        """Return what the predictor makes of later showings."""
        return evaluate(predictor, dataset, champion)
