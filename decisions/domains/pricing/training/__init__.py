"""How models of demand are trained. Importing it imports no TensorFlow."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from decisions.domains.pricing.training import elasticity
from decisions.domains.pricing.training.recipe import DemandRecipe

RECIPES: Final[Mapping[str, DemandRecipe]] = MappingProxyType(
    {"elasticity": DemandRecipe(elasticity.PARAMETERS, elasticity.learn)}
)
"""By the names that the domain declares."""
