"""Orders of stores, from the first count to a promotion and the way back, in simulated stores of known truth.

A model is trained on past sales; its gate lets it pass; an experiment by item in a store and week tries it against a
lean rule that the shop has brought in to save cash. The cash of the weeks prefers the lean rule, which sells what it
does not replace; the profit with stock valued says what is true. Design, launch, promotion and the way back go through
the console.
"""

import json
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.core.management import call_command

from config.local.demo_records import STRICT, create_demo_project, simulated_origin
from decisions.actions.points import PointDraft, create_point
from decisions.actions.training import order_training
from decisions.models import PublishedBundle
from decisions.queries.promotions import proposal_of
from experiments.analysis.scorecard import Comparison
from experiments.models import Experiment
from experiments.queries.looks import latest_look
from experiments.queries.metrics import metric_ids
from experiments.vocabulary import Status, VerdictState
from models_registry.actions.models import create_model
from models_registry.actions.training import TrainingOrder
from models_registry.queries.runs import run_by_id
from models_registry.vocabulary import RunState
from simulation.edge_client import ConsoleClient, EdgeClient
from simulation.live import Clock
from simulation.restock.live import Office, OwnRule, StoreDriver, past
from simulation.restock.truth import RestockTruth, Shelves, draw_shelves, min_max
from tests.journeys.console import CONTROL, TREATMENT, Console, Design

pytestmark = pytest.mark.slow

SEED = 7
SECONDS_PER_DAY = 3.0
DAY_MINUTES = 1_440
PAST, WEEKS, PERIOD, BURN_IN = 70, 2, 7, 3
"""Days of sales to learn from; periods of the experiment; days of a period, and how many of them count for nothing."""
POINT = "store-orders"
WHO = {"acting_user": "shop"}
AMPLE, LEAN = OwnRule(reorder=6.5, level=7.0), OwnRule(reorder=0.5, level=1.0)
MODEL, BASELINE = "MODEL", "BASELINE"

Pump = Callable[[], None]


def test_restock__trained_tested_promoted_and_taken_back__by_profit_although_cash_says_otherwise(make_site, tmp_path):
    site = make_site()
    now = datetime.now(UTC)
    speed, origin = 86_400.0 / SECONDS_PER_DAY, simulated_origin(now, days=120)
    project = create_demo_project(key="stores", speed=speed, origin=origin, now=now)
    clock = Clock(origin=origin, started_at=now, speed=speed)
    shelves = draw_shelves(RestockTruth(), SEED)
    console = ConsoleClient(site.console_url, project.server_key)
    office = Office(EdgeClient(site.edge_url, project.client_key), console, clock, POINT)
    wait_until(lambda: PublishedBundle.objects.filter(project_id=project.id).exists(), 60, "the first bundle")
    model, point = make_point(project.id)
    backfill(project.key, shelves, origin, tmp_path / "past.jsonl")
    person = Console()
    experiment = designed(person, project.id, point)
    driver = StoreDriver(office=office, shelves=shelves, rule=AMPLE, settled=BURN_IN)
    driver.open(since=origin - timedelta(days=PAST + 10))

    version = trained(model, origin=origin, meanwhile=driver.keep_up)
    launch(person, experiment, point, version, meanwhile=driver.keep_up)
    driver.rule = LEAN
    wait_until(lambda: is_decided(experiment, 1.9 * len(shelves.means)), 120, "the verdict", driver.keep_up)
    assert (driver.run.rejected, driver.run.refused) == (0, [])
    assert_tried_as_meant(driver)
    assert_true(experiment, driver, shelves)

    wait_until(lambda: proposal_of(experiment) is not None, 30, "the proposal", driver.keep_up)
    proposal = proposal_of(experiment).id
    person.approve(proposal)
    assert Experiment.objects.get(pk=experiment).status == Status.CONCLUDED
    wait_until(lambda: reasons(console) == {MODEL}, 30, "the champion's batch", driver.keep_up)
    person.roll_back(proposal)
    wait_until(lambda: reasons(console) == {BASELINE}, 30, "the baseline's batch", driver.keep_up)


def make_point(project: int) -> tuple[int, int]:
    """Return a model and a decision point that makes a batch each midnight."""
    now = datetime.now(UTC)
    model = create_model(project_id=project, key="demand", name="Demand", domain="restock", now=now, **WHO)
    draft = PointDraft(
        key=POINT,
        name="Store orders",
        domain="restock",
        model_id=model,
        deadline_ms=500,
        settings={"service_level": 0.98},
        every_minutes=DAY_MINUTES,
    )
    point = create_point(project_id=project, draft=draft, now=now, **WHO)
    return model, point


def backfill(project: str, shelves: Shelves, origin: datetime, path: Path) -> None:
    """Store the sales of the days before the simulation begins."""
    messages = past(shelves, until=origin.date(), days=PAST)
    path.write_text("\n".join(json.dumps(message) for message in messages))
    call_command("backfill", project, path)


def trained(model: int, *, origin: datetime, meanwhile: Pump) -> int:
    """Return the version that a worker trained on past sales, and that its gate let pass."""
    order = TrainingOrder(
        recipe="exponential_smoothing", data_start=origin - timedelta(days=PAST), data_end=origin + timedelta(hours=1)
    )
    run_id = order_training(model_id=model, order=order, now=datetime.now(UTC), **WHO)
    ended = (RunState.SUCCEEDED, RunState.REFUSED, RunState.FAILED)
    wait_until(lambda: run_by_id(run_id).state in ended, 120, "the training", meanwhile)
    run = run_by_id(run_id)
    assert run.state is RunState.SUCCEEDED, (run.error, run.gate.get("reasons"), run.metrics)
    assert run.version_id is not None
    return run.version_id


def designed(person: Console, project: int, point: int) -> int:
    """Return a draft, written at the console: whether a treatment earns more than what the shop does by itself."""
    person.add_metrics(point)
    metrics = metric_ids(project, keys=["stock-profit", "cash-view", "revenue", "stock-out-rate"])
    design = Design(
        project=project,
        key="orders-test",
        name="Orders by forecast",
        hypothesis="Orders by forecast earn more than the lean rule saves, because shelves are empty less often.",
        unit_kind="store-item",
        metrics=[
            (metrics["stock-profit"], "DECISION", ""),
            (metrics["revenue"], "GUARDRAIL", "5"),
            (metrics["stock-out-rate"], "SECONDARY", ""),
            (metrics["cash-view"], "DIAGNOSTIC", ""),
        ],
        fields={
            "period_minutes": str(PERIOD * DAY_MINUTES),
            "burn_in_minutes": str(BURN_IN * DAY_MINUTES),
            "period_design": "BALANCED",
            "horizon_days": str(WEEKS * PERIOD + 1),
            "minimum_effect": "10",
            "plan_overrides": json.dumps(dict(STRICT)),
        },
    )
    return person.design(design)


def launch(person: Console, experiment: int, point: int, version: int, *, meanwhile: Pump) -> None:
    """Let the draft try the version against the shop's own rule, and launch it at the console."""
    meanwhile()
    person.bind(experiment, point, {CONTROL: "baseline", TREATMENT: f"version:{version}"})
    meanwhile()
    person.submit(experiment)
    meanwhile()
    person.launch(experiment)
    assert Experiment.objects.get(pk=experiment).status == Status.RUNNING


def assert_tried_as_meant(driver: StoreDriver) -> None:
    """Assert that both variants decided by what they were to decide by, and that the shop told what became of it."""
    run = driver.run
    assert {reason for variant, reason in run.reasons if variant == CONTROL} == {BASELINE}
    assert {reason for variant, reason in run.reasons if variant == TREATMENT} == {MODEL}
    assert all(run.words[status] > 0 for status in ("applied", "overridden", "failed"))


def assert_true(experiment: int, driver: StoreDriver, shelves: Shelves) -> None:
    """Assert that profit decided as the truth says, and that cash alone would have decided otherwise."""
    lean, ample = (shelves.up_to(rule.reorder, rule.level) for rule in (LEAN, AMPLE))
    assert shelves.steady_profit(min_max(*ample)) > shelves.steady_profit(min_max(*lean))
    control, treatment = driver.run.true_profit(CONTROL), driver.run.true_profit(TREATMENT)
    assert control is not None
    assert treatment is not None
    assert treatment > control, "the truth of what was served"
    profit, cash = compared(experiment, "stock-profit"), compared(experiment, "cash-view")
    assert (profit.absolute.interval.lower or 0.0) > 0.0
    assert (cash.absolute.interval.upper or 0.0) < 0.0


def is_decided(experiment: int, cells: float) -> bool:
    """Return whether the newest look has both periods and says that the treatment is to be shipped."""
    look = latest_look(experiment)
    if look is None or look.verdict.state is not VerdictState.SHIP:
        return False
    profit = look.scorecard.comparison("stock-profit", TREATMENT)
    return profit.control.n + profit.treatment.n >= cells


def compared(experiment: int, metric: str) -> Comparison:
    """Return the newest comparison of a metric."""
    look = latest_look(experiment)
    assert look is not None
    return look.scorecard.comparison(metric, TREATMENT)


def reasons(console: ConsoleClient) -> set[str]:
    """Return by what the newest batch was decided."""
    newest = console.batches(POINT)[0]["batch"]
    return {decision["reason"] for decision in console.batch(newest)["decisions"]}


def wait_until(condition: Callable[[], bool], seconds: float, what: str, meanwhile: Pump = lambda: None) -> None:
    """Let the stores live until something holds."""
    ends = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < ends, f"{what} did not come in {seconds} s"
        meanwhile()
        time.sleep(0.1)
