"""What the recipes of restock have in common: how a log is split, how forecasts are kept, and how they are judged."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from decisions.domain import SalesLog
from decisions.domains.restock.training.choosing import Moments
from decisions.domains.restock.training.dataset import SalesData, split_log
from decisions.domains.restock.training.evaluation import METRIC, aligned, evaluate
from decisions.domains.restock.training.panel import WEEK, Floats, Panel
from decisions.domains.restock.training.seasons import season_factors
from models_registry.gates import Evaluation
from models_registry.pipeline import Fitted, Parameter, Parameters
from models_registry.predictors.forecast import (
    HORIZONS,
    INPUTS,
    LARGEST_MEAN,
    LARGEST_VARIANCE,
    MEANS,
    VARIANCES,
    WEEKDAYS,
)
from models_registry.predictors.popularity import ITEMS, write_items
from models_registry.predictors.protocol import Predictor
from models_registry.vocabulary import PredictorKind

Foresee = Callable[[Panel, Parameters, int, Callable[[float], None]], Moments]
"""(panel, parameters, seed, tell) -> mean and variance of the totals after the panel."""


@dataclass(frozen=True, slots=True)
class SalesRecipe:
    """A recipe of the training protocol; `foresee` is what is particular to it. metric: what its gate compares."""

    foresee: Foresee
    parameters: Mapping[str, Parameter]
    kind: PredictorKind = PredictorKind.FORECAST
    metric: str = METRIC

    def dataset(self, log: SalesLog, *, parameters: Parameters, seed: int) -> SalesData:  # noqa: ARG002 - split in time
        """Return the log, split in time. Raises TrainingDataInsufficient, TrainingDataInvalid."""
        return split_log(log, test_weeks=int(parameters["test_weeks"]), most_days=int(parameters["most_days"]))

    def fit(self, dataset: SalesData, *, parameters: Parameters, seed: int, tell: Callable[[float], None]) -> Fitted:
        """Return what was learnt. Raises TrainingDiverged, TensorFlowMissing."""
        moments = self.foresee(dataset.learnt, parameters, seed, tell)
        return exported(dataset.learnt, moments, season_factors(dataset.learnt))

    def evaluate(self, predictor: Predictor, dataset: SalesData, *, champion: Predictor | None) -> Evaluation:
        """Return what the predictor makes of later weeks."""
        return evaluate(predictor, dataset, champion)

    def aligned(self, predictor: Predictor, dataset: SalesData) -> Predictor:
        """Return a forecast of an earlier training, asked in the places of this dataset."""
        return aligned(predictor, dataset)


def exported(panel: Panel, moments: Moments, factors: Floats) -> Fitted:
    """Return the arrays of a forecast of days: factors are series x 7, Monday first."""
    means = np.minimum(moments.means, LARGEST_MEAN)
    tensors = {
        ITEMS: write_items(panel.ids),
        MEANS: means.astype(np.float32),
        VARIANCES: np.minimum(moments.variances, LARGEST_VARIANCE).astype(np.float32),
        WEEKDAYS: np.clip(factors, 0.0, WEEK).astype(np.float32),
    }
    return Fitted(PredictorKind.FORECAST, INPUTS, tensors, {HORIZONS: [float(days) for days in panel.horizons]})
