"""Learning policies: created with their prior, stopped and started. What they are never changes afterwards."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction

from decisions.actions.learner_states import PRIOR, Learnt, append_state
from decisions.domain import Domain, Interaction, PolicyKind
from decisions.learning import LearnerKind
from decisions.learning.settings import Target, read_settings
from decisions.learning.updating import prior_state
from decisions.models import DecisionPoint, Learner
from decisions.queries.learners import LearnerFacts, LearnerUnknown, learner_by_id
from decisions.queries.points import PointUnknown
from decisions.queries.rewards import question_rewards
from decisions.registry import domain_of
from foundation.actions.journal import write_journal
from foundation.errors import DomainError
from foundation.ids import SALT_BYTES, salt_from
from foundation.queries import project_facts

LEAST_HOLDBACK = 0.01
LARGEST_HOLDBACK = 0.9


class LearnerExists(DomainError):
    """The decision point has a learning policy with this key."""

    code = "LEARNER_EXISTS"
    hint = "Choose another key; keys are never reused at a decision point."


class LearnerInvalid(DomainError):
    """The parts of the learning policy do not fit together."""

    code = "LEARNER_INVALID"
    hint = "See what the domain of the decision point offers: rewards, features, and whether policies may learn there."


@dataclass(frozen=True, slots=True, kw_only=True)
class LearnerDraft:
    """A learning policy to create.

    floor: the share of its decisions that is spread evenly over all actions. holdback: the share of units that always
    get the baseline. settings: see decisions.learning.settings.
    """

    key: str
    name: str
    kind: LearnerKind
    reward: str
    floor: float = 0.05
    holdback: float = 0.05
    update_minutes: int = 1_440
    settings: Mapping[str, Any] = field(default_factory=dict)


def create_learner(*, point_id: int, draft: LearnerDraft, acting_user: str, now: datetime) -> int:
    """Create a learning policy in its state 0, the prior, and return its id; it learns from decisions made from now on.

    Raises PointUnknown, LearnerExists, LearnerInvalid, LearnerSettingsInvalid, RewardUnclear, ValidationError.
    """
    point = DecisionPoint.objects.filter(pk=point_id).first()
    if point is None:
        raise PointUnknown(f"There is no decision point {point_id}.")
    _check(draft, domain_of(point.domain))
    row = Learner(
        point=point,
        key=draft.key,
        name=draft.name,
        kind=draft.kind,
        reward=draft.reward,
        floor=draft.floor,
        holdback=draft.holdback,
        update_minutes=draft.update_minutes,
        settings=dict(draft.settings),
        salt=salt_from(secrets.token_bytes(SALT_BYTES)),
    )
    row.clean_fields()
    try:
        with transaction.atomic():
            row.save(force_insert=True)
            _begin(learner_by_id(int(row.pk)), acting_user, now)
    except IntegrityError as error:
        if "learner_key" in str(error):
            raise LearnerExists(f"The decision point {point.key} has a learning policy {draft.key} already.") from error
        raise
    return int(row.pk)


@transaction.atomic
def rename_learner(*, learner_id: int, name: str, acting_user: str, now: datetime) -> bool:
    """Give a learning policy a name; return whether it had another one. Raises LearnerUnknown, ValidationError."""
    row = Learner.objects.select_for_update(no_key=True).filter(pk=learner_id).first()
    if row is None:
        raise LearnerUnknown(f"There is no learning policy {learner_id}.")
    before = row.name
    if name == before:
        return False
    row.name = name
    row.clean_fields()
    row.save(update_fields=["name"])
    learner = learner_by_id(learner_id)
    at = project_facts(learner.project_id).clock.at(now)
    _note(learner, "learner.rename", acting_user, at, before={"name": before}, after={"name": name})
    return True


def stop_learning(*, learner_id: int, acting_user: str, now: datetime, reason: str) -> bool:
    """Let a learning policy go on with the state it is in; return whether it was learning. Raises LearnerUnknown."""
    return _switch(learner_id, "learner.stop", acting_user, now, reason)


def start_learning(*, learner_id: int, acting_user: str, now: datetime, reason: str) -> bool:
    """Let a learning policy learn again, also of what was decided meanwhile; return whether it did not.

    Raises LearnerUnknown.
    """
    return _switch(learner_id, "learner.start", acting_user, now, reason)


def _begin(learner: LearnerFacts, acting_user: str, now: datetime) -> None:
    at = project_facts(learner.project_id).clock.at(now)
    prior = Learnt(batch=PRIOR, rewards_from=None, rewards_until=at, rows=0, rewards_sha256="", figures={})
    append_state(learner, 0, prior_state(learner.scheme()), prior)
    after = {
        "kind": learner.kind.value,
        "reward": learner.reward.name,
        "floor": learner.floor,
        "holdback": learner.holdback,
        "settings": dict(learner.settings),
    }
    _note(learner, "learner.create", acting_user, at, after=after)


@transaction.atomic
def _switch(learner_id: int, action: str, acting_user: str, now: datetime, reason: str) -> bool:
    learning = action == "learner.start"
    if not Learner.objects.filter(pk=learner_id).exists():
        raise LearnerUnknown(f"There is no learning policy {learner_id}.")
    if not Learner.objects.filter(pk=learner_id, is_learning=not learning).update(is_learning=learning):
        return False
    learner = learner_by_id(learner_id)
    at = project_facts(learner.project_id).clock.at(now)
    _note(learner, action, acting_user, at, reason=reason)
    return True


def _check(draft: LearnerDraft, domain: Domain) -> None:
    """Raises LearnerInvalid, LearnerSettingsInvalid, RewardUnclear."""
    if PolicyKind.LEARNED not in domain.policies:
        raise LearnerInvalid(f"No policy may learn in the domain {domain.key}.")
    if not 0.0 < draft.floor <= 1.0:
        raise LearnerInvalid("The floor must be above 0 and at most 1: without one nothing new is ever tried.")
    if not LEAST_HOLDBACK <= draft.holdback <= LARGEST_HOLDBACK:
        raise LearnerInvalid(f"The holdback must be from {LEAST_HOLDBACK:g} to {LARGEST_HOLDBACK:g} of the units.")
    if draft.update_minutes < 1:
        raise LearnerInvalid("It must learn at most once a minute.")
    reward = next((reward for reward in domain.rewards if reward.name == draft.reward), None)
    if reward is None:
        names = ", ".join(reward.name for reward in domain.rewards)
        raise LearnerInvalid(f"The domain {domain.key} has no reward {draft.reward!r}; it has {names or 'none'}.")
    if draft.kind not in domain.learners:
        kinds = ", ".join(kind.value for kind in domain.learners)
        raise LearnerInvalid(
            f"In the domain {domain.key} a policy cannot learn by the kind {draft.kind.value}; {kinds}."
        )
    if draft.kind is not LearnerKind.DEMAND:
        question_rewards(reward, domain.rewards)
    features = domain.hooks.feature_names
    if draft.kind is not LearnerKind.BETA and (domain.hooks.action_features is None or not features):
        raise LearnerInvalid(f"The domain {domain.key} makes no features of actions; choose the kind beta.")
    settings = read_settings(draft.kind, draft.settings, features)
    if settings.target is Target.VALUE and reward.event != Interaction.ORDER:
        raise LearnerInvalid("Values are learnt of orders alone; choose a reward that is an order, or target reward.")


def _note(
    learner: LearnerFacts,
    action: str,
    acting_user: str,
    at: datetime,
    *,
    reason: str = "",
    before: Mapping[str, object] | None = None,
    after: Mapping[str, object] | None = None,
) -> None:
    write_journal(
        project_id=learner.project_id,
        at=at,
        actor=acting_user,
        action=action,
        subject=f"learner:{learner.point_key}/{learner.key}",
        reason=reason,
        before=before,
        after=after,
    )
