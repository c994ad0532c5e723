"""The records of the demonstration: a simulated shop's project with its keys, metrics and experiments."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from decisions.actions.points import PolicyDraft, bind_experiment
from decisions.domain import PolicyKind
from experiments.actions import lifecycle
from experiments.actions.design import (
    ExperimentDraft,
    MetricDefinition,
    MetricDraft,
    VariantDraft,
    create_experiment,
    create_metric,
)
from experiments.actions.filters import FilterDefinition, create_filter
from experiments.analysis.metrics import MICROS
from foundation.actions.projects import create_project, edit_project, issue_api_key
from foundation.clock import ClockKind, ProjectClock
from simulation.designs import CONTROL, HORIZON_DAYS, METRICS, ExperimentDesign
from simulation.profiles import ATTRIBUTES, DIMENSIONS, ROBOT_ATTRIBUTE
from simulation.storefront import CURRENCY

ACTOR = "demo"
HALF = 500_000
STRICT: Final[Mapping[str, Any]] = {"alpha": 0.01, "reserved_alpha": 0.001, "harm_alpha": 0.005}
"""The plan that the demonstration declares: at the default's 5% every twentieth run would show a verdict against the
truth by chance alone. docs/demo.md counts how the default does."""

_ROBOTS = FilterDefinition(
    key="declared-robots",
    name="Robots that say so",
    description=f"Visitors with the attribute {ROBOT_ATTRIBUTE}, which the shop sends with its exposures.",
    kind="BOT",
    rule="ATTRIBUTE",
    attribute=ROBOT_ATTRIBUTE,
    values=("true",),
    active=True,
)


@dataclass(frozen=True, slots=True)
class DemoProject:
    """A simulation project and what its shop needs to speak to it."""

    id: int
    key: str
    client_key: str
    server_key: str
    clock: ProjectClock


def create_demo_project(*, key: str, speed: float, origin: datetime, now: datetime) -> DemoProject:
    """Create a simulation project whose clock starts at `origin` now, and return it with its keys.

    It stores what the storefront knows of visitors, and leaves robots out. speed: simulated seconds in a real second.
    """
    clock = ProjectClock(kind=ClockKind.SIMULATION, origin=origin, speed=speed, started_at=now)
    name = f"Simulated shop {key}"
    project_id = create_project(key=key, name=name, currency=CURRENCY, acting_user=ACTOR, now=now, clock=clock)
    edit_project(project_id=project_id, name=name, attributes=ATTRIBUTES, acting_user=ACTOR, now=now)
    create_filter(project_id=project_id, definition=_ROBOTS, acting_user=ACTOR, now=now)
    client = issue_api_key(project_id=project_id, kind="client", name="Storefront", acting_user=ACTOR, now=now)
    server = issue_api_key(project_id=project_id, kind="server", name="Back end", acting_user=ACTOR, now=now)
    return DemoProject(project_id, key, client.secret, server.secret, clock)


def create_metrics(*, project_id: int, now: datetime) -> dict[str, int]:
    """Create the metrics of the demonstration and return their ids by key."""
    return {
        design.key: create_metric(
            project_id=project_id,
            definition=MetricDefinition(
                key=design.key,
                name=design.name,
                kind=design.kind,
                numerator_events=list(design.events),
                numerator_what=design.what,
                denominator_events=list(design.denominator_events),
                denominator_what=design.denominator_what,
                cap_micros=None if design.cap is None else design.cap * MICROS,
                covariate_days=design.covariate_days,
                description=design.description,
            ),
            acting_user=ACTOR,
            now=now,
        )
        for design in METRICS
    }


def launch_experiments(
    *,
    project_id: int,
    designs: Sequence[ExperimentDesign],
    point_id: int | None = None,
    version_id: int | None = None,
    now: datetime,
) -> dict[str, int]:
    """Create and launch experiments and return their ids by key.

    point_id, version_id: where the one decides whose treatment is a trained version, and which.
    """
    metrics = create_metrics(project_id=project_id, now=now)
    ids: dict[str, int] = {}
    for design in designs:
        experiment_id = create_experiment(
            project_id=project_id, draft=_draft(design, metrics), acting_user=ACTOR, now=now
        )
        if design.is_decision and point_id is not None:
            policies = {
                CONTROL: PolicyDraft(PolicyKind.BASELINE),
                design.treatment: PolicyDraft(PolicyKind.MODEL_RANKED, version_id=version_id),
            }
            bind_experiment(
                experiment_id=experiment_id, point_id=point_id, policies=policies, acting_user=ACTOR, now=now
            )
        lifecycle.submit(experiment_id=experiment_id, acting_user=ACTOR, now=now)
        lifecycle.launch(experiment_id=experiment_id, acting_user=ACTOR, now=now, reason="Demonstration")
        ids[design.key] = experiment_id
    return ids


def simulated_origin(now: datetime, *, days: int = HORIZON_DAYS + 20) -> datetime:
    """Return a midnight far enough back that the whole demonstration lies in the past."""
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight - timedelta(days=days)


def _draft(design: ExperimentDesign, metrics: Mapping[str, int]) -> ExperimentDraft:
    return ExperimentDraft(
        key=design.key,
        name=design.name,
        hypothesis=design.hypothesis,
        variants=[
            VariantDraft(CONTROL, design.control_name, HALF, control=True, parameters={design.key: CONTROL}),
            VariantDraft(design.treatment, design.treatment_name, HALF, parameters={design.key: design.treatment}),
        ],
        metrics=[MetricDraft(metrics[key], role, margin) for key, role, margin in design.metrics],
        horizon_days=HORIZON_DAYS,
        minimum_effect=design.minimum_effect,
        plan_overrides=dict(STRICT),
        dimensions=DIMENSIONS,
        personalised=design.is_decision,
    )
