"""Next-item samples: what somebody had dealt with, and the item new to them that they dealt with next."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from decisions.domains.recommendation.training.dataset import RecommendationData, by_unit
from models_registry.pipeline import TrainingDataInsufficient
from models_registry.predictors.history import LONGEST_HISTORY, recency_weights

NO_SAMPLE: Final = -1


@dataclass(frozen=True, slots=True, eq=False)
class Samples:
    """Rows of equal number.

    histories: LONGEST_HISTORY places each, the most recent first, filled up with 0. lengths: how many of them count.
    targets: places. importance: the intent of the strongest contact with the target before the split, mean 1.
    """

    histories: npt.NDArray[np.int32]
    lengths: npt.NDArray[np.int32]
    targets: npt.NDArray[np.int32]
    importance: npt.NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.targets)


def next_items(data: RecommendationData, *, most: int, seed: int) -> Samples:
    """Return a sample for every first contact of a unit with an item before the split, at most the latest `most`.

    A unit's first contact has an empty history: so networks learn what to show to somebody unknown. Histories are
    those that serving would have seen at that moment. What a unit did at one moment, such as the lines of an order,
    has no order, so one is drawn: else networks would learn that of the log, which is by item.

    Raises:
        TrainingDataInsufficient: no unit dealt with two items.
    """
    log, rows = data.log, data.train_rows
    order = np.lexsort((np.random.default_rng(seed).random(rows), log.at[:rows]))
    units, items = log.units[order], log.items[order]
    _, first = np.unique(units.astype(np.int64) * len(log.item_ids) + items, return_index=True)
    latest = np.argsort(first)[-most:]  # places among the contacts, which are in the order of the pairs too
    number = np.full(rows, NO_SAMPLE)
    number[first[latest]] = np.arange(len(latest))
    histories = np.zeros((len(latest), LONGEST_HISTORY), dtype=np.int32)
    lengths = np.zeros(len(latest), dtype=np.int32)
    for unit_rows in by_unit(units):
        for sample, history in _histories(items[unit_rows].tolist(), number[unit_rows].tolist()):
            histories[sample, : len(history)] = history
            lengths[sample] = len(history)
    if not lengths.any():
        raise TrainingDataInsufficient("Nobody dealt with two different items before the split.")
    importance = data.contacts.data[latest]
    return Samples(histories, lengths, items[first[latest]], importance / importance.mean())


def weights_table(half_life: float) -> npt.NDArray[np.float32]:
    """Return the recency weights of every length of history, one row each, filled up with 0."""
    table = np.zeros((LONGEST_HISTORY + 1, LONGEST_HISTORY), dtype=np.float32)
    for length in range(1, LONGEST_HISTORY + 1):
        table[length, :length] = recency_weights(length, half_life)
    return table


def _histories(places: list[int], samples: list[int]) -> Iterator[tuple[int, list[int]]]:
    """Yield for each row of a unit that is a sample the history before it, as `history_of` would make it."""
    recent: dict[int, None] = {}
    for item, sample in zip(places, samples, strict=True):
        if sample != NO_SAMPLE:
            yield sample, list(reversed(recent))
        recent.pop(item, None)
        recent[item] = None
        if len(recent) > LONGEST_HISTORY:
            del recent[next(iter(recent))]
