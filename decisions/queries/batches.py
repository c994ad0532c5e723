"""Batches of decisions as they were made, delivered and acknowledged."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from django.db.models import Count, F, Q

from decisions.domain import FieldKind
from decisions.models import BatchDecision, DecisionBatch
from decisions.registry import all_domains
from decisions.vocabulary import AppliedState, BatchState
from experiments.assignment.unit_ids import store_and_item
from experiments.vocabulary import UnitKind
from foundation.errors import DomainError
from foundation.money import format_micros

ROWS_AT_ONCE: Final = 10_000
BATCHES_AT_ONCE: Final = 100

_LINE: Final = (
    "subject",
    "decision_id",
    "value",
    "before",
    "reason",
    "experiment__key",
    "variant",
    "cell",
    "is_enrolled",
    "state",
    "applied",
    "note",
    "acknowledged_at",
    "batch__point__domain",
)
"""The columns of a BatchLine, in its order."""
_STATE: Final = _LINE.index("state")
CHANGED: Final = Q(value__isnull=False) & (~Q(value=F("before")) | Q(before__isnull=True))
"""Decisions that are something else than what held until then."""


class BatchUnknown(DomainError):
    """The project has no such batch of decisions."""

    code = "BATCH_UNKNOWN"
    hint = "Use the id of a batch that GET /api/v1/batches?point= lists."


@dataclass(frozen=True, slots=True)
class BatchFacts:
    """A batch. Times but `delivered_at` are project time; decimals: places with which its values are written.

    applied: how many of its decisions the shop says what of, by state.
    """

    id: int
    project_id: int
    point_id: int
    point: str
    domain: str
    due_at: datetime
    made_at: datetime
    takes_effect_at: datetime
    bundle_version: int
    decisions: int
    degraded: int
    sha256: str
    state: BatchState
    delivered_at: datetime | None
    attempts: int
    fault: str
    applied: Mapping[AppliedState, int] = field(default_factory=dict)

    @property
    def decimals(self) -> int:
        """The places with which values are written: two for money, none for pieces."""
        domain = all_domains().get(self.domain)
        return 2 if domain is not None and domain.actions_are is FieldKind.MONEY else 0


@dataclass(frozen=True, slots=True)
class BatchLine:
    """One decision of a batch. Amounts are in millionths; `before` is what held until then."""

    subject: str
    decision_id: str
    value: int | None
    before: int | None
    reason: str
    experiment: str | None
    variant: str
    cell: str
    is_enrolled: bool
    state: AppliedState
    applied: int | None
    note: str
    acknowledged_at: datetime | None
    domain: str

    @property
    def item(self) -> str:
        """The item that it is about."""
        return self._store_and_item[1]

    @property
    def store(self) -> str:
        """The store that it is about, "" where it is about none."""
        return self._store_and_item[0]

    @property
    def _store_and_item(self) -> tuple[str, str]:
        domain = all_domains().get(self.domain)
        if domain is None or domain.subject_kind is not UnitKind.STORE_ITEM:
            return "", self.subject
        return store_and_item(self.subject)


def batch_by_id(batch_id: int, *, project_id: int) -> BatchFacts:
    """Return a batch of a project, with what was acknowledged of it. Raises BatchUnknown."""
    row = DecisionBatch.objects.select_related("point").filter(pk=batch_id, point__project_id=project_id).first()
    if row is None:
        raise BatchUnknown(f"The project has no batch {batch_id}.")
    return _facts(row, _counts([batch_id]).get(batch_id, {}))


def batches_of(point_id: int, *, before: int | None = None, limit: int = BATCHES_AT_ONCE) -> Sequence[BatchFacts]:
    """Return the batches of a decision point, newest first; before: only those with a smaller id."""
    rows = DecisionBatch.objects.select_related("point").filter(point_id=point_id)
    if before is not None:
        rows = rows.filter(pk__lt=before)
    found = list(rows.order_by("-pk")[:limit])
    counts = _counts([int(row.pk) for row in found])
    return [_facts(row, counts.get(int(row.pk), {})) for row in found]


def newest_batch_due(point_id: int) -> datetime | None:
    """Return when the newest batch of a point was due, None where it has none."""
    return DecisionBatch.objects.filter(point_id=point_id).order_by("-due_at").values_list("due_at", flat=True).first()


def lines_of(batch_id: int) -> Iterator[BatchLine]:
    """Yield the decisions of a batch in the order of their subjects."""
    rows = BatchDecision.objects.filter(batch_id=batch_id).order_by("subject").values_list(*_LINE)
    for row in rows.iterator(chunk_size=ROWS_AT_ONCE):
        yield _line(row)


def some_lines(batch_id: int, *, after: str = "", limit: int, changed: bool = False) -> Sequence[BatchLine]:
    """Return the first decisions of a batch whose subjects come after one; changed: only what changes something."""
    rows = BatchDecision.objects.filter(batch_id=batch_id, subject__gt=after)
    if changed:
        rows = rows.filter(CHANGED)
    return [_line(row) for row in rows.order_by("subject").values_list(*_LINE)[:limit]]


def line_of(point_id: int, *, made_at: datetime, subject: str) -> tuple[int, BatchLine] | None:
    """Return the batch of a point that was made at a project time, and its decision about a subject."""
    rows = BatchDecision.objects.filter(batch__point_id=point_id, batch__made_at=made_at, subject=subject)
    row = rows.values_list("batch_id", *_LINE).first()
    return None if row is None else (int(row[0]), _line(row[1:]))


def reasons_of(batch_id: int) -> Mapping[str, int]:
    """Return how many decisions of a batch were made for which reason, the most frequent first."""
    rows = BatchDecision.objects.filter(batch_id=batch_id).values_list("reason").annotate(count=Count("*"))
    return dict(rows.order_by("-count", "reason"))


def changes_in(batch_id: int) -> int:
    """Return how many decisions of a batch change something."""
    return BatchDecision.objects.filter(CHANGED, batch_id=batch_id).count()


def enrolled_cells(experiment_id: int, *, since: datetime) -> frozenset[str]:
    """Return the cells of an experiment that batches due since a project time have enrolled."""
    rows = BatchDecision.objects.filter(experiment_id=experiment_id, batch__due_at__gte=since, is_enrolled=True)
    return frozenset(rows.values_list("cell", flat=True).distinct())


def written_value(micros: int | None, decimals: int) -> str | None:
    """Return an amount as it is written in documents, None where there is none."""
    return None if micros is None else format_micros(micros, places=decimals)


def _line(row: Sequence[Any]) -> BatchLine:
    values = list(row)
    values[_STATE] = AppliedState(values[_STATE])
    return BatchLine(*values)


def _counts(batch_ids: Sequence[int]) -> dict[int, dict[AppliedState, int]]:
    rows = BatchDecision.objects.filter(batch_id__in=batch_ids).values_list("batch_id", "state")
    found: dict[int, dict[AppliedState, int]] = {}
    for batch_id, state, count in rows.annotate(count=Count("*")).order_by("batch_id", "state"):
        found.setdefault(batch_id, {})[AppliedState(state)] = count
    return found


def _facts(row: DecisionBatch, applied: Mapping[AppliedState, int]) -> BatchFacts:
    return BatchFacts(
        id=int(row.pk),
        project_id=row.point.project_id,
        point_id=row.point_id,
        point=row.point.key,
        domain=row.point.domain,
        due_at=row.due_at,
        made_at=row.made_at,
        takes_effect_at=row.takes_effect_at,
        bundle_version=row.bundle_version,
        decisions=row.decisions,
        degraded=row.degraded,
        sha256=row.sha256,
        state=BatchState(row.state),
        delivered_at=row.delivered_at,
        attempts=row.attempts,
        fault=row.fault,
        applied=applied,
    )
