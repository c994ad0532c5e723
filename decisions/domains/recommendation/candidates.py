"""How many candidates are scored: where scoring is costly, only those that the baseline thinks best."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from models_registry.vocabulary import PredictorKind

MOST_CANDIDATES: Final[Mapping[PredictorKind, int]] = MappingProxyType({PredictorKind.RANKING_NETWORK: 1_000})
"""How many items a predictor of a kind is asked to score for one request; kinds not named score all."""


def most_candidates(kind: PredictorKind, size: int) -> int:
    """Return how many of `size` candidates a predictor of the kind is asked to score."""
    return min(size, MOST_CANDIDATES.get(kind, size))
