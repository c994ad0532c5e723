"""Replaying a learning policy: every state is computed again from the one before and the log, and compared."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date
from enum import StrEnum

from django.db import transaction

from decisions.actions.learner_states import verified_state
from decisions.actions.learning import learnt_from
from decisions.learning.arrays import LearnerStateRefused
from decisions.learning.state import LearnerSnapshot, write_state
from decisions.learning.updating import prior_state
from decisions.queries.learners import LearnerFacts, StateFacts, learner_by_key, states_of
from foundation.queries import erased_before, project_by_key
from models_registry.artifacts import digest


class Outcome(StrEnum):
    """What became of computing a state again."""

    SAME = "SAME"
    DIFFERENT = "DIFFERENT"
    DAMAGED = "DAMAGED"
    """What is stored is not what its digest and seal are of."""
    LOG_GONE = "LOG_GONE"
    """Days of its decisions have been dropped from the log, so that it is taken as it is."""


@dataclass(frozen=True, slots=True)
class ReplayedState:
    """A state that was computed again; `found` is the digest of what came out, "" where nothing could."""

    number: int
    outcome: Outcome
    stored: str
    found: str


def replay_learner(*, project_key: str, point_key: str, key: str) -> Iterator[ReplayedState]:
    """Yield every state of a learning policy as the log gives it, in their order; nothing is changed.

    Each follows from what came out before it, so that they are all the same only where the whole history is. After one
    that differs, or that the log cannot tell any more, it goes on from what is stored.

    Raises ProjectUnknown, LearnerUnknown.
    """
    project = project_by_key(project_key)
    learner = learner_by_key(project.id, point_key, key)
    first_day = erased_before(project.id)
    state: LearnerSnapshot | None = None
    for stored in reversed(states_of(learner.id)):
        try:
            kept = verified_state(learner, stored)
        except LearnerStateRefused:
            yield ReplayedState(stored.number, Outcome.DAMAGED, stored.sha256, "")
            state = None
            continue
        if _is_gone(stored, first_day) or (state is None and stored.number > 0):
            yield ReplayedState(stored.number, Outcome.LOG_GONE, stored.sha256, "")
            state = kept
            continue
        state = _again(learner, stored, state)
        found = digest(write_state(state))
        outcome = Outcome.SAME if found == stored.sha256 else Outcome.DIFFERENT
        yield ReplayedState(stored.number, outcome, stored.sha256, found)
        state = state if outcome is Outcome.SAME else kept


def _is_gone(stored: StateFacts, first_day: date | None) -> bool:
    if first_day is None or stored.rewards_from is None:
        return False
    return stored.rewards_from.astimezone(UTC).date() <= first_day


def _again(learner: LearnerFacts, stored: StateFacts, before: LearnerSnapshot | None) -> LearnerSnapshot:
    if before is None or stored.rewards_from is None:
        return prior_state(learner.scheme())
    with transaction.atomic():
        state, _learnt = learnt_from(
            learner, before, since=stored.rewards_from, until=stored.rewards_until, figures=stored.figures
        )
    return state
