"""Own advertising slots, from the first creative to a promotion and the way back, in a simulated shop of known truth.

A learning policy explores; a model is trained on what it showed; its gate lets it pass; an experiment tries it against
the baseline; the verdict is what the truth says; the version is promoted and taken back.
"""

import time
from datetime import UTC, datetime, timedelta

import pytest

from config.local.demo_records import HALF, STRICT, create_demo_project, simulated_origin
from decisions.actions.learners import LearnerDraft, create_learner
from decisions.actions.points import (
    PointDraft,
    PointEdit,
    PolicyDraft,
    bind_experiment,
    create_point,
    edit_point,
)
from decisions.actions.promotion import approve, roll_back
from decisions.actions.training import order_training
from decisions.domain import PolicyKind
from decisions.learning import LearnerKind
from decisions.promotion import ProposalState
from decisions.queries.learners import latest_state
from decisions.queries.promotions import proposal_of
from experiments.actions import lifecycle
from experiments.actions.design import (
    ExperimentDraft,
    MetricDefinition,
    MetricDraft,
    VariantDraft,
    create_experiment,
    create_metric,
)
from experiments.queries.looks import latest_look
from experiments.vocabulary import VerdictState
from models_registry.actions.models import create_model
from models_registry.actions.training import TrainingOrder
from models_registry.queries.runs import run_by_id
from models_registry.vocabulary import RunState
from simulation.ads.live import CLICKED, AdDriver, Slots
from simulation.ads.truth import COLLECTION, AdTruth, draw_creatives
from simulation.designs import CONTROL
from simulation.edge_client import ConsoleClient, EdgeClient
from simulation.live import Clock, Traffic
from simulation.profiles import DIMENSIONS

pytestmark = pytest.mark.slow

SEED = 11
SECONDS_PER_DAY = 2.5
EXPLORED, WAITED, TESTED = 16, 7, 8
"""Days: of exploration, until the last reward of it can have come, and of the experiment."""
PER_DAY = 500
SLOTS = Slots(point="home-slots", size=1)
WHO = {"acting_user": "shop"}
TREATMENT = "trained"
EXPLORING = {"LEARNED", "HOLDBACK"}
"""Reasons while a learning policy serves: some units always get the baseline."""


def test_ads__explored_trained_tested_promoted_and_taken_back__as_the_truth_says(make_site):
    site = make_site()
    now = datetime.now(UTC)
    speed, origin = 86_400.0 / SECONDS_PER_DAY, simulated_origin(datetime.now(UTC), days=120)
    project = create_demo_project(key="ads", speed=speed, origin=origin, now=now)
    clock = Clock(origin=origin, started_at=now, speed=speed)
    creatives = draw_creatives(AdTruth(fit=6.0), SEED)
    taken = ConsoleClient(site.console_url, project.server_key).put(COLLECTION, creatives.items())
    assert (taken["created"], taken["refused"]) == (len(creatives.ids), [])
    model, point = make_point(project.id)
    learner = explore(point, model)
    edge = EdgeClient(site.edge_url, project.client_key)
    wait_until(lambda: decided(edge)["reason"] in EXPLORING, 60, "the learning policy")

    driver = AdDriver(client=edge, creatives=creatives, clock=clock, slots=SLOTS, seed=SEED)
    began = clock.now()
    driver.drive(Traffic(start=clock.now(), days=EXPLORED, per_day=PER_DAY), lambda _day, _run: None)
    assert driver.run.rejected == 0
    assert {reason for (_, reason) in driver.run.reasons} >= EXPLORING
    wait_until(lambda: latest_state(learner).number >= 3, 30, "the states of the learning policy")
    assert latest_state(learner).rows > 0

    explored = clock.now()
    wait_until(lambda: clock.now() > explored + timedelta(days=WAITED + 1), 60, "the last reward")
    version = trained(model, start=began - timedelta(days=1), end=clock.now())
    edit_point(point_id=point, edit=point_edit(model), now=datetime.now(UTC), **WHO)
    experiment = launch(project.id, point, version)
    wait_until(lambda: decided(edge)["assignment"] is not None, 30, "the experiment")
    driver.drive(Traffic(start=clock.now(), days=TESTED, per_day=PER_DAY), lambda _day, _run: None)

    control, treatment = driver.run.true_share(CONTROL), driver.run.true_share(TREATMENT)
    assert control is not None
    assert treatment is not None
    assert treatment > 1.2 * control, "the truth of what was shown"
    wait_until(lambda: verdict_of(experiment) is VerdictState.SHIP, 60, "the verdict")
    wait_until(lambda: proposal_of(experiment) is not None, 30, "the proposal")
    promote_and_take_back(proposal_of(experiment).id, edge)


def make_point(project: int) -> tuple[int, int]:
    now = datetime.now(UTC)
    model = create_model(project_id=project, key="ad-clicks", name="Clicks", domain="ad_placement", now=now, **WHO)
    draft = PointDraft(
        key=SLOTS.point, name="Home", domain="ad_placement", model_id=model, slate_size=SLOTS.size, deadline_ms=500
    )
    return model, create_point(project_id=project, draft=draft, now=now, **WHO)


def point_edit(model: int, learner: int | None = None) -> PointEdit:
    return PointEdit(name="Home", model_id=model, slate_size=SLOTS.size, deadline_ms=500, learner_id=learner)


def explore(point: int, model: int) -> int:
    """Let a learning policy serve all traffic, with much exploration, and return it."""
    draft = LearnerDraft(
        key="explorer", name="Explorer", kind=LearnerKind.BETA, reward="clicked", floor=0.6, update_minutes=1_440
    )
    learner = create_learner(point_id=point, draft=draft, now=datetime.now(UTC), **WHO)
    edit_point(point_id=point, edit=point_edit(model, learner), now=datetime.now(UTC), **WHO)
    return learner


def trained(model: int, *, start: datetime, end: datetime) -> int:
    """Return the version that a worker trained on what was shown, and that its gate let pass."""
    order = TrainingOrder(recipe="hashed_logistic", data_start=start, data_end=end)
    run_id = order_training(model_id=model, order=order, now=datetime.now(UTC), **WHO)
    ended = (RunState.SUCCEEDED, RunState.REFUSED, RunState.FAILED)
    wait_until(lambda: run_by_id(run_id).state in ended, 120, "the training")
    run = run_by_id(run_id)
    assert run.state is RunState.SUCCEEDED, (run.error, run.gate.get("reasons"), run.metrics)
    assert run.version_id is not None
    return run.version_id


def launch(project: int, point: int, version: int) -> int:
    """Return a running experiment of the baseline against the version, decided by the share who click."""
    now = datetime.now(UTC)
    metric = create_metric(
        project_id=project,
        definition=MetricDefinition(
            key="clicked",
            name="Share who click",
            kind="CONVERSION",
            numerator_events=[CLICKED],
            numerator_what="ANY",
            window_hours=24,
        ),
        now=now,
        **WHO,
    )
    draft = ExperimentDraft(
        key="ads-test",
        name="Creatives by predicted clicks",
        hypothesis="Creatives that fit the device of a visitor are clicked more often than those that pay best.",
        variants=[
            VariantDraft(CONTROL, "Bid and past clicks", HALF, control=True),
            VariantDraft(TREATMENT, "Trained", HALF),
        ],
        metrics=[MetricDraft(metric, "DECISION")],
        horizon_days=TESTED + 1,
        minimum_effect=0.2,
        plan_overrides=dict(STRICT),
        dimensions=DIMENSIONS,
        personalised=True,
    )
    experiment = create_experiment(project_id=project, draft=draft, now=now, **WHO)
    policies = {
        CONTROL: PolicyDraft(PolicyKind.BASELINE),
        TREATMENT: PolicyDraft(PolicyKind.MODEL_RANKED, version_id=version),
    }
    bind_experiment(experiment_id=experiment, point_id=point, policies=policies, now=now, **WHO)
    lifecycle.submit(experiment_id=experiment, now=now, **WHO)
    lifecycle.launch(experiment_id=experiment, now=now, reason="To learn which is better", **WHO)
    return experiment


def promote_and_take_back(proposal: int, edge: EdgeClient) -> None:
    """Approve, see the version serve everybody, roll back, and see the baseline serve again."""
    words = {"proposal_id": proposal, "reason": "The experiment won", **WHO}
    assert approve(now=datetime.now(UTC), **words) is ProposalState.PROMOTED
    wait_until(lambda: decided(edge)["reason"] == "MODEL", 10, "the champion")
    roll_back(now=datetime.now(UTC), **words)
    wait_until(lambda: decided(edge)["reason"] == "BASELINE", 10, "the baseline")


def decided(edge: EdgeClient) -> dict:
    """Return what is decided for a probe, which is shown to nobody; nothing while the edge does not know the point."""
    try:
        return edge.decide(SLOTS.point, "probe", context={"slot": SLOTS.slot, "device": "phone"})
    except RuntimeError:
        return {"reason": None, "assignment": None}


def verdict_of(experiment: int) -> VerdictState | None:
    look = latest_look(experiment)
    return None if look is None else look.verdict.state


def wait_until(condition, seconds: float, what: str) -> None:
    ends = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < ends, f"{what} did not come in {seconds} s"
        time.sleep(0.2)
