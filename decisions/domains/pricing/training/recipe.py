"""The recipe of the training protocol that pricing has."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from decisions.domain import SalesLog
from decisions.domains.pricing.training.dataset import DemandData, split_log
from decisions.domains.pricing.training.evaluation import METRIC, evaluate
from models_registry.gates import Evaluation
from models_registry.pipeline import Fitted, Parameter, Parameters
from models_registry.predictors.protocol import Predictor
from models_registry.vocabulary import PredictorKind

Learn = Callable[[DemandData, Parameters, int, Callable[[float], None]], Fitted]
"""(data, parameters, seed, tell) -> what was learnt from the rows before the split."""


@dataclass(frozen=True, slots=True)
class DemandRecipe:
    """A recipe that learns demand from sales; `learn` is what is particular to it. metric: what its gate compares."""

    parameters: Mapping[str, Parameter]
    learn: Learn
    kind: PredictorKind = PredictorKind.DEMAND
    metric: str = METRIC

    def dataset(self, log: SalesLog, *, parameters: Parameters, seed: int) -> DemandData:  # noqa: ARG002 - split in time
        """Return the log, split in time. Raises TrainingDataInsufficient, TrainingDataInvalid."""
        return split_log(log, test_share=parameters["test_share"])

    def fit(self, dataset: DemandData, *, parameters: Parameters, seed: int, tell: Callable[[float], None]) -> Fitted:
        """Return what was learnt. Raises TrainingDiverged."""
        return self.learn(dataset, parameters, seed, tell)

    def evaluate(self, predictor: Predictor, dataset: DemandData, *, champion: Predictor | None) -> Evaluation:
        """Return what the predictor makes of later weeks."""
        return evaluate(predictor, dataset, champion)
