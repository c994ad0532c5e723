"""Experiments between policies and versions: where each stands, what its variants do, what was seen last."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from decisions.models import VariantPolicy
from decisions.queries.points import PolicyFacts, experiments_at, policies_of
from decisions.queries.promotions import ProposalFacts, proposal_of
from experiments.analysis.reasons import Verdict
from experiments.queries.designs import variants_of
from experiments.queries.looks import latest_look
from experiments.queries.standing import LiveAllocation, Standing, live_allocation, standings


@dataclass(frozen=True, slots=True)
class Trial:
    """An experiment at a decision point; `names` are those of its variants, `policies` what they do, both by key.

    `allocation` is None before the launch, `verdict` before the first look, `proposal` where there is none.
    """

    standing: Standing
    names: Mapping[str, str]
    policies: Mapping[str, PolicyFacts]
    allocation: LiveAllocation | None
    verdict: Verdict | None
    proposal: ProposalFacts | None

    def pinning(self, version_id: int) -> tuple[str, ...]:
        """Return the names of the variants that pin a version."""
        return tuple(self.names[key] for key, fact in self.policies.items() if fact.version == version_id)


def trials_at(point_id: int) -> tuple[Trial, ...]:
    """Return the experiments at a decision point, newest first."""
    return _trials(experiments_at(point_id))


def trials_of_versions(version_ids: Iterable[int]) -> tuple[Trial, ...]:
    """Return the experiments that pin one of these versions, newest first."""
    rows = VariantPolicy.objects.filter(version_id__in=set(version_ids)).order_by("-experiment_id")
    return _trials(dict.fromkeys(rows.values_list("experiment_id", flat=True)))


def _trials(experiment_ids: Iterable[int]) -> tuple[Trial, ...]:
    return tuple(_trial(standing) for standing in standings(experiment_ids).values())


def _trial(standing: Standing) -> Trial:
    look = latest_look(standing.id)
    return Trial(
        standing=standing,
        names={variant.key: variant.name for variant in variants_of(standing.id)},
        policies=policies_of(standing.id),
        allocation=live_allocation(standing.id),
        verdict=look.verdict if look else None,
        proposal=proposal_of(standing.id),
    )
