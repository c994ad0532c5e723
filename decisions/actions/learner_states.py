"""Appending states of learning policies: sealed, numbered without gaps, published in the transaction that appends."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from decisions.actions.chunks import publish_chunks
from decisions.learning.state import LearnerSnapshot, open_state, write_state
from decisions.models import LearnerState
from decisions.queries.learners import LearnerFacts, StateFacts, state_content
from foundation.queries import project_facts
from models_registry.artifacts import digest, seal

PRIOR = "prior"
"""The batch of state 0: nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Learnt:
    """What a state came of. rewards_from is None for the prior; the other times are project time."""

    batch: str
    rewards_from: datetime | None
    rewards_until: datetime
    rows: int
    rewards_sha256: str
    figures: Mapping[str, Any]


def append_state(learner: LearnerFacts, number: int, snapshot: LearnerSnapshot, learnt: Learnt) -> str:
    """Append a state and let bundles name it; return its SHA-256. Must run in the transaction of the update.

    A number or batch that the policy has already is an IntegrityError. States are kept for good: decisions name the one
    that they were drawn with.
    """
    content = write_state(snapshot)
    sha256 = digest(content)
    LearnerState.objects.create(
        learner_id=learner.id,
        number=number,
        batch=learnt.batch,
        rewards_from=learnt.rewards_from,
        rewards_until=learnt.rewards_until,
        rows=learnt.rows,
        rewards_sha256=learnt.rewards_sha256,
        sha256=sha256,
        seal=seal(sha256, project_facts(learner.project_id).signing_key),
        content=content,
        figures=dict(learnt.figures),
    )
    publish_chunks(sha256, content)
    return sha256


def verified_state(learner: LearnerFacts, state: StateFacts) -> LearnerSnapshot:
    """Return a stored state, after digest and seal have been checked.

    Raises:
        LearnerStateDamaged, LearnerStateForged, LearnerStateMalformed.
    """
    content = state_content(learner.id, state.number)
    key = project_facts(learner.project_id).signing_key
    return open_state(content, sha256=state.sha256, seal=state.seal, key=key)
