"""How recommendation models are trained. Importing it imports no TensorFlow; only training a network does."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from decisions.domains.recommendation.training import ease, factors, item_item, ranking_network, two_tower
from decisions.domains.recommendation.training.recipe import RecommendationRecipe
from models_registry.vocabulary import PredictorKind

RECIPES: Final[Mapping[str, RecommendationRecipe]] = MappingProxyType(
    {
        "ease": RecommendationRecipe(PredictorKind.EASE, ease.PARAMETERS, ease.learn),
        "factors": RecommendationRecipe(PredictorKind.FACTORS, factors.PARAMETERS, factors.learn),
        "item_item": RecommendationRecipe(PredictorKind.ITEM_ITEM, item_item.PARAMETERS, item_item.learn),
        "ranking_network": RecommendationRecipe(
            PredictorKind.RANKING_NETWORK, ranking_network.PARAMETERS, ranking_network.learn
        ),
        "two_tower": RecommendationRecipe(PredictorKind.TWO_TOWER, two_tower.PARAMETERS, two_tower.learn),
    }
)
"""By the names that the domain declares."""
