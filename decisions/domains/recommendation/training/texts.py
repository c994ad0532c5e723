"""Item text as few numbers: hashed features, weighted by rarity and projected on their strongest directions (LSA)."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.sparse import csr_array

from decisions.domain import InteractionLog
from decisions.domains.recommendation.text import TEXT_BUCKETS, text_numbers
from decisions.policy import Indices, Scores

_SPARE: Final = 10
"""Directions that are followed beside those asked for, so that those asked for are exact enough."""
_ROUNDS: Final = 4


@dataclass(frozen=True, slots=True, eq=False)
class TextSpace:
    """Item texts as vectors: that of an item is the sum of its features' rows of `table` by the root of their number.

    items: items x width. table: TEXT_BUCKETS x width; features that no item of the training had are zeros. So texts of
    items that come later have vectors too, without training again.
    """

    items: Scores
    table: Scores


def text_space(log: InteractionLog, *, width: int, rng: np.random.Generator) -> TextSpace:
    """Return titles and categories of a log's items as vectors of at most `width` numbers, of length 1 on average."""
    bag = bag_of(text_numbers(log.titles or ("",) * len(log.item_ids), log.categories))
    frequency = np.bincount(bag.indices, minlength=TEXT_BUCKETS)
    rarity = np.where(frequency > 0, np.log1p(len(log.item_ids) / np.maximum(frequency, 1)), 0.0)
    weighted = csr_array(bag.multiply(rarity))
    directions = _strongest(weighted, width, rng)
    items = weighted @ directions
    length = float(np.sqrt((items**2).sum(axis=1)).mean())
    scale = 1.0 / length if length > 0.0 else 0.0
    return TextSpace((items * scale).astype(np.float32), (directions * rarity[:, None] * scale).astype(np.float32))


def bag_of(numbers: Indices) -> csr_array:
    """Return items x TEXT_BUCKETS: 1 / sqrt(n) at each of an item's n features."""
    known = numbers >= 0
    counts = known.sum(axis=1)
    values = np.repeat(1.0 / np.sqrt(np.maximum(counts, 1)), counts)
    starts = np.concatenate(([0], np.cumsum(counts)))
    bag = csr_array((values, numbers[known], starts), shape=(len(numbers), TEXT_BUCKETS))
    bag.sort_indices()
    return bag


def _strongest(matrix: csr_array, count: int, rng: np.random.Generator) -> Scores:
    """Return the strongest right singular directions of a matrix, columns x at most count (Halko et al. 2011)."""
    used = np.unique(matrix.indices)
    count = max(1, min(count, matrix.shape[0], len(used)))
    directions = np.zeros((matrix.shape[1], count))
    if not len(used):
        return directions
    part = csr_array(matrix[:, used])
    width = min(count + _SPARE, *part.shape)
    basis = np.linalg.qr(part @ rng.standard_normal((part.shape[1], width)))[0]
    for _ in range(_ROUNDS):
        basis = np.linalg.qr(part @ np.linalg.qr(part.T @ basis)[0])[0]
    directions[used] = np.linalg.svd((part.T @ basis).T, full_matrices=False)[2][:count].T
    return directions
