"""How what somebody did, and what an item is, become what models read: one place for training and for serving."""

from typing import Final

import numpy as np
import numpy.typing as npt

from decisions.domain import INTERACTIONS, Interaction
from decisions.policy import Indices, Scores
from models_registry.predictors.history import LONGEST_HISTORY

HISTORY: Final = "history"
ITEM: Final = "item"
CATEGORY: Final = "category"
RATING: Final = "rating"

LARGEST_RATING_FEATURE: Final = 3.0
_INTENT: Final = {Interaction.VIEW: 1.0, Interaction.CART: 2.0, Interaction.ORDER: 3.0}
INTENT: Final = np.array([_INTENT[interaction] for interaction in INTERACTIONS], dtype=np.float32)
"""How much a contact with an item counts by its strongest interaction; by the numbers of InteractionLog.kinds."""


def history_of(items: npt.ArrayLike) -> Indices:
    """Return the history that the items make: each once, the most recent first, at most LONGEST_HISTORY.

    items: places of what somebody dealt with, in the order of time, the oldest first. How much each counts is
    `models_registry.predictors.history.recency_weights`, which predictors and networks share.
    """
    latest_first = np.asarray(items, dtype=np.int64)[::-1].tolist()
    return np.fromiter(dict.fromkeys(latest_first), dtype=np.int64)[:LONGEST_HISTORY]


def category_codes(categories: tuple[str, ...]) -> tuple[npt.NDArray[np.int32], tuple[str, ...]]:
    """Return the place of each item's category among the sorted names, and those names; "" is a category too."""
    names = tuple(sorted(set(categories)))
    place = {name: number for number, name in enumerate(names)}
    return np.array([place[name] for name in categories], dtype=np.int32), names


def rating_feature(ratings: npt.NDArray[np.float32]) -> Scores:
    """Return ratings in standard deviations from their mean, at most 3 either way; 0 where unknown (rating 0)."""
    known = ratings > 0.0
    if not known.any():
        return np.zeros(len(ratings), dtype=np.float32)
    mean = float(ratings[known].mean(dtype=np.float64))
    spread = float(ratings[known].std(dtype=np.float64))
    scaled = np.where(known, (ratings - mean) / (spread if spread > 1e-6 else 1.0), 0.0)
    return np.clip(scaled, -LARGEST_RATING_FEATURE, LARGEST_RATING_FEATURE).astype(np.float32)
