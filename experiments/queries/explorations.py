"""Explorations of an experiment: all of them in a list, one of them in full."""

from dataclasses import dataclass
from datetime import datetime

from experiments.analysis.exploration import Exploration
from experiments.models import Experiment, ExperimentMetric, ExploratoryScorecard
from experiments.models import Metric as MetricRow
from experiments.queries.readouts import MetricLine
from foundation.errors import DomainError


class ExplorationUnknown(DomainError):
    """There is no such exploration."""

    code = "EXPLORATION_UNKNOWN"
    hint = "Choose one of the list."


@dataclass(frozen=True, slots=True)
class ExplorationLine:
    """An exploration as a line of a list; window_end is project time."""

    number: int
    window_end: datetime
    requested_by: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class StoredExploration:
    """One exploration: what was computed, the exact text that was stored, and what people call its metrics."""

    line: ExplorationLine
    found: Exploration
    text: str
    sha256: str
    metrics: tuple[MetricLine, ...]


@dataclass(frozen=True, slots=True)
class MetricChoice:
    """A metric version that can be explored; planned: it is part of the experiment's plan."""

    id: int
    key: str
    version: int
    name: str
    window_hours: int
    planned: bool


@dataclass(frozen=True, slots=True)
class Choices:
    """What can be explored of an experiment: metric versions by name, the newest first, and attributes."""

    metrics: tuple[MetricChoice, ...]
    dimensions: tuple[str, ...]


def choices_of(experiment_id: int) -> Choices:
    """Return what can be explored: the metrics of its project, and the attributes that the project stores."""
    row = Experiment.objects.select_related("project").get(pk=experiment_id)
    planned = set(ExperimentMetric.objects.filter(experiment_id=experiment_id).values_list("metric_id", flat=True))
    metrics = MetricRow.objects.filter(project_id=row.project_id).order_by("name", "key", "-version")
    return Choices(
        metrics=tuple(
            MetricChoice(int(m.pk), m.key, m.version, m.name, m.window_hours, m.pk in planned) for m in metrics
        ),
        dimensions=tuple(dict.fromkeys([*row.project.attributes, *row.dimensions])),
    )


def exploration_lines(experiment_id: int) -> tuple[ExplorationLine, ...]:
    """Return the explorations of an experiment, newest first."""
    rows = ExploratoryScorecard.objects.filter(experiment_id=experiment_id).order_by("-number").defer("content")
    return tuple(_line(row) for row in rows)


def exploration(experiment_id: int, number: int | None = None) -> StoredExploration | None:
    """Return one exploration, the newest where no number is given; None where there is none yet.

    Raises ExplorationUnknown for a number that does not exist.
    """
    rows = ExploratoryScorecard.objects.filter(experiment_id=experiment_id)
    row = rows.order_by("-number").first() if number is None else rows.filter(number=number).first()
    if row is None and number is not None:
        raise ExplorationUnknown(f"There is no exploration {number} of this experiment.")
    if row is None:
        return None
    found = Exploration.from_json(row.content)
    asked = MetricRow.objects.filter(pk__in=row.request["metric_ids"])
    return StoredExploration(
        line=_line(row),
        found=found,
        text=row.content,
        sha256=row.sha256,
        metrics=tuple(MetricLine(m.key, m.version, m.name, m.description) for m in asked),
    )


def _line(row: ExploratoryScorecard) -> ExplorationLine:
    return ExplorationLine(
        number=row.number, window_end=row.window_end, requested_by=row.requested_by, created_at=row.created_at
    )
