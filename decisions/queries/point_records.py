"""Decision points and logged decisions with all that their pages tell."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from decisions.queries.catalogue import ItemFacts, items_by_id
from decisions.queries.made import (
    DecisionCount,
    DecisionFacts,
    DecisionUnknown,
    decision_by_id,
    decision_counts,
    recent_decisions,
)
from decisions.queries.model_records import VersionRecord, version_record
from decisions.queries.points import PointFacts, experiments_at, points_of
from decisions.queries.trials import Trial, trials_at
from experiments.lifecycle import SERVING
from experiments.queries.standing import standings
from foundation.queries import ProjectFacts, all_projects, project_facts
from models_registry.queries.aliases import Holder, holders_of
from models_registry.queries.versions import ModelFacts, VersionFacts, model_by_id, versions_by_id
from models_registry.vocabulary import AliasName

LATELY: Final = timedelta(hours=24)
"""The stretch of wall time before now whose decisions are counted."""
MOST_RECENT: Final = 30


@dataclass(frozen=True, slots=True)
class PointLine:
    """A decision point as one line of the list."""

    project: ProjectFacts
    point: PointFacts
    champions: tuple[Holder, ...]
    versions: Mapping[int, VersionFacts]
    live: int
    counts: Sequence[DecisionCount]


@dataclass(frozen=True, slots=True)
class PointRecord:
    """A decision point: what serves at it, the experiments at it, and what it decided lately.

    `versions` holds every model version that the rest names, by id; `recent` is of one version where one was asked.
    """

    project: ProjectFacts
    point: PointFacts
    model: ModelFacts | None
    champions: tuple[Holder, ...]
    trials: tuple[Trial, ...]
    counts: Sequence[DecisionCount]
    recent: Sequence[DecisionFacts]
    versions: Mapping[int, VersionFacts]
    titles: Mapping[str, ItemFacts]

    @property
    def live(self) -> tuple[Trial, ...]:
        """The experiments that decide for somebody now."""
        return tuple(trial for trial in self.trials if trial.standing.status in SERVING)


@dataclass(frozen=True, slots=True)
class DecisionRecord:
    """One logged decision with the items it chose, its experiment, and the version it rests on."""

    project: ProjectFacts
    point: PointFacts
    decision: DecisionFacts
    items: Mapping[str, ItemFacts]
    trial: Trial | None
    version: VersionRecord | None


def point_lines(*, now: datetime) -> tuple[PointLine, ...]:
    """Return every decision point of every project, newest first, with its decisions of the last day."""
    projects = {project.id: project for project in all_projects()}
    return tuple(_line(point, projects[point.project_id], now) for point in reversed(points_of()))


def point_record(point: PointFacts, *, now: datetime, version: int | None = None) -> PointRecord:
    """Return all that the page of a decision point tells; recent decisions of one version only where it is named."""
    trials = trials_at(point.id)
    champions = _champions(point)
    counts = decision_counts(point.project_id, point.key, now=now, within=LATELY)
    recent = recent_decisions(point.project_id, point.key, limit=MOST_RECENT, version=version)
    named = [holder.version for holder in champions]
    named += [fact.version for trial in trials for fact in trial.policies.values() if fact.version is not None]
    named += [count.version for count in counts if count.version is not None]
    named += [made.version for made in recent if made.version is not None]
    if version is not None:
        named.append(version)
    return PointRecord(
        project=project_facts(point.project_id),
        point=point,
        model=None if point.model_id is None else model_by_id(point.model_id),
        champions=champions,
        trials=trials,
        counts=counts,
        recent=recent,
        versions=versions_by_id(named),
        titles=_items(point.project_id, recent, most=3),
    )


def decision_record(decision_id: str, point: PointFacts) -> DecisionRecord:
    """Return a decision that was made at a decision point. Raises DecisionUnknown."""
    decision = decision_by_id(decision_id, project_ids=[point.project_id])
    if decision.point != point.key:
        raise DecisionUnknown(f"The decision {decision_id[:100]} was made at {decision.point}, not at {point.key}.")
    version = None if decision.version is None else versions_by_id([decision.version]).get(decision.version)
    trials = trials_at(point.id) if decision.experiment is not None else ()
    return DecisionRecord(
        project=project_facts(point.project_id),
        point=point,
        decision=decision,
        items=_items(point.project_id, [decision], most=None),
        trial=next((trial for trial in trials if trial.standing.key == decision.experiment), None),
        version=None if version is None else version_record(version),
    )


def _line(point: PointFacts, project: ProjectFacts, now: datetime) -> PointLine:
    champions = _champions(point)
    return PointLine(
        project=project,
        point=point,
        champions=champions,
        versions=versions_by_id(holder.version for holder in champions),
        live=sum(standing.status in SERVING for standing in standings(experiments_at(point.id)).values()),
        counts=decision_counts(point.project_id, point.key, now=now, within=LATELY),
    )


def _champions(point: PointFacts) -> tuple[Holder, ...]:
    return () if point.model_id is None else holders_of(point.model_id, AliasName.CHAMPION)


def _items(project_id: int, decisions: Iterable[DecisionFacts], *, most: int | None) -> Mapping[str, ItemFacts]:
    return items_by_id(project_id, {action.item for made in decisions for action in made.actions[:most]})
