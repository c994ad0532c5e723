"""Promotion: a proposal from a verdict, a person's approval, and the way back, each in one transaction.

Concurrent calls wait for the proposal's row; of two approvals one promotes and the other is told so.
"""

from datetime import datetime

from django.db import transaction

from decisions.models import PromotionProposal
from decisions.promotion import Arm, Hold, HoldReason, Promote, ProposalState, ProposalStep, after, weigh
from decisions.queries.log import published_version
from decisions.queries.points import PointFacts, PolicyFacts, point_by_id, point_of_experiment, policies_of
from decisions.queries.promotions import ProposalUnknown
from experiments.actions.lifecycle import SYSTEM, conclude, stop
from experiments.queries.looks import Look, look_by_id
from experiments.queries.standing import standing_of
from experiments.vocabulary import Status
from foundation.actions.jobs import enqueue
from foundation.actions.journal import write_journal
from foundation.errors import DomainError
from foundation.queries import project_facts
from models_registry.actions.aliases import (
    ReasonMissing,
    Scope,
    hold_alias,
    move_alias,
    take_back,
    widen_alias,
)
from models_registry.queries.aliases import holder_of
from models_registry.queries.schedules import newest_passed
from models_registry.queries.versions import version_by_id, versions_by_id
from models_registry.vocabulary import AliasName

PROPOSE = "propose"
"""The kind of the job that makes a proposal of a verdict."""


class NothingServes(DomainError):
    """The decision point has no model whose champion could be widened."""

    code = "NO_CHAMPION"
    hint = "Promote a version first."


def promise_proposal(*, project_id: int, scorecard_id: int) -> bool:
    """Promise to weigh a verdict, in the transaction that reached it."""
    return enqueue(
        kind=PROPOSE,
        key=f"{PROPOSE}:{scorecard_id}",
        project_id=project_id,
        payload={"scorecard_id": scorecard_id},
    )


@transaction.atomic
def propose(*, scorecard_id: int, now: datetime) -> int | HoldReason | None:
    """Propose what a verdict and the offline gate allow: the proposal's id, or why there is none.

    None for an experiment without a decision point. An experiment that has a proposal keeps that one.
    """
    look = look_by_id(scorecard_id)
    point = point_of_experiment(look.experiment_id)
    if point is None:
        return None
    known = PromotionProposal.objects.filter(experiment_id=look.experiment_id).first()
    if known is not None:
        return int(known.pk)
    weighed = weigh_look(look, point)
    if isinstance(weighed, Hold):
        return weighed.reason
    standing = standing_of(look.experiment_id)
    proposal, is_new = PromotionProposal.objects.get_or_create(
        experiment_id=look.experiment_id,
        defaults={
            "point_id": point.id,
            "scorecard_id": scorecard_id,
            "winner": weighed.winner,
            "challenger_id": weighed.challenger,
            "control_id": weighed.control,
            "audience": standing.audience,
            "unit_kind": standing.unit_kind.value,
            "bundle_version": published_version(point.project_id),
            "reasons": look.verdict.to_dict()["reasons"],
        },
    )
    if is_new:
        version = version_by_id(weighed.challenger)
        _note(proposal, point, "promotion.propose", SYSTEM, now, {"winner": weighed.winner, "version": version.number})
    return int(proposal.pk)


def weigh_look(look: Look, point: PointFacts) -> Promote | Hold:
    """Return what the verdict of a look allows at its decision point now."""
    policies = policies_of(look.experiment_id)
    arms = {key: Arm(fact.policy, _version_of(fact)) for key, fact in policies.items()}
    versions = versions_by_id(arm.version for arm in arms.values() if arm.version is not None)
    return weigh(
        state=look.verdict.state,
        winner=look.verdict.winner,
        arms=arms,
        control=next(key for key, fact in policies.items() if fact.control),
        gate_passed={version: facts.gate_passed for version, facts in versions.items()},
        champion=_champion(point),
    )


@transaction.atomic
def approve(*, proposal_id: int, acting_user: str, now: datetime, reason: str) -> ProposalState:
    """Make the challenger the champion for the tested audience and conclude its experiment; return the new state.

    STALE, with nothing else changed, where the control of the test no longer is what serves at the point. Raises
    StepIllegal where somebody has decided already, ReasonMissing, ProposalUnknown.
    """
    model_id = _hold_champion(proposal_id)
    proposal = _locked(proposal_id)
    after(ProposalState(proposal.state), ProposalStep.APPROVE)
    if not reason.strip():
        raise ReasonMissing("A promotion is approved for a reason.")
    point = point_by_id(proposal.point_id)
    if point.model_id != model_id or _champion(point) != proposal.control_id:
        _expire(proposal, point, now)
        return ProposalState.STALE
    _conclude(proposal, acting_user, now, reason)
    move = move_alias(
        version_id=proposal.challenger_id,
        name=AliasName.CHAMPION,
        scope=Scope(proposal.audience, proposal.unit_kind),
        acting_user=acting_user,
        now=now,
        reason=reason,
    )
    _decide(proposal, ProposalStep.APPROVE, acting_user, now, reason, promotion_id=move)
    _note(proposal, point, "promotion.approve", acting_user, now, {"move": move}, reason)
    for other in PromotionProposal.objects.select_for_update(of=("self",)).filter(
        point__model_id=point.model_id, state=ProposalState.OPEN
    ):
        if _champion(point) != other.control_id:
            _expire(other, point_by_id(other.point_id), now)
    return ProposalState.PROMOTED


@transaction.atomic
def reject(*, proposal_id: int, acting_user: str, now: datetime, reason: str) -> None:
    """Turn a proposal down; the champion stays. Raises StepIllegal, ReasonMissing, ProposalUnknown."""
    proposal = _locked(proposal_id)
    after(ProposalState(proposal.state), ProposalStep.REJECT)
    if not reason.strip():
        raise ReasonMissing("A proposal is rejected for a reason.")
    _decide(proposal, ProposalStep.REJECT, acting_user, now, reason)
    _note(proposal, point_by_id(proposal.point_id), "promotion.reject", acting_user, now, {}, reason)


@transaction.atomic
def roll_back(*, proposal_id: int, acting_user: str, now: datetime, reason: str) -> None:
    """Restore exactly what served before a promotion.

    Raises StepIllegal where it was never promoted or is rolled back already, MoveNotLatest where the champion has
    moved again since, ReasonMissing, ProposalUnknown.
    """
    _hold_champion(proposal_id)
    proposal = _locked(proposal_id)
    after(ProposalState(proposal.state), ProposalStep.ROLL_BACK)
    move = take_back(move_id=int(proposal.promotion_id or 0), acting_user=acting_user, now=now, reason=reason)
    _decide(proposal, ProposalStep.ROLL_BACK, acting_user, now, reason, rollback_id=move)
    _note(proposal, point_by_id(proposal.point_id), "promotion.roll_back", acting_user, now, {"move": move}, reason)


@transaction.atomic
def widen(*, point_id: int, acting_user: str, now: datetime, reason: str) -> int:
    """Let the champion serve beyond the audience it was tested on; return the move's id.

    Raises PointUnknown, NothingServes, ReasonMissing.
    """
    point = point_by_id(point_id)
    if point.model_id is None or _champion(point) is None:
        raise NothingServes("Nothing serves here but the baseline.")
    return widen_alias(
        model_id=point.model_id, name=AliasName.CHAMPION, acting_user=acting_user, now=now, reason=reason
    )


def _version_of(fact: PolicyFacts) -> int | None:
    """Return the version that a variant pins; of a recipe, the newest that it made."""
    if fact.schedule is None:
        return fact.version
    newest = newest_passed(fact.schedule)
    return None if newest is None else newest.id


def _champion(point: PointFacts) -> int | None:
    return None if point.model_id is None else holder_of(point.model_id, AliasName.CHAMPION)


def _hold_champion(proposal_id: int) -> int:
    """Keep the champion of a proposal's model from moving and return the model's id.

    Alias, proposal, experiment, project: every action takes these locks in this order, so that none waits in a circle.
    """
    proposal = PromotionProposal.objects.filter(pk=proposal_id).first()
    if proposal is None:
        raise ProposalUnknown(f"There is no proposal {proposal_id}.")
    model_id = version_by_id(proposal.challenger_id).model.id
    hold_alias(model_id=model_id, name=AliasName.CHAMPION)
    return model_id


def _locked(proposal_id: int) -> PromotionProposal:
    proposal = PromotionProposal.objects.select_for_update(of=("self",)).filter(pk=proposal_id).first()
    if proposal is None:
        raise ProposalUnknown(f"There is no proposal {proposal_id}.")
    return proposal


def _expire(proposal: PromotionProposal, point: PointFacts, now: datetime) -> None:
    PromotionProposal.objects.filter(pk=proposal.pk).update(state=after(ProposalState.OPEN, ProposalStep.EXPIRE))
    _note(proposal, point, "promotion.expire", SYSTEM, now, {"champion": _champion(point)})


def _decide(
    proposal: PromotionProposal, step: ProposalStep, acting_user: str, now: datetime, reason: str, **moves: int
) -> None:
    PromotionProposal.objects.filter(pk=proposal.pk, state=proposal.state).update(
        state=after(ProposalState(proposal.state), step),
        decided_at=now,
        decided_by=acting_user,
        decision_reason=reason,
        **moves,
    )


def _conclude(proposal: PromotionProposal, acting_user: str, now: datetime, reason: str) -> None:
    status = standing_of(proposal.experiment_id).status
    if status in (Status.RUNNING, Status.PAUSED):
        stop(experiment_id=proposal.experiment_id, acting_user=acting_user, now=now, reason=reason)
        status = Status.STOPPED
    if status is Status.STOPPED:
        conclude(
            experiment_id=proposal.experiment_id,
            acting_user=acting_user,
            now=now,
            conclusion="WON",
            note=reason,
            reason=reason,
        )


def _note(
    proposal: PromotionProposal,
    point: PointFacts,
    action: str,
    actor: str,
    now: datetime,
    after: dict[str, object],
    reason: str = "",
) -> None:
    write_journal(
        project_id=point.project_id,
        at=project_facts(point.project_id).clock.at(now),
        actor=actor,
        action=action,
        subject=f"decision_point:{point.key}",
        reason=reason,
        after={"proposal": int(proposal.pk), "experiment": proposal.experiment_id, **after},
    )
