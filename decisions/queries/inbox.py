"""The promotion inbox: proposals with the versions they are about and the evidence that open ones rest on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from decisions.promotion import ProposalState
from decisions.queries.points import PointFacts, point_by_id
from decisions.queries.promotions import ProposalFacts, proposals
from experiments.analysis.reasons import Verdict
from experiments.queries.looks import look_by_id
from experiments.queries.readouts import Readout, readout
from foundation.queries import ProjectFacts, all_projects, project_facts
from models_registry.queries.aliases import Holder, holders_of, latest_move
from models_registry.queries.versions import VersionFacts, versions_by_id
from models_registry.vocabulary import AliasName

MOST_DECIDED: Final = 50


@dataclass(frozen=True, slots=True)
class ProposalRecord:
    """A proposal beside what serves now: `champions` first claim first, `versions` by id.

    `evidence` is the experiment's readout and `verdict` that of the look it cites, read for open proposals alone.
    `is_latest` tells whether the move of its promotion is the newest of the alias, so that it can be taken back.
    """

    project: ProjectFacts
    point: PointFacts
    proposal: ProposalFacts
    champions: tuple[Holder, ...]
    versions: Mapping[int, VersionFacts]
    evidence: Readout | None
    verdict: Verdict | None
    is_latest: bool

    @property
    def champion(self) -> int | None:
        """The version with the first claim to serve, None for the baseline."""
        return self.champions[0].version if self.champions else None

    @property
    def is_outdated(self) -> bool:
        """Whether an approval would find that the control of the test is no longer the champion."""
        return self.proposal.state is ProposalState.OPEN and self.champion != self.proposal.control


def inbox() -> tuple[ProposalRecord, ...]:
    """Return every open proposal, then those decided last, each newest first."""
    waiting = proposals(state=ProposalState.OPEN)
    decided = [proposal for proposal in proposals() if proposal.state is not ProposalState.OPEN]
    projects = {project.id: project for project in all_projects()}
    shown = [*waiting, *decided[:MOST_DECIDED]]
    return tuple(_record(proposal, projects[proposal.project_id]) for proposal in shown)


def proposal_record(proposal: ProposalFacts) -> ProposalRecord:
    """Return a proposal beside what serves now."""
    return _record(proposal, project_facts(proposal.project_id))


def _record(proposal: ProposalFacts, project: ProjectFacts) -> ProposalRecord:
    point = point_by_id(proposal.point_id)
    champions = () if point.model_id is None else holders_of(point.model_id, AliasName.CHAMPION)
    newest = None if point.model_id is None else latest_move(point.model_id, AliasName.CHAMPION)
    is_open = proposal.state is ProposalState.OPEN
    return ProposalRecord(
        project=project,
        point=point,
        proposal=proposal,
        champions=champions,
        versions=versions_by_id(_named(proposal, champions)),
        evidence=readout(key=proposal.experiment_key, project_key=project.key) if is_open else None,
        verdict=look_by_id(proposal.scorecard_id).verdict if is_open else None,
        is_latest=newest is not None and newest.id == proposal.promotion,
    )


def _named(proposal: ProposalFacts, champions: Sequence[Holder]) -> list[int]:
    found = [proposal.challenger, *(holder.version for holder in champions)]
    return found if proposal.control is None else [*found, proposal.control]
