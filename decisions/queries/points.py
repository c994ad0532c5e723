"""Decision points, the experiments at them and what their variants do."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from decisions.domain import PolicyKind
from decisions.models import DecisionPoint, PointExperiment, VariantPolicy
from experiments.queries.designs import variants_of
from foundation.errors import DomainError
from foundation.ids import sought


class PointUnknown(DomainError):
    """There is no such decision point."""

    code = "DECISION_POINT_UNKNOWN"
    hint = "Check the key; the admin lists the decision points of each project."


@dataclass(frozen=True, slots=True)
class PointFacts:
    """A decision point."""

    id: int
    project_id: int
    key: str
    name: str
    domain: str
    model_id: int | None
    slate_size: int
    deadline_ms: int
    learner_id: int | None = None
    most_age_minutes: int | None = None


@dataclass(frozen=True, slots=True)
class PolicyFacts:
    """What a variant does at the decision point; `version`, `schedule` and `learner` are ids."""

    variant_id: int
    variant: str
    control: bool
    policy: PolicyKind
    version: int | None
    actions: tuple[str, ...]
    schedule: int | None = None
    learner: int | None = None


def point_by_id(point_id: int) -> PointFacts:
    """Return a decision point. Raises PointUnknown."""
    row = DecisionPoint.objects.filter(pk=point_id).first()
    if row is None:
        raise PointUnknown(f"There is no decision point {point_id}.")
    return _facts(row)


def points_of(project_id: int | None = None) -> Sequence[PointFacts]:
    """Return the decision points of a project, or of all projects, oldest first."""
    rows = DecisionPoint.objects.order_by("pk")
    return [_facts(row) for row in (rows if project_id is None else rows.filter(project_id=project_id))]


def points_by_key(key: str, *, project_key: str | None = None) -> Sequence[PointFacts]:
    """Return the decision points with this key, of one project or of all."""
    rows = DecisionPoint.objects.filter(key=key).order_by("project_id")
    if project_key is not None:
        rows = rows.filter(project__key=sought(project_key))
    return [_facts(row) for row in rows]


def point_of_experiment(experiment_id: int) -> PointFacts | None:
    """Return where an experiment decides, None for one that has no decision point."""
    bound = PointExperiment.objects.select_related("point").filter(experiment_id=experiment_id).first()
    return _facts(bound.point) if bound else None


def experiments_at(point_id: int) -> tuple[int, ...]:
    """Return the ids of the experiments at a decision point, newest first."""
    rows = PointExperiment.objects.filter(point_id=point_id).order_by("-experiment_id")
    return tuple(rows.values_list("experiment_id", flat=True))


def policies_of(experiment_id: int) -> Mapping[str, PolicyFacts]:
    """Return what the variants of an experiment do, by variant key, as far as that has been said."""
    variants = {variant.id: variant for variant in variants_of(experiment_id)}
    rows = {row.variant_id: row for row in VariantPolicy.objects.filter(experiment_id=experiment_id)}
    return {
        variant.key: PolicyFacts(
            variant_id=variant.id,
            variant=variant.key,
            control=variant.control,
            policy=PolicyKind(rows[variant.id].policy),
            version=rows[variant.id].version_id,
            actions=tuple(rows[variant.id].actions),
            schedule=rows[variant.id].schedule_id,
            learner=rows[variant.id].learner_id,
        )
        for variant in variants.values()
        if variant.id in rows
    }


def _facts(row: DecisionPoint) -> PointFacts:
    return PointFacts(
        id=int(row.pk),
        project_id=row.project_id,
        key=row.key,
        name=row.name,
        domain=row.domain,
        model_id=row.model_id,
        slate_size=row.slate_size,
        deadline_ms=row.deadline_ms,
        learner_id=row.learner_id,
        most_age_minutes=row.most_age_minutes,
    )
