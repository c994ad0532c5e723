"""A live experiment through HTTP with known truth: right verdict, harmless replay, rebuild to the byte."""

import time
from datetime import UTC, datetime, timedelta

import pytest

from config.local.demo_records import EXPERIMENT, create_demo, simulated_origin
from decisions.actions.rebuilding import rebuild_project
from decisions.queries import log_digest, log_facts
from experiments.models import Experiment
from experiments.queries.evidence import evidence_facts
from experiments.queries.looks import latest_look
from experiments.vocabulary import VerdictState
from simulation.edge_client import EdgeClient
from simulation.live import Clock, Traffic, drive, replay
from simulation.truth import Truth

pytestmark = pytest.mark.slow

SECONDS_PER_DAY = 3.0
DAYS = 14
WINDOW = 7


def live(make_site, truth: Truth, per_day: int):
    """Run the whole experiment and return (records, client, run) once the last look has come."""
    site = make_site()
    now = datetime.now(UTC)
    speed = 86_400.0 / SECONDS_PER_DAY
    records = create_demo(key="journey", speed=speed, origin=simulated_origin(now), now=now)
    client = EdgeClient(site.edge_url, records.client_key)
    wait_until(lambda: served(client), 30, "the edge serves the experiment")
    clock = Clock(origin=simulated_origin(now), started_at=now, speed=speed)
    traffic = Traffic(start=clock.now(), days=DAYS, per_day=per_day, seed=7)
    run = drive(
        client=client, experiment=EXPERIMENT, clock=clock, traffic=traffic, truth=truth, tell=lambda day, done: None
    )
    end = traffic.start + timedelta(days=DAYS + WINDOW)
    stopped = Experiment.objects.filter(pk=records.experiment_id, status="STOPPED")

    def finished() -> bool:
        look = latest_look(records.experiment_id)
        return stopped.exists() or (look is not None and look.scorecard.window_end >= end)

    wait_until(finished, 60, "the last look")
    return records, client, run


def served(client: EdgeClient) -> bool:
    try:
        return bool(client.assign("probe")["assignments"])
    except RuntimeError:
        return False


def wait_until(condition, seconds: float, what: str) -> None:
    ends = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < ends, f"{what} did not come in {seconds} s"
        time.sleep(0.2)


def test_live_experiment__true_winner__is_shipped_and_survives_replay_and_rebuild(make_site):
    records, client, run = live(make_site, Truth(conversion_lift=0.8, views=2.0, views_lift=0.1), per_day=250)
    assert run.rejected == 0
    look = latest_look(records.experiment_id)
    assert look is not None
    assert (look.verdict.state, look.verdict.winner) == (VerdictState.SHIP, "one-page")
    wait_until(lambda: log_facts(records.project_id).messages >= len(run.messages), 10, "the whole log")
    time.sleep(4)
    evidence, log = evidence_facts(records.project_id), log_digest(records.project_id)
    assert evidence.exposures == sum(run.variants.values())
    assert evidence.quarantined == 0
    assert replay(client=client, run=run) == 0
    time.sleep(4)
    assert evidence_facts(records.project_id) == evidence
    assert log_digest(records.project_id) == log
    rebuilt = rebuild_project(project_key=records.project_key)
    assert rebuilt.identical, list(rebuilt.lines())
    assert rebuilt.experiments == 1


def test_live_experiment__true_harm__is_stopped_by_the_frozen_rule(make_site):
    records, _, _ = live(make_site, Truth(conversion_lift=-0.7, conversion=0.3, views=2.0), per_day=200)
    experiment = Experiment.objects.get(pk=records.experiment_id)
    look = latest_look(records.experiment_id)
    assert look is not None
    assert look.verdict.state is VerdictState.STOP_FOR_HARM
    assert experiment.status == "STOPPED"
    assert experiment.stopped_at is not None
