"""A batch of rewards as it is folded in: one row for each action that a learning policy chose and somebody saw."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from decisions.learning.beta import Floats
from decisions.learning.demand import are_usable
from decisions.learning.settings import LearnerSettings, Target

LARGEST_FEATURE: Final = 1e6
LARGEST_VALUE: Final = 1e9


class Ignored(StrEnum):
    """Why a row does not count."""

    REWARD_NOT_FINITE = "REWARD_NOT_FINITE"
    REWARD_OUT_OF_RANGE = "REWARD_OUT_OF_RANGE"
    FEATURES_UNUSABLE = "FEATURES_UNUSABLE"
    BEYOND_POSITIONS = "BEYOND_POSITIONS"


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """Columns of equal length, in the order of the log.

    items: places in `item_ids`, int32. positions: in the slate, from 0, int32. rewards: 1 or 0, or currency units for
    policies that learn values, pieces for those that learn demand; NaN where the log holds none that could be.
    features: rows x features of the chosen actions as they were when they were chosen, NaN where the log has none; None
    for policies that read none. days: how long each price held; None for policies that choose no prices.
    """

    items: npt.NDArray[np.int32]
    positions: npt.NDArray[np.int32]
    rewards: Floats
    features: Floats | None
    item_ids: tuple[str, ...]
    days: Floats | None = None

    def __len__(self) -> int:
        return len(self.rewards)


@dataclass(frozen=True, slots=True)
class Folded:
    """What became of a batch's rows; `rewarded` of those folded in have a reward above 0."""

    rows: int
    rewarded: int
    ignored: Mapping[str, int]


def digest_of(batch: Batch) -> str:
    """Return the SHA-256 of a batch: of its columns as little-endian numbers, and of its ids as JSON."""
    hashed = hashlib.sha256()
    columns: dict[str, tuple[npt.NDArray[Any], str]] = {
        "items": (batch.items, "<i4"),
        "positions": (batch.positions, "<i4"),
        "rewards": (batch.rewards, "<f8"),
    }
    if batch.features is not None:
        columns["features"] = (batch.features, "<f8")
    if batch.days is not None:
        columns["days"] = (batch.days, "<f8")
    for name, (column, dtype) in columns.items():
        hashed.update(f"{name}:{column.shape}:".encode())
        hashed.update(np.ascontiguousarray(column, dtype=dtype).tobytes())
    hashed.update(json.dumps(batch.item_ids, separators=(",", ":")).encode())
    return hashed.hexdigest()


def usable(batch: Batch, settings: LearnerSettings) -> tuple[Batch, Folded]:
    """Return the rows that can be learnt from, and how many others there are by the first reason against each."""
    left = np.ones(len(batch), dtype=np.bool_)
    most = 1.0 if settings.target is Target.REWARD else LARGEST_VALUE
    faults: dict[Ignored, npt.NDArray[np.bool_]] = {
        Ignored.BEYOND_POSITIONS: batch.positions >= settings.positions,
        Ignored.REWARD_NOT_FINITE: ~np.isfinite(batch.rewards),
        Ignored.REWARD_OUT_OF_RANGE: ~((batch.rewards >= 0.0) & (batch.rewards <= most)),
    }
    if batch.features is not None:
        sound = (np.abs(batch.features) <= LARGEST_FEATURE).all(axis=1)
        if batch.days is not None:
            sound &= are_usable(batch.features, batch.days)
        faults[Ignored.FEATURES_UNUSABLE] = np.asarray(~sound)
    ignored = {}
    for reason, faulty in faults.items():
        ignored[reason.value] = int(np.count_nonzero(left & faulty))
        left &= ~faulty
    kept = Batch(
        items=batch.items[left],
        positions=batch.positions[left],
        rewards=batch.rewards[left],
        features=None if batch.features is None else batch.features[left],
        item_ids=batch.item_ids,
        days=None if batch.days is None else batch.days[left],
    )
    counts = {reason: count for reason, count in ignored.items() if count}
    return kept, Folded(len(kept), int(np.count_nonzero(kept.rewards > 0.0)), counts)
