"""How much each item of a history counts: one rule that training and serving share."""

from functools import lru_cache
from typing import Final

import numpy as np

from models_registry.predictors.protocol import Indices, Scores

LONGEST_HISTORY: Final = 50
"""How many items of a history are read, the most recent ones."""
SHORTEST_HALF_LIFE: Final = 0.1
LONGEST_HALF_LIFE: Final = 1e6


def recent(history: Indices, size: int) -> Indices:
    """Return the most recent places of a history that are in a catalogue of `size` items, at most LONGEST_HISTORY."""
    return history[(history >= 0) & (history < size)][:LONGEST_HISTORY]


@lru_cache(maxsize=4 * (LONGEST_HISTORY + 1))
def recency_weights(count: int, half_life: float) -> Scores:
    """Return the weights of a history of `count` items, the most recent first; they sum to 1.

    w_k is proportional to 2^(-k / half_life) for k = 0, 1, ...: the half-life is counted in items, not in days.
    """
    raw = np.exp2(-np.arange(count) / half_life)
    weights = (raw / raw.sum()).astype(np.float32) if count else np.empty(0, dtype=np.float32)
    weights.flags.writeable = False
    return weights


def inside(candidates: Indices, size: int) -> Indices:
    """Return the candidates as they are.

    Raises:
        IndexError: one of them is no place in a catalogue of `size` items; negative ones do not count from the end.
    """
    if len(candidates) and (int(candidates.min()) < 0 or int(candidates.max()) >= size):
        raise IndexError(f"A candidate is no place in a catalogue of {size} items.")
    return candidates
