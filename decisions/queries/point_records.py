"""Decision points and logged decisions with all that their pages tell."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from decisions.domain import ITEMS
from decisions.queries.batch_records import BatchesRecord, batches_record
from decisions.queries.batches import BatchLine, line_of
from decisions.queries.catalogue import ItemFacts, items_by_id
from decisions.queries.explained import Explanation
from decisions.queries.explanations import explain
from decisions.queries.learners import LearnerFacts, learner_by_id, learners_of
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
from decisions.registry import all_domains
from experiments.lifecycle import SERVING
from experiments.queries.standing import standings
from foundation.queries import ProjectFacts, all_projects, project_facts
from models_registry.queries.aliases import Holder, holders_of
from models_registry.queries.schedules import ScheduleFacts, newest_passed, schedule_by_id
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
    learner: LearnerFacts | None = None


@dataclass(frozen=True, slots=True)
class PointRecord:
    """A decision point: what serves at it, the experiments at it, and what it decided lately.

    `versions` holds every model version that the rest names, by id; `recent` is of one version where one was asked.
    `learners` are its learning policies, newest first. `schedules` are those that a variant names, by id.
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
    learners: Sequence[LearnerFacts] = ()
    schedules: Mapping[int, ScheduleFacts] = field(default_factory=dict)
    newest: Mapping[int, int | None] = field(default_factory=dict)
    """The version that each of these schedules serves with now."""
    batches: BatchesRecord | None = None
    """What was decided in batches, None where each request is decided for."""

    @property
    def learner(self) -> LearnerFacts | None:
        """The learning policy that serves outside experiments, None where there is none."""
        return next((learner for learner in self.learners if learner.id == self.point.learner_id), None)

    @property
    def live(self) -> tuple[Trial, ...]:
        """The experiments that decide for somebody now."""
        return tuple(trial for trial in self.trials if trial.standing.status in SERVING)


@dataclass(frozen=True, slots=True)
class DecisionRecord:
    """One logged decision with the items it chose, its experiment, the version it rests on, and why it is as it is.

    `learner` is the learning policy that the variant, or the traffic outside experiments, had.
    """

    project: ProjectFacts
    point: PointFacts
    decision: DecisionFacts
    items: Mapping[str, ItemFacts]
    trial: Trial | None
    version: VersionRecord | None
    explanation: Explanation
    learner: LearnerFacts | None = None
    batch: tuple[int, BatchLine] | None = None
    """The batch that the decision belongs to, and what became of it there."""


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
    schedules = {fact.schedule for trial in trials for fact in trial.policies.values() if fact.schedule is not None}
    newest = {schedule: newest_passed(schedule) for schedule in schedules}
    named += [found.id for found in newest.values() if found is not None]
    return PointRecord(
        project=project_facts(point.project_id),
        point=point,
        model=None if point.model_id is None else model_by_id(point.model_id),
        champions=champions,
        trials=trials,
        counts=counts,
        recent=recent,
        versions=versions_by_id(named),
        titles=_items(point, recent, most=3),
        learners=learners_of(point.project_id, point_id=point.id) if point.domain in all_domains() else (),
        schedules={schedule: schedule_by_id(schedule) for schedule in schedules},
        newest={schedule: None if found is None else found.id for schedule, found in newest.items()},
        batches=batches_record(point, now=now),
    )


def decision_record(decision_id: str, point: PointFacts, *, item: str = "") -> DecisionRecord:
    """Return a decision that was made at a decision point; item: one that is asked about. Raises DecisionUnknown."""
    decision = decision_by_id(decision_id, project_ids=[point.project_id])
    if decision.point != point.key:
        raise DecisionUnknown(f"The decision {decision_id[:100]} was made at {decision.point}, not at {point.key}.")
    version = None if decision.version is None else versions_by_id([decision.version]).get(decision.version)
    trials = trials_at(point.id) if decision.experiment is not None else ()
    return DecisionRecord(
        project=project_facts(point.project_id),
        point=point,
        decision=decision,
        items=_items(point, [decision], most=None),
        trial=next((trial for trial in trials if trial.standing.key == decision.experiment), None),
        version=None if version is None else version_record(version),
        explanation=explain(decision, point.domain, item=item),
        learner=_learner(decision, point),
        batch=_batch(decision, point),
    )


def _batch(decision: DecisionFacts, point: PointFacts) -> tuple[int, BatchLine] | None:
    if not decision.met.subject or decision.at is None:
        return None
    return line_of(point.id, made_at=decision.at, subject=decision.met.subject)


def _learner(decision: DecisionFacts, point: PointFacts) -> LearnerFacts | None:
    if decision.met.learner is None or point.domain not in all_domains():
        return None
    return next((found for found in learners_of(point.project_id) if found.id == decision.met.learner), None)


def _line(point: PointFacts, project: ProjectFacts, now: datetime) -> PointLine:
    champions = _champions(point)
    return PointLine(
        project=project,
        point=point,
        champions=champions,
        versions=versions_by_id(holder.version for holder in champions),
        live=sum(standing.status in SERVING for standing in standings(experiments_at(point.id)).values()),
        counts=decision_counts(point.project_id, point.key, now=now, within=LATELY),
        learner=None if point.learner_id is None else learner_by_id(point.learner_id),
    )


def _champions(point: PointFacts) -> tuple[Holder, ...]:
    return () if point.model_id is None else holders_of(point.model_id, AliasName.CHAMPION)


def _items(point: PointFacts, decisions: Sequence[DecisionFacts], *, most: int | None) -> Mapping[str, ItemFacts]:
    shown = {action.item for made in decisions for action in made.actions[:most]}
    dealt_with = {item for made in decisions for item in made.met.history_items} if most is None else set()
    domain = all_domains().get(point.domain)
    if domain is not None and domain.hooks.menu is not None:
        return {}  # actions are prices and quantities, which only look like ids
    collection = ITEMS if domain is None else domain.collection
    return items_by_id(point.project_id, shown | dealt_with, collection=collection)
