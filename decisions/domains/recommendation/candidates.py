"""Preselection: where scoring an item is costly, only the items the baseline thinks best are scored."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

import numpy as np

from decisions.policy import Indices, Scores
from models_registry.vocabulary import PredictorKind

MOST_CANDIDATES: Final[Mapping[PredictorKind, int]] = MappingProxyType({PredictorKind.RANKING_NETWORK: 1_000})
"""How many items a predictor of a kind is asked to score for one request; kinds not named score all."""


def preselect(candidates: Indices, baseline: Scores, *, most: int) -> Indices:
    """Return at most `most` of the candidates, those with the highest baseline scores, in the order they had.

    baseline: runs parallel to candidates. Of equal scores the earlier candidates are taken.

    Raises:
        ValueError: there is not one score for each candidate, or `most` is negative.
    """
    if len(candidates) != len(baseline) or most < 0:
        raise ValueError("needs one baseline score for each candidate, and a bound of 0 or more")
    if len(candidates) <= most:
        return candidates
    if most == 0:
        return candidates[:0]
    threshold = np.partition(baseline, len(baseline) - most)[len(baseline) - most]
    taken = baseline > threshold
    level = np.flatnonzero(baseline == threshold)
    taken[level[: most - int(np.count_nonzero(taken))]] = True
    chosen: Indices = candidates[taken]
    return chosen


def most_candidates(kind: PredictorKind, size: int) -> int:
    """Return how many of `size` candidates a predictor of the kind is asked to score."""
    return min(size, MOST_CANDIDATES.get(kind, size))
