"""Schemes, batches and states of learning policies for tests of pure functions."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from decisions.learning import LearnerKind, demand
from decisions.learning.batches import Batch
from decisions.learning.settings import read_settings
from decisions.learning.state import LearnerSnapshot, open_state, write_state
from decisions.learning.updating import Scheme
from models_registry.artifacts import digest, seal

KEY = b"signing key"
FEATURES = ("one", "x", "y")


def scheme(kind: LearnerKind, *, floor: float = 0.05, salt: str = "salt", **settings: Any) -> Scheme:
    """Return what never changes about a learning policy."""
    features = {LearnerKind.BETA: (), LearnerKind.DEMAND: demand.FEATURES}.get(kind, FEATURES)
    return Scheme(kind, read_settings(kind, settings, features), floor, salt, features)


def batch(
    rewards: Sequence[float],
    *,
    items: Sequence[str] | None = None,
    positions: Sequence[int] | None = None,
    features: Any = None,
    days: Sequence[float] | None = None,
) -> Batch:
    """Return a batch; all of one item at the first place unless told otherwise."""
    named = items or ["mug"] * len(rewards)
    item_ids = tuple(dict.fromkeys(named))
    return Batch(
        items=np.array([item_ids.index(item) for item in named], dtype=np.int32),
        positions=np.array(positions or [0] * len(rewards), dtype=np.int32),
        rewards=np.array(rewards, dtype=np.float64),
        features=None if features is None else np.array(features, dtype=np.float64),
        item_ids=item_ids,
        days=None if days is None else np.array(days, dtype=np.float64),
    )


def reopened(snapshot: LearnerSnapshot) -> LearnerSnapshot:
    """Return a state as the edge gets it."""
    content = write_state(snapshot)
    sha256 = digest(content)
    return open_state(content, sha256=sha256, seal=seal(sha256, KEY), key=KEY)
