"""How forecasts of demand are trained. Importing it imports no TensorFlow; only training the network does."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from decisions.domains.restock.training import foreseeing, quantile_network
from decisions.domains.restock.training.recipe import SalesRecipe

RECIPES: Final[Mapping[str, SalesRecipe]] = MappingProxyType(
    {
        "exponential_smoothing": SalesRecipe(foreseeing.exponential_smoothing, foreseeing.SMOOTHING_PARAMETERS),
        "intermittent": SalesRecipe(foreseeing.intermittent, foreseeing.PARAMETERS),
        "negative_binomial": SalesRecipe(foreseeing.negative_binomial, foreseeing.PARAMETERS),
        "quantile_network": SalesRecipe(quantile_network.quantile_network, quantile_network.PARAMETERS),
    }
)
"""By the names that the domain declares."""
