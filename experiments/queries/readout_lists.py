"""The experiments of all projects with their latest verdicts, for the list of readouts."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import OuterRef, Q, QuerySet, Subquery

from experiments.analysis.scorecard import Comparison, Scorecard
from experiments.analysis.verdict import Verdict
from experiments.models import Experiment
from experiments.models import Scorecard as StoredScorecard
from experiments.vocabulary import MetricRole, Source, Status
from foundation.queries import ProjectFacts, all_projects

PAGE_SIZE = 50


@dataclass(frozen=True, slots=True)
class ExperimentLine:
    """An experiment as one line; `primary` is its first DECISION metric in the arm that matters most."""

    key: str
    name: str
    project: ProjectFacts
    key_is_unique: bool
    source: Source
    status: Status
    started_at: datetime | None
    verdict: Verdict | None
    window_end: datetime | None
    units: int | None
    primary: Comparison | None
    metric_name: str
    variant_name: str
    variant_names: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class ExperimentPage:
    """One page of lines, newest first, and how many experiments there are in all."""

    lines: tuple[ExperimentLine, ...]
    total: int
    page: int
    pages: int


def experiment_page(*, search: str = "", status: Status | None = None, page: int = 1) -> ExperimentPage:
    """Return the page of experiments whose name, key or hypothesis contains the text; pages count from 1."""
    found = Experiment.objects.all()
    if search:
        found = found.filter(Q(name__icontains=search) | Q(key__icontains=search) | Q(hypothesis__icontains=search))
    if status is not None:
        found = found.filter(status=status)
    total = found.count()
    pages = max(1, -(-total // PAGE_SIZE))
    page = min(max(1, page), pages)
    rows = list(
        found.annotate(newest=Subquery(_newest_look()))
        .prefetch_related("variants", "metrics__metric")
        .order_by("-pk")[(page - 1) * PAGE_SIZE : page * PAGE_SIZE]
    )
    looks = StoredScorecard.objects.in_bulk([row.newest for row in rows if row.newest is not None])
    projects = {project.id: project for project in all_projects()}
    holders = Counter(Experiment.objects.filter(key__in={row.key for row in rows}).values_list("key", flat=True))
    lines = [
        _line(row, projects[row.project_id], looks.get(row.newest), is_unique=holders[row.key] == 1) for row in rows
    ]
    return ExperimentPage(lines=tuple(lines), total=total, page=page, pages=pages)


def primary_comparison(card: Scorecard, verdict: Verdict) -> Comparison | None:
    """Return the first DECISION metric's comparison of the winner, else of a harmful arm, else of the first arm."""
    deciding = [comparison for comparison in card.comparisons if comparison.role is MetricRole.DECISION]
    wanted = [verdict.winner, *verdict.harmful]
    for variant in wanted:
        for comparison in deciding:
            if comparison.variant == variant:
                return comparison
    return deciding[0] if deciding else None


def _newest_look() -> QuerySet[StoredScorecard, Any]:
    return StoredScorecard.objects.filter(experiment=OuterRef("pk")).order_by("-look").values("pk")[:1]


def _line(row: Experiment, project: ProjectFacts, stored: StoredScorecard | None, *, is_unique: bool) -> ExperimentLine:
    card = Scorecard.from_json(stored.content) if stored else None
    verdict = Verdict.from_dict(stored.verdict) if stored else None
    primary = primary_comparison(card, verdict) if card and verdict else None
    metric_names = {use.metric.key: use.metric.name for use in row.metrics.all()}
    variant_names = {variant.key: variant.name for variant in row.variants.all()}
    return ExperimentLine(
        key=row.key,
        name=row.name,
        project=project,
        key_is_unique=is_unique,
        source=Source(row.source),
        status=Status(row.status),
        started_at=row.started_at,
        verdict=verdict,
        window_end=card.window_end if card else None,
        units=sum(count.units for count in card.variants) if card else None,
        primary=primary,
        metric_name=metric_names.get(primary.metric, primary.metric) if primary else "",
        variant_name=variant_names.get(primary.variant, primary.variant) if primary else "",
        variant_names=variant_names,
    )
