"""Whether the shop did what the variants of an experiment decided: intention decides, and this says how to read it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import combinations
from typing import Final

from django.db.models import Case, CharField, Count, F, OuterRef, Q, Subquery, Value, When
from django.db.models.functions import Coalesce

from decisions.models import BatchDecision, ReplacedWord
from decisions.queries.batches import CHANGED
from decisions.vocabulary import AppliedState
from experiments.analysis.checks_confounds import DECISIONS_NOT_APPLIED, UNEQUALLY_APPLIED
from experiments.analysis.inputs import Confound
from experiments.queries.standing import standing_of
from foundation.queries import project_facts

FEWEST_APPLIED: Final = 0.9
"""Of the changes that a variant decided."""
LARGEST_GAP: Final = 0.05
"""Between the applied shares of two variants."""
TIME_TO_TELL: Final = timedelta(hours=1)
"""Project time from when a batch takes effect until the shop is expected to have told of it."""


@dataclass(frozen=True, slots=True)
class Compliance:
    """What became of the changes that a variant decided, in decisions."""

    applied: int = 0
    overridden: int = 0
    failed: int = 0
    pending: int = 0

    @property
    def decided(self) -> int:
        """All of them."""
        return self.applied + self.overridden + self.failed + self.pending

    @property
    def share(self) -> float | None:
        """The share that was applied, None where nothing was to be changed."""
        return self.applied / self.decided if self.decided else None


def has_decided(experiment_id: int) -> bool:
    """Return whether batches have decided anything for an experiment."""
    return BatchDecision.objects.filter(experiment_id=experiment_id).exists()


def compliance_of(
    experiment_id: int, *, told_before: datetime | None = None, effective_before: datetime | None = None
) -> Mapping[str, Compliance]:
    """Return by variant what became of the decisions of its enrolled cells that changed something.

    What was told at `told_before` (wall time) or later counts as not told; batches that take effect at
    `effective_before` (project time) or later do not count. A decision for what held anyway needs no doing.
    """
    rows = BatchDecision.objects.filter(CHANGED, experiment_id=experiment_id, is_enrolled=True)
    if effective_before is not None:
        rows = rows.filter(batch__takes_effect_at__lt=effective_before)
    rows = rows.annotate(told=F("state") if told_before is None else _told(told_before))
    found: dict[str, dict[str, int]] = {}
    for variant, state, count in rows.values_list("variant", "told").annotate(count=Count("*")):
        found.setdefault(variant, {})[AppliedState(state).value.lower()] = count
    return {variant: Compliance(**counts) for variant, counts in sorted(found.items())}


def _told(before: datetime) -> Case:
    """Return the state of a decision by what had been told before a wall time, whatever was told later."""
    then = ReplacedWord.objects.filter(
        batch_id=OuterRef("batch_id"), subject=OuterRef("subject"), told_at__lt=before, replaced_at__gte=before
    )
    return Case(
        When(Q(acknowledged_at__isnull=True) | Q(acknowledged_at__lt=before), then=F("state")),
        default=Coalesce(Subquery(then.values("state")), Value(AppliedState.PENDING.value)),
        output_field=CharField(),
    )


def compliance_confounds(experiment_id: int, known_before: datetime) -> Iterable[Confound]:
    """Yield what keeps the variants of an experiment from being what they say, as known by a wall time.

    DECISIONS_NOT_APPLIED: less than 90 % of the changes that a variant decided were applied; what nobody has told of
    was not. UNEQUALLY_APPLIED: the shares of two variants are more than five points apart.
    """
    if not has_decided(experiment_id):
        return
    at = project_facts(standing_of(experiment_id).project_id).clock.at(known_before)
    found = compliance_of(experiment_id, told_before=known_before, effective_before=at - TIME_TO_TELL)
    shares = {variant: made.share for variant, made in found.items() if made.share is not None}
    for variant, share in shares.items():
        if share < FEWEST_APPLIED:
            yield Confound(DECISIONS_NOT_APPLIED, variant, variant)
    for one, other in combinations(shares, 2):
        if abs(shares[one] - shares[other]) > LARGEST_GAP:
            yield Confound(UNEQUALLY_APPLIED, one, other)
