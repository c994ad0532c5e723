"""How models of demand are trained."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

RECIPES: Final[Mapping[str, Any]] = MappingProxyType({})
"""By the names that the domain declares."""
