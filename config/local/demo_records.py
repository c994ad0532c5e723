"""The records of the demonstration: a simulated shop's project, its metrics and one launched experiment."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from experiments.actions import lifecycle
from experiments.actions.design import (
    ExperimentDraft,
    MetricDefinition,
    MetricDraft,
    VariantDraft,
    create_experiment,
    create_metric,
)
from foundation.actions.projects import create_project, issue_api_key
from foundation.clock import ClockKind, ProjectClock

ACTOR = "demo"
EXPERIMENT = "one-page-checkout"
ENROLMENT_DAYS = 14
WINDOW_DAYS = 7
HORIZON_DAYS = ENROLMENT_DAYS + WINDOW_DAYS

METRICS = (
    MetricDefinition(
        key="conversion",
        name="Conversion",
        kind="CONVERSION",
        numerator_events=["Order Completed"],
        numerator_what="ANY",
        description="Share of visitors who order within seven days of their first exposure.",
    ),
    MetricDefinition(
        key="revenue",
        name="Revenue per visitor",
        kind="SUM",
        numerator_events=["Order Completed", "Order Refunded", "Order Cancelled"],
        numerator_what="SUM_VALUE",
        cap_micros=400_000_000,
        description="Orders less refunds and cancellations, capped at 400 a visitor.",
    ),
    MetricDefinition(
        key="views",
        name="Product views per visitor",
        kind="COUNT",
        numerator_events=["Product Viewed"],
        numerator_what="COUNT",
        covariate_days=7,
        description="How much visitors look around; the week before exposure removes noise.",
    ),
)

ROLES = {"conversion": ("DECISION", None), "revenue": ("SECONDARY", None), "views": ("GUARDRAIL", 0.1)}


@dataclass(frozen=True, slots=True)
class DemoRecords:
    """What the driver of the demonstration needs to know of the records."""

    project_id: int
    project_key: str
    experiment_id: int
    client_key: str
    server_key: str
    clock: ProjectClock


def create_demo(*, key: str, speed: float, origin: datetime, now: datetime) -> DemoRecords:
    """Create a simulation project whose clock starts at `origin` now, with a launched experiment, and return the keys.

    speed: simulated seconds in a real second.
    """
    clock = ProjectClock(kind=ClockKind.SIMULATION, origin=origin, speed=speed, started_at=now)
    project_id = create_project(
        key=key, name=f"Simulated shop {key}", currency="USD", acting_user=ACTOR, now=now, clock=clock
    )
    metrics = {
        definition.key: create_metric(project_id=project_id, definition=definition, acting_user=ACTOR, now=now)
        for definition in METRICS
    }
    experiment_id = create_experiment(
        project_id=project_id,
        draft=ExperimentDraft(
            key=EXPERIMENT,
            name="One-page checkout",
            hypothesis="One page instead of three loses fewer visitors on the way to the order.",
            variants=[
                VariantDraft("control", "Three steps", 500_000, control=True, parameters={"checkout": "steps"}),
                VariantDraft("one-page", "One page", 500_000, parameters={"checkout": "one-page"}),
            ],
            metrics=[MetricDraft(metrics[name], role, margin) for name, (role, margin) in ROLES.items()],
            horizon_days=HORIZON_DAYS,
            minimum_effect=0.2,
        ),
        acting_user=ACTOR,
        now=now,
    )
    lifecycle.submit(experiment_id=experiment_id, acting_user=ACTOR, now=now)
    lifecycle.launch(experiment_id=experiment_id, acting_user=ACTOR, now=now, reason="Demonstration")
    client = issue_api_key(project_id=project_id, kind="client", name="Storefront", acting_user=ACTOR, now=now)
    server = issue_api_key(project_id=project_id, kind="server", name="Back end", acting_user=ACTOR, now=now)
    return DemoRecords(
        project_id=project_id,
        project_key=key,
        experiment_id=experiment_id,
        client_key=client.secret,
        server_key=server.secret,
        clock=clock,
    )


def simulated_origin(now: datetime) -> datetime:
    """Return a midnight far enough back that the whole demonstration lies in the past."""
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight - timedelta(days=HORIZON_DAYS + 10)
