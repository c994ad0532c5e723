"""From a verified artifact to the predictor that its manifest names."""

from collections.abc import Callable, Mapping
from typing import Final

from models_registry.artifacts import Artifact
from models_registry.compression import decoded
from models_registry.predictors.demand import demand_of
from models_registry.predictors.ease import ease_of
from models_registry.predictors.factors import factors_of
from models_registry.predictors.forecast import forecast_of
from models_registry.predictors.hashed_logistic import hashed_logistic_of
from models_registry.predictors.hashed_network import hashed_network_of
from models_registry.predictors.item_item import item_item_of
from models_registry.predictors.popularity import popularity_of
from models_registry.predictors.protocol import Predictor
from models_registry.predictors.ranking_network import ranking_network_of
from models_registry.predictors.two_tower import two_tower_of
from models_registry.vocabulary import PredictorKind

_READERS: Final[Mapping[PredictorKind, Callable[[Artifact], Predictor]]] = {
    PredictorKind.POPULARITY: popularity_of,
    PredictorKind.ITEM_ITEM: item_item_of,
    PredictorKind.RANKING_NETWORK: ranking_network_of,
    PredictorKind.TWO_TOWER: two_tower_of,
    PredictorKind.EASE: ease_of,
    PredictorKind.FACTORS: factors_of,
    PredictorKind.HASHED_LOGISTIC: hashed_logistic_of,
    PredictorKind.HASHED_NETWORK: hashed_network_of,
    PredictorKind.FORECAST: forecast_of,
    PredictorKind.DEMAND: demand_of,
}


def predictor_of(artifact: Artifact) -> Predictor:
    """Return the predictor of an artifact. Raises ArtifactMalformed where the arrays do not fit together."""
    return _READERS[artifact.manifest.kind](decoded(artifact))
