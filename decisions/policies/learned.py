"""From the state of a learning policy to the policy that chooses by it."""

from collections.abc import Mapping
from typing import Protocol

import numpy as np

from decisions.learning.state import BetaSnapshot, DemandSnapshot, LearnerSnapshot
from decisions.policies.best_arm import BestArm
from decisions.policies.contextual import Contextual
from decisions.policies.price_thompson import PriceThompson
from decisions.policy import Policy
from foundation.errors import DomainError


class LearnerMismatch(DomainError):
    """The state has learnt from other features than the domain has now."""

    code = "LEARNER_MISMATCH"
    hint = "Create a learning policy anew: what it learnt is about features that are no longer made."


class Actions(Protocol):
    """The actions of a catalogue: `places` says where each of the `items` stands."""

    @property
    def items(self) -> tuple[str, ...]:
        """The ids."""

    @property
    def places(self) -> Mapping[str, int]:
        """Where each stands."""


def fit_learner(snapshot: LearnerSnapshot, catalogue: Actions, feature_names: tuple[str, ...]) -> Policy:
    """Return the policy of a learning policy's state beside a catalogue; call it once for both.

    Actions of the catalogue that the state does not know are as good as the prior says; those that the catalogue lacks
    are no candidates. Of a state of demand the catalogue has no part: its items are subjects. Raises LearnerMismatch.
    """
    if not isinstance(snapshot, BetaSnapshot):
        if snapshot.features != feature_names:
            raise LearnerMismatch(f"It knows weights of {', '.join(snapshot.features)}, not of what the domain makes.")
        if isinstance(snapshot, DemandSnapshot):
            return PriceThompson(snapshot, {item: place for place, item in enumerate(snapshot.items)})
        size = len(snapshot.features)
        return Contextual(snapshot.draws, snapshot.posterior.mean[:size], snapshot.floor)
    best = np.full(len(catalogue.items), snapshot.best_unseen)
    rates = np.full(len(catalogue.items), snapshot.unseen_rate, dtype=np.float32)
    known = [(catalogue.places.get(item, -1), place) for place, item in enumerate(snapshot.items)]
    there = np.array([pair for pair in known if pair[0] >= 0], dtype=np.int64).reshape(-1, 2)
    best[there[:, 0]] = snapshot.best[there[:, 1]]
    counts = snapshot.counts[there[:, 1]]
    rates[there[:, 0]] = counts[:, 0] / counts.sum(axis=1)
    best.flags.writeable = rates.flags.writeable = False
    return BestArm(best, rates, snapshot.floor)
