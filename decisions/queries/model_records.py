"""Models and versions with all that their pages tell: aliases, runs, decision points, experiments, proposals."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from decisions.queries.points import PointFacts, points_of
from decisions.queries.shadows import ShadowFacts, shadow_facts
from decisions.queries.trials import Trial, trials_of_versions
from foundation.queries import ProjectFacts, all_projects, project_facts
from models_registry.queries.aliases import Holder, MoveFacts, aliases_of, moves_of
from models_registry.queries.runs import RunFacts, run_by_id, runs_of
from models_registry.queries.versions import ModelFacts, VersionFacts, dropped_artifacts, models_of, versions_of
from models_registry.vocabulary import AliasName


@dataclass(frozen=True, slots=True)
class ModelLine:
    """A model as one line of the list; versions and runs are in the order of newest first."""

    project: ProjectFacts
    model: ModelFacts
    champions: tuple[Holder, ...]
    versions: Sequence[VersionFacts]
    newest_run: RunFacts | None
    points: tuple[PointFacts, ...]


@dataclass(frozen=True, slots=True)
class ModelRecord:
    """A model: who holds its aliases, its versions, runs and moves (newest first), and where it decides.

    shadow: how its shadow compares with what is served, None where it has none. dropped: when artifacts of its versions
    were dropped, by SHA-256.
    """

    project: ProjectFacts
    model: ModelFacts
    aliases: Mapping[AliasName, tuple[Holder, ...]]
    versions: Sequence[VersionFacts]
    runs: Sequence[RunFacts]
    moves: Sequence[MoveFacts]
    points: tuple[PointFacts, ...]
    trials: tuple[Trial, ...]
    shadow: ShadowFacts | None = None
    dropped: Mapping[str, datetime] = field(default_factory=dict)

    @property
    def champions(self) -> tuple[Holder, ...]:
        """Who holds the alias champion, first claim first."""
        return self.aliases.get(AliasName.CHAMPION, ())

    def number(self, version_id: int) -> int | None:
        """Return the number of a version of this model."""
        return next((version.number for version in self.versions if version.id == version_id), None)


@dataclass(frozen=True, slots=True)
class VersionRecord:
    """A model version with its lineage both ways: the run it comes from, and the experiments that pin it.

    dropped_at: when its artifact was dropped, None for one that can serve.
    """

    project: ProjectFacts
    version: VersionFacts
    run: RunFacts
    aliases: Mapping[AliasName, tuple[Holder, ...]]
    points: tuple[PointFacts, ...]
    trials: tuple[Trial, ...]
    dropped_at: datetime | None = None


def model_lines() -> tuple[ModelLine, ...]:
    """Return every model of every project, newest first."""
    projects = {project.id: project for project in all_projects()}
    points = points_of()
    return tuple(_line(model, projects[model.project_id], points) for model in models_of())


def model_record(model: ModelFacts, *, now: datetime) -> ModelRecord:
    """Return all that the page of a model tells; `now` is wall time."""
    versions = versions_of(model.id)
    project, aliases = project_facts(model.project_id), aliases_of(model.id)
    points = _deciding(model, points_of(model.project_id))
    return ModelRecord(
        project=project,
        model=model,
        aliases=aliases,
        versions=versions,
        runs=runs_of(model.id),
        moves=moves_of(model.id),
        points=points,
        trials=trials_of_versions(version.id for version in versions),
        shadow=_shadow(project, points, aliases.get(AliasName.SHADOW, ()), now),
        dropped=dropped_artifacts(version.sha256 for version in versions),
    )


def version_record(version: VersionFacts) -> VersionRecord:
    """Return a version with all it comes from and all that came of it. Raises RunUnknown."""
    return VersionRecord(
        project=project_facts(version.model.project_id),
        version=version,
        run=run_by_id(version.run_id),
        aliases=aliases_of(version.model.id),
        points=_deciding(version.model, points_of(version.model.project_id)),
        trials=trials_of_versions([version.id]),
        dropped_at=dropped_artifacts([version.sha256]).get(version.sha256),
    )


def _line(model: ModelFacts, project: ProjectFacts, points: Sequence[PointFacts]) -> ModelLine:
    runs = runs_of(model.id)
    return ModelLine(
        project=project,
        model=model,
        champions=aliases_of(model.id).get(AliasName.CHAMPION, ()),
        versions=versions_of(model.id),
        newest_run=runs[0] if runs else None,
        points=_deciding(model, points),
    )


def _shadow(
    project: ProjectFacts, points: Sequence[PointFacts], holders: Sequence[Holder], now: datetime
) -> ShadowFacts | None:
    if not holders:
        return None
    keys = [point.key for point in points]
    return shadow_facts(project.id, keys, holders[0].version, now=now, today=project.clock.at(now))


def _deciding(model: ModelFacts, points: Sequence[PointFacts]) -> tuple[PointFacts, ...]:
    return tuple(point for point in points if point.model_id == model.id)
