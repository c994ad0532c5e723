"""What contextual learning policies read of each item they may show: few numbers, all of one size."""

from typing import Final

import numpy as np
import numpy.typing as npt

from decisions.moment import Catalogue, Moment
from decisions.policy import Indices, Scores

Floats = npt.NDArray[np.float64]

FEATURE_NAMES: Final = ("one", "score", "baseline", "same_category", "price", "known", "shown")
LARGEST: Final = 3.0
"""Scores and prices reach no further either way, so that a single strange item sways nothing."""

CATEGORY: Final = "category"
PRICE: Final = "price"


def action_features(moment: Moment, catalogue: Catalogue, candidates: Indices, scores: Scores | None) -> Floats:
    """Return candidates x FEATURE_NAMES; 0 stands for what is unknown.

    score: a model's, in standard deviations from its mean over the candidates. baseline: in the share of the largest.
    same_category: 1 where the item is of the category of what was dealt with last. price: the logarithm of the price
    over the mean price of the candidates of its category. known: 1 where the unit dealt with the item before. shown:
    ln(1 + times it was shown to the unit lately).
    """
    count = len(candidates)
    ids = [catalogue.items[place] for place in candidates.tolist()]
    history = set(moment.history)
    features = np.zeros((count, len(FEATURE_NAMES)))
    features[:, 0] = 1.0
    if count:
        features[:, 1] = _standardised(scores)
        features[:, 2] = _shares(catalogue.baseline[candidates])
        features[:, 3:5] = _by_category(moment, catalogue, candidates)
        features[:, 5] = [item in history for item in ids]
        features[:, 6] = np.log1p([moment.shown.get(item, 0) for item in ids])
    return features


def _standardised(scores: Scores | None) -> Floats | float:
    if scores is None:
        return 0.0
    wide = scores.astype(np.float64)
    spread = float(wide.std())
    if spread <= 1e-9 * (1.0 + float(np.abs(wide).max())):
        return 0.0
    found: Floats = np.clip((wide - wide.mean()) / spread, -LARGEST, LARGEST)
    return found


def _shares(values: Scores) -> Floats:
    positive = np.maximum(values.astype(np.float64), 0.0)
    largest = float(positive.max())
    return positive / largest if largest > 0.0 else positive


def _by_category(moment: Moment, catalogue: Catalogue, candidates: Indices) -> Floats:
    """Return candidates x (same category as the last item, price within the category)."""
    found = np.zeros((len(candidates), 2))
    column = catalogue.fields.get(CATEGORY)
    if not isinstance(column, tuple):
        return found
    categories = [column[place] for place in candidates.tolist()]
    last = next((catalogue.places[item] for item in moment.history if item in catalogue.places), None)
    if last is not None and column[last]:
        found[:, 0] = [category == column[last] for category in categories]
    prices = catalogue.fields.get(PRICE)
    if isinstance(prices, np.ndarray):
        found[:, 1] = _price_features(categories, prices[candidates])
    return found


def _price_features(categories: list[str], prices: Floats) -> Floats:
    _, place = np.unique(np.array(categories), return_inverse=True)
    known = np.isfinite(prices) & (prices > 0.0)
    sums = np.bincount(place, weights=np.where(known, prices, 0.0))
    means = sums / np.maximum(1, np.bincount(place, weights=known))
    with np.errstate(divide="ignore", invalid="ignore"):
        logs = np.log(prices / means[place])
    return np.where(known, np.clip(logs, -LARGEST, LARGEST), 0.0)
