"""How models of advertising are trained. Importing it imports no TensorFlow; only training the network does."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from decisions.domains.ad_placement.training import logistic, network
from decisions.domains.ad_placement.training.recipe import AdRecipe
from models_registry.vocabulary import PredictorKind

RECIPES: Final[Mapping[str, AdRecipe]] = MappingProxyType(
    {
        "hashed_logistic": AdRecipe(PredictorKind.HASHED_LOGISTIC, logistic.PARAMETERS, logistic.learn),
        "hashed_network": AdRecipe(PredictorKind.HASHED_NETWORK, network.PARAMETERS, network.learn),
    }
)
"""By the names that the domain declares."""
