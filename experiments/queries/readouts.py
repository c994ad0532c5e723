"""Everything that a readout shows, as frozen records: the experiment, its plan, its looks and its journal."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count

from experiments.analysis.plan import AnalysisPlan
from experiments.analysis.scorecard import Scorecard
from experiments.analysis.verdict import Verdict
from experiments.models import AllocationEpoch, Experiment, PeriodSchedule, Quarantine, RecordedImport
from experiments.models import AnalysisPlan as FrozenPlan
from experiments.models import Scorecard as StoredScorecard
from experiments.queries.designs import ExperimentUnknown
from experiments.queries.payable import OverrideFacts, override_facts
from experiments.vocabulary import ArmState, Payable, Source, Status, UnitKind, VerdictState
from foundation.errors import DomainError
from foundation.ids import sought
from foundation.queries import JobFault, JournalLine, ProjectFacts, journal_of, latest_fault, project_facts


class ExperimentAmbiguous(DomainError):
    """Several projects have an experiment with this key; `projects` holds their keys."""

    code = "EXPERIMENT_AMBIGUOUS"
    hint = "Name the project: ?project=key."

    def __init__(self, key: str, projects: Sequence[str]) -> None:
        super().__init__(f"The key {key} occurs in the projects {', '.join(projects)}.")
        self.projects = tuple(projects)


@dataclass(frozen=True, slots=True)
class VariantLine:
    """A variant by key, with the name people gave it."""

    key: str
    name: str
    control: bool


@dataclass(frozen=True, slots=True)
class MetricLine:
    """A metric version by key, with the name people gave it."""

    key: str
    version: int
    name: str
    description: str


@dataclass(frozen=True, slots=True)
class Look:
    """A past analysis: its number, the end of its data (project time), what it allowed and which variant won."""

    number: int
    window_end: datetime
    state: VerdictState
    winner: str | None


@dataclass(frozen=True, slots=True)
class ArmShare:
    """A variant's weight (slots of 1 000 000) and state in an epoch."""

    variant: str
    weight: int
    state: ArmState


@dataclass(frozen=True, slots=True)
class Epoch:
    """A stretch of constant allocation; coverage in slots of 1 000 000."""

    number: int
    opened_at: datetime
    coverage: int
    shares: tuple[ArmShare, ...]


@dataclass(frozen=True, slots=True)
class Evidence:
    """The latest look: its scorecard, the exact text that was stored, and the verdict on it."""

    scorecard: Scorecard
    text: str
    sha256: str
    verdict: Verdict
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Readout:
    """One experiment with all that its page tells; times of the experiment are project time."""

    id: int
    key: str
    name: str
    hypothesis: str
    source: Source
    status: Status
    unit_kind: UnitKind
    horizon_days: int | None
    started_at: datetime | None
    stopped_at: datetime | None
    concluded_at: datetime | None
    conclusion: str
    conclusion_note: str
    project: ProjectFacts
    variants: tuple[VariantLine, ...]
    metrics: tuple[MetricLine, ...]
    plan: AnalysisPlan | None
    evidence: Evidence | None
    looks: tuple[Look, ...]
    epochs: tuple[Epoch, ...]
    journal: tuple[JournalLine, ...]
    quarantine: Mapping[str, int]
    import_counts: Mapping[str, object]
    imported_at: datetime | None
    fault: JobFault | None
    period_minutes: int | None = None
    has_schedule: bool = False
    payable: Payable = Payable.NOTHING
    override: OverrideFacts | None = None


def readout(*, key: str, project_key: str | None = None) -> Readout:
    """Return the readout of the experiment with this key. Raises ExperimentUnknown, ExperimentAmbiguous."""
    row = _find(key, project_key)
    looks = StoredScorecard.objects.filter(experiment_id=row.pk)
    frozen = FrozenPlan.objects.filter(experiment_id=row.pk).first()
    recorded = RecordedImport.objects.filter(experiment_id=row.pk).first()
    return Readout(
        id=int(row.pk),
        key=row.key,
        name=row.name,
        hypothesis=row.hypothesis,
        source=Source(row.source),
        status=Status(row.status),
        unit_kind=UnitKind(row.unit_kind),
        horizon_days=row.horizon_days,
        started_at=row.started_at,
        stopped_at=row.stopped_at,
        concluded_at=row.concluded_at,
        conclusion=row.conclusion,
        conclusion_note=row.conclusion_note,
        project=project_facts(row.project_id),
        variants=tuple(VariantLine(v.key, v.name, v.is_control) for v in row.variants.all()),
        metrics=tuple(
            MetricLine(use.metric.key, use.metric.version, use.metric.name, use.metric.description)
            for use in row.metrics.all()
        ),
        plan=AnalysisPlan.from_dict(json.loads(frozen.content)) if frozen else None,
        evidence=_evidence(looks.order_by("-look").first()),
        looks=tuple(
            Look(number, window_end, VerdictState(state), winner)
            for number, window_end, state, winner in looks.order_by("look").values_list(
                "look", "window_end", "verdict_state", "verdict__winner"
            )
        ),
        epochs=_epochs(int(row.pk)),
        journal=tuple(journal_of(project_id=row.project_id, subject=f"experiment:{row.key}")),
        quarantine=dict(
            Quarantine.objects.filter(experiment_id=row.pk)
            .values_list("reason")
            .annotate(rows=Count("pk"))
            .order_by("reason")
        ),
        import_counts=recorded.counts if recorded else {},
        imported_at=recorded.imported_at if recorded else None,
        fault=latest_fault(key_prefix=f"analyse:{row.pk}:"),
        period_minutes=row.period_minutes,
        has_schedule=PeriodSchedule.objects.filter(experiment_id=row.pk).exists(),
        payable=Payable(row.payable),
        override=override_facts(getattr(row, "payable_override", None)),
    )


def _find(key: str, project_key: str | None) -> Experiment:
    found = Experiment.objects.select_related("project", "payable_override").prefetch_related(
        "variants", "metrics__metric"
    )
    if project_key is not None:
        found = found.filter(project__key=sought(project_key))
    rows = list(found.filter(key=key).order_by("project__key")[:20])
    if not rows:
        raise ExperimentUnknown(f"There is no experiment with the key {key}.")
    if len(rows) > 1:
        raise ExperimentAmbiguous(key, [row.project.key for row in rows])
    return rows[0]


def _evidence(row: StoredScorecard | None) -> Evidence | None:
    if row is None:
        return None
    return Evidence(
        scorecard=Scorecard.from_json(row.content),
        text=row.content,
        sha256=row.sha256,
        verdict=Verdict.from_dict(row.verdict),
        created_at=row.created_at,
    )


def _epochs(experiment_id: int) -> tuple[Epoch, ...]:
    rows = AllocationEpoch.objects.filter(experiment_id=experiment_id).prefetch_related("allocations__variant")
    return tuple(
        Epoch(
            number=row.number,
            opened_at=row.opened_at,
            coverage=row.coverage,
            shares=tuple(
                ArmShare(held.variant.key, held.weight, ArmState(held.state))
                for held in sorted(row.allocations.all(), key=lambda held: (held.variant.position, held.variant_id))
            ),
        )
        for row in rows
    )
