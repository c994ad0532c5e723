"""Live experiments through HTTP with known truth: right verdicts, harmless replay, rebuild to the byte."""

import time
from datetime import UTC, datetime, timedelta

import pytest

from config.local.demo_records import create_demo_project, launch_experiments, simulated_origin
from decisions.actions.rebuilding import rebuild_project
from decisions.queries.log import log_digest, log_facts
from experiments.analysis.scorecard import Outcome
from experiments.models import Experiment
from experiments.queries.evidence import evidence_facts
from experiments.queries.looks import latest_look
from experiments.vocabulary import VerdictState
from simulation.catalogue import draw_catalogue
from simulation.designs import ExperimentDesign, experiment
from simulation.edge_client import EdgeClient
from simulation.live import LEAD, Clock, Driver, Placement, Traffic, replay
from simulation.profiles import DIMENSIONS
from simulation.storefront import Shop
from simulation.truth import Effect, Truth

pytestmark = pytest.mark.slow

SECONDS_PER_DAY = 3.0
DAYS = 14
WINDOW = 7
PER_DAY = 300
WINNER = ExperimentDesign(
    key="one-page-checkout",
    name="One-page checkout",
    hypothesis="One page instead of three loses fewer visitors on the way to the order.",
    treatment="one-page",
    control_name="Three steps",
    treatment_name="One page",
    metrics=(("conversion", "DECISION", None), ("revenue", "SECONDARY", None), ("views", "GUARDRAIL", 0.25)),
)
HARMFUL = experiment("pushy-upsell")
PARTS = ("SAMPLE_RATIO_DAYS", "SAMPLE_RATIO_LEVELS", "FILTER_BALANCE")
"""Checks that look into parts of the traffic: days, levels of the dimensions, and whom the filter leaves out."""
TRUTH = Truth(
    views=2.0,
    history=2.0,
    wanting=0.4,
    effects={WINNER.key: Effect(checkout=1.6), HARMFUL.key: Effect(checkout=0.4, order_value=1.2)},
)


def live(make_site):
    """Run both experiments on the same visitors and return (project, ids, client, driver) once the last look came."""
    site = make_site()
    now = datetime.now(UTC)
    speed = 86_400.0 / SECONDS_PER_DAY
    project = create_demo_project(key="journey", speed=speed, origin=simulated_origin(now), now=now)
    ids = launch_experiments(project_id=project.id, designs=(WINNER, HARMFUL), now=datetime.now(UTC))
    client = EdgeClient(site.edge_url, project.client_key)
    wait_until(lambda: served(client) == set(ids), 30, "the edge serves the experiments")
    clock = Clock(origin=simulated_origin(now), started_at=now, speed=speed)
    driver = Driver(
        client=client,
        shop=Shop(TRUTH, 7, draw_catalogue(TRUTH, 7)),
        clock=clock,
        placement=Placement(plain=tuple(ids)),
    )
    traffic = Traffic(start=clock.now() + LEAD, days=DAYS, per_day=PER_DAY)
    driver.drive(traffic, lambda day, done: None)
    end = traffic.start + timedelta(days=DAYS + WINDOW)

    def finished() -> bool:
        look = latest_look(ids[WINNER.key])
        return look is not None and look.scorecard.window_end >= end

    wait_until(finished, 60, "the last look")
    return project, ids, client, driver.run


def served(client: EdgeClient) -> set[str]:
    try:
        return {entry["experiment"] for entry in client.assign("probe")["assignments"]}
    except RuntimeError:
        return set()


def wait_until(condition, seconds: float, what: str) -> None:
    ends = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < ends, f"{what} did not come in {seconds} s"
        time.sleep(0.2)


def test_live_experiments__a_winner_and_a_harm__are_shipped_and_stopped_and_survive_replay_and_rebuild(make_site):
    project, ids, client, run = live(make_site)
    assert run.rejected == 0
    won, harmed = (latest_look(ids[design.key]) for design in (WINNER, HARMFUL))
    assert won is not None
    assert harmed is not None
    assert (won.verdict.state, won.verdict.winner) == (VerdictState.SHIP, WINNER.treatment)
    assert harmed.verdict.state is VerdictState.STOP_FOR_HARM
    card = won.scorecard
    assert {family.dimension for family in card.segments} == set(DIMENSIONS)
    assert 0 < card.exclusions.filtered < 0.05 * DAYS * PER_DAY
    assert all(comparison.unfiltered is not None for comparison in card.comparisons)
    assert {card.check(code).outcome for code in PARTS} == {Outcome.PASSED}
    stopped = Experiment.objects.get(pk=ids[HARMFUL.key])
    assert stopped.status == "STOPPED"
    assert stopped.stopped_at is not None
    assert Experiment.objects.get(pk=ids[WINNER.key]).status == "RUNNING"
    wait_until(lambda: log_facts(project.id).messages >= len(run.messages), 10, "the whole log")
    time.sleep(4)
    evidence, log = evidence_facts(project.id), log_digest(project.id)
    assert evidence.exposures == sum(run.exposed.values())
    assert run.exposures(HARMFUL.key) <= run.exposures(WINNER.key) == DAYS * PER_DAY
    assert served(client) == {WINNER.key}
    assert evidence.quarantined == 0
    assert replay(client=client, messages=run.messages) == 0
    time.sleep(4)
    assert evidence_facts(project.id) == evidence
    assert log_digest(project.id) == log
    rebuilt = rebuild_project(project_key=project.key)
    assert rebuilt.identical, list(rebuilt.lines())
    assert rebuilt.experiments == 2
