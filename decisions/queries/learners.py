"""Learning policies and their states, for the bundle, for updates and for people."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import QuerySet
from django.db.models.functions import Length

from decisions.domain import Domain, Reward
from decisions.learning import LearnerKind
from decisions.learning.arrays import LearnerStateDamaged
from decisions.learning.settings import read_settings
from decisions.learning.updating import Scheme
from decisions.models import Learner, LearnerState
from decisions.registry import domain_of
from foundation.errors import DomainError
from foundation.ids import sought


class LearnerUnknown(DomainError):
    """There is no such learning policy."""

    code = "LEARNER_UNKNOWN"
    hint = "Check the key; the admin lists the learning policies of each decision point."


class LearnerRewardGone(DomainError):
    """The domain does not declare the reward that the policy learns from any more."""

    code = "LEARNER_REWARD_GONE"
    hint = "Create a learning policy for one of the rewards that there are; the baseline serves in place of this one."


@dataclass(frozen=True, slots=True)
class LearnerFacts:
    """A learning policy. `domain` is that of its decision point; `reward` is one of the domain's."""

    id: int
    project_id: int
    point_id: int
    point_key: str
    domain: Domain
    key: str
    name: str
    kind: LearnerKind
    reward: Reward
    floor: float
    holdback: float
    update_minutes: int
    settings: Mapping[str, Any]
    salt: str
    is_learning: bool

    def scheme(self) -> Scheme:
        """Return what updates need to know. Raises LearnerSettingsInvalid."""
        features = () if self.kind is LearnerKind.BETA else self.domain.hooks.feature_names
        return Scheme(self.kind, read_settings(self.kind, self.settings, features), self.floor, self.salt, features)


@dataclass(frozen=True, slots=True)
class StateFacts:
    """A state of a learning policy; rewards_from is None for the prior. figures: what became of its batch."""

    number: int
    batch: str
    rewards_from: datetime | None
    rewards_until: datetime
    rows: int
    rewards_sha256: str
    sha256: str
    seal: str
    size: int
    figures: Mapping[str, Any]
    created_at: datetime


def learner_by_id(learner_id: int) -> LearnerFacts:
    """Return a learning policy. Raises LearnerUnknown."""
    row = Learner.objects.select_related("point").filter(pk=learner_id).first()
    if row is None:
        raise LearnerUnknown(f"There is no learning policy {learner_id}.")
    return learner_facts(row)


def learner_by_key(project_id: int, point_key: str, key: str) -> LearnerFacts:
    """Return a learning policy of a decision point. Raises LearnerUnknown."""
    found = Learner.objects.select_related("point").filter(
        point__project_id=project_id, point__key=sought(point_key), key=sought(key)
    )
    row = found.first()
    if row is None:
        raise LearnerUnknown(f"The decision point {point_key} has no learning policy {key}.")
    return learner_facts(row)


def learners_of(project_id: int, *, point_id: int | None = None) -> Sequence[LearnerFacts]:
    """Return the learning policies of a project, or of one of its decision points, newest first."""
    rows = Learner.objects.select_related("point").filter(point__project_id=project_id)
    return [learner_facts(row) for row in (rows if point_id is None else rows.filter(point_id=point_id))]


def states_of(learner_id: int, *, limit: int | None = None) -> Sequence[StateFacts]:
    """Return the states that a learning policy went through, the newest first."""
    rows = _states().filter(learner_id=learner_id).order_by("-number")
    return [_state(row) for row in (rows if limit is None else rows[:limit])]


def latest_state(learner_id: int) -> StateFacts:
    """Return the state that a learning policy is in. Raises LearnerStateDamaged where it has none."""
    found = states_of(learner_id, limit=1)
    if not found:
        raise LearnerStateDamaged(f"The learning policy {learner_id} has no state.")
    return found[0]


def state_by_number(learner_id: int, number: int) -> StateFacts:
    """Return a state of a learning policy. Raises LearnerStateDamaged where there is none."""
    row = _states().filter(learner_id=learner_id, number=number).first()
    if row is None:
        raise LearnerStateDamaged(f"The learning policy {learner_id} has no state {number}.")
    return _state(row)


def state_content(learner_id: int, number: int) -> bytes:
    """Return the bytes of a state, unverified. Raises LearnerStateDamaged where there is none."""
    rows = LearnerState.objects.filter(learner_id=learner_id, number=number)
    content = rows.values_list("content", flat=True).first()
    if content is None:
        raise LearnerStateDamaged(f"The learning policy {learner_id} has no state {number}.")
    return bytes(content)


def bundle_learners(learner_ids: Iterable[int]) -> list[dict[str, Any]]:
    """Return learning policies with the states that they are in, as bundles name them, in the order of their ids."""
    rows = Learner.objects.filter(pk__in=set(learner_ids)).order_by("pk")
    return [_entry(row, latest_state(int(row.pk))) for row in rows]


def learner_facts(row: Learner) -> LearnerFacts:
    """Return a row, selected with its point, as a record. Raises LearnerRewardGone."""
    domain = domain_of(row.point.domain)
    reward = next((reward for reward in domain.rewards if reward.name == row.reward), None)
    if reward is None:
        raise LearnerRewardGone(f"The domain {domain.key} has no reward {row.reward}.")
    return LearnerFacts(
        id=int(row.pk),
        project_id=row.point.project_id,
        point_id=row.point_id,
        point_key=row.point.key,
        domain=domain,
        key=row.key,
        name=row.name,
        kind=LearnerKind(row.kind),
        reward=reward,
        floor=row.floor,
        holdback=row.holdback,
        update_minutes=row.update_minutes,
        settings=row.settings,
        salt=row.salt,
        is_learning=row.is_learning,
    )


def _entry(row: Learner, state: StateFacts) -> dict[str, Any]:
    return {
        "id": int(row.pk),
        "key": row.key,
        "kind": row.kind,
        "number": state.number,
        "floor": row.floor,
        "holdback": row.holdback,
        "salt": row.salt,
        "sha256": state.sha256,
        "size": state.size,
        "seal": state.seal,
    }


def _states() -> QuerySet[LearnerState, Any]:
    """Return states with the size of their content in its place: there are many, and each may have megabytes."""
    return LearnerState.objects.defer("content").annotate(size=Length("content"))


def _state(row: Any) -> StateFacts:
    """Return a row of `_states` as a record."""
    assert row.rewards_until is not None
    return StateFacts(
        number=row.number,
        batch=row.batch,
        rewards_from=row.rewards_from,
        rewards_until=row.rewards_until,
        rows=row.rows,
        rewards_sha256=row.rewards_sha256,
        sha256=row.sha256,
        seal=row.seal,
        size=row.size,
        figures=row.figures,
        created_at=row.created_at,
    )
