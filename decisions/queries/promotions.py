"""Promotion proposals."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from decisions.models import PromotionProposal
from decisions.promotion import ProposalState
from foundation.errors import DomainError


class ProposalUnknown(DomainError):
    """There is no such proposal."""

    code = "PROPOSAL_UNKNOWN"
    hint = "Check the number; the inbox lists the proposals."


@dataclass(frozen=True, slots=True)
class ProposalFacts:
    """A proposal: which version should replace which (None is the baseline), on what evidence, and its fate."""

    id: int
    project_id: int
    experiment_id: int
    experiment_key: str
    experiment_name: str
    point_id: int
    scorecard_id: int
    look: int
    winner: str
    challenger: int
    control: int | None
    audience: Mapping[str, Any] | None
    unit_kind: str
    bundle_version: int | None
    reasons: Sequence[Mapping[str, Any]]
    state: ProposalState
    created_at: datetime
    decided_at: datetime | None
    decided_by: str
    decision_reason: str
    promotion: int | None
    rollback: int | None


def proposals(
    *, state: ProposalState | None = None, point_id: int | None = None, limit: int = 200
) -> Sequence[ProposalFacts]:
    """Return proposals, newest first, of one state or decision point or of all."""
    rows = PromotionProposal.objects.select_related("experiment", "scorecard", "point").order_by("-pk")
    if state is not None:
        rows = rows.filter(state=state)
    if point_id is not None:
        rows = rows.filter(point_id=point_id)
    return [_facts(row) for row in rows[:limit]]


def proposal_by_id(proposal_id: int) -> ProposalFacts:
    """Return a proposal. Raises ProposalUnknown."""
    row = PromotionProposal.objects.select_related("experiment", "scorecard", "point").filter(pk=proposal_id).first()
    if row is None:
        raise ProposalUnknown(f"There is no proposal {proposal_id}.")
    return _facts(row)


def proposal_of(experiment_id: int) -> ProposalFacts | None:
    """Return the proposal that an experiment led to, if it did."""
    row = (
        PromotionProposal.objects.select_related("experiment", "scorecard", "point")
        .filter(experiment_id=experiment_id)
        .first()
    )
    return _facts(row) if row else None


def _facts(row: PromotionProposal) -> ProposalFacts:
    return ProposalFacts(
        id=int(row.pk),
        project_id=row.point.project_id,
        experiment_id=row.experiment_id,
        experiment_key=row.experiment.key,
        experiment_name=row.experiment.name,
        point_id=row.point_id,
        scorecard_id=row.scorecard_id,
        look=row.scorecard.look,
        winner=row.winner,
        challenger=row.challenger_id,
        control=row.control_id,
        audience=row.audience,
        unit_kind=row.unit_kind,
        bundle_version=row.bundle_version,
        reasons=row.reasons,
        state=ProposalState(row.state),
        created_at=row.created_at,
        decided_at=row.decided_at,
        decided_by=row.decided_by,
        decision_reason=row.decision_reason,
        promotion=row.promotion_id,
        rollback=row.rollback_id,
    )
