"""Rebuilding a project's evidence from its event log, and proving that nothing differs."""

from collections.abc import Iterator
from dataclasses import dataclass

from django.db import transaction

from decisions.actions.projection import Projected, rebuild
from experiments.actions.analysis import differing_looks
from experiments.queries.evidence import EvidenceFacts, evidence_facts, observed_keys
from foundation.queries import project_by_key


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """What a rebuild found: evidence before and after, and the looks whose scorecards came out differently."""

    before: EvidenceFacts
    after: EvidenceFacts
    projected: Projected
    differing: dict[str, list[int]]
    experiments: int

    @property
    def identical(self) -> bool:
        return self.before == self.after and not any(self.differing.values())

    def lines(self) -> Iterator[str]:
        """Yield a report for people, a line for each kind of evidence."""
        pairs = (
            ("exposures", self.before.exposures, self.after.exposures, self._same("exposures_digest")),
            ("outcomes", self.before.outcomes, self.after.outcomes, self._same("outcomes_digest")),
            ("quarantined", self.before.quarantined, self.after.quarantined, self._same("quarantine_digest")),
            ("identity links", self.before.links, self.after.links, self._same("links_digest")),
        )
        yield f"{self.projected.messages} messages projected again"
        for name, old, new, same in pairs:
            yield f"{name}: {old} before, {new} after, {'identical' if same else 'DIFFERENT'}"
        for key, looks in self.differing.items():
            yield f"scorecards of {key}: {'identical' if not looks else f'DIFFERENT at looks {looks}'}"

    def _same(self, digest: str) -> bool:
        return bool(getattr(self.before, digest) == getattr(self.after, digest))


@transaction.atomic
def rebuild_project(*, project_key: str) -> Rebuilt:
    """Project the whole log again in one transaction and derive every stored scorecard again. Raises ProjectUnknown.

    The stored scorecards are compared and never replaced: they are the record of what was seen.
    """
    project_id = project_by_key(project_key).id
    before = evidence_facts(project_id)
    projected = rebuild(project_id=project_id)
    after = evidence_facts(project_id)
    observed = observed_keys(project_id)
    return Rebuilt(
        before=before,
        after=after,
        projected=projected,
        differing={key: differing_looks(experiment_id) for experiment_id, key in observed},
        experiments=len(observed),
    )
