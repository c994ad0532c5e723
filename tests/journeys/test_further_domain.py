"""A further domain is one folder: console, training, edge and analysis work with it, and nothing else was changed."""

import json
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from config.local import processes
from config.local.processes import Supervised
from config.local.server import HOST, free_port
from decisions.actions.points import PolicyDraft, bind_experiment
from decisions.actions.projection import project_events
from decisions.actions.training import order_training
from decisions.domain import PolicyKind
from decisions.models import DecisionPoint, Item
from experiments.actions import lifecycle
from experiments.actions.analysis import analyse
from experiments.models import FirstExposure, Outcome
from experiments.queries.looks import latest_look
from foundation.actions.projects import issue_api_key
from foundation.models import Job
from models_registry.actions.models import create_model
from models_registry.actions.training import TrainingOrder
from models_registry.models import ModelVersion, TrainingRun
from tests.fixtures.added_domain import KEY, installed_domain
from tests.fixtures.messages import log
from tests.fixtures.records import ACTOR, make_draft, make_project, simulation_clock
from tests.fixtures.registry import log_decision
from tests.journeys.test_worker_killed import wait_until
from workers import runner

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]

WRAPS = {"silk": "red", "velvet": "red", "kraft": "brown", "coal": "black", "foil": "gold"}
ORDERED = "Order Completed"
LIKED = {"red": 0.2, "brown": 0.3, "black": 0.5, "gold": 0.9}


@pytest.fixture
def domain() -> Iterator[None]:
    """Have the domain where the others are."""
    with installed_domain():
        yield


@pytest.fixture
def console(domain: None) -> Client:
    """Return a person who may do everything."""
    client = Client()
    client.force_login(User.objects.create(username="manager", is_staff=True, is_superuser=True))
    return client


@pytest.fixture
def edge(own_directory: Any, database_url: str) -> Iterator[str]:
    """Return the address of an edge process that finds the domain where the others are."""
    port = free_port()
    program = processes.edge(host=HOST, port=port)
    command = ["tests.fixtures.added_domain_edge:application" if ":" in part else part for part in program.command]
    environment = {"DATABASE_URL": database_url, "TILTYARD_STATE_DIR": str(own_directory)}
    process = Supervised(replace(program, command=command), environment=environment, log=own_directory / "edge.log")
    process.start()
    yield f"http://{HOST}:{port}"
    process.kill()


def ask(address: str, body: object, key: str) -> Any:
    """Return the answer of the edge."""
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {key}"}
    request = urllib.request.Request(address, json.dumps(body).encode(), headers)
    with urllib.request.urlopen(request, timeout=5) as answer:
        return json.load(answer)


def send_wraps(project: int, key: str) -> None:
    """Send the collection through the console's route: whole actions taken, the others refused with their reason."""
    wraps = [{"item_id": wrap, "title": wrap.title(), "colour": colour} for wrap, colour in WRAPS.items()]
    faulty = [{"item_id": "bare"}, {"item_id": "odd", "colour": "red", "smell": "rose"}]
    answer = Client().put(
        "/v1/gift_wraps",
        json.dumps({"items": [*wraps, *faulty]}),
        content_type="application/json",
        headers={"Authorization": f"Bearer {key}"},
    )
    assert answer.status_code == 200, answer.content
    assert (answer.json()["created"], [entry["item_id"] for entry in answer.json()["refused"]]) == (5, ["bare", "odd"])
    assert set(Item.objects.filter(project_id=project).values_list("collection", flat=True)) == {"gift_wraps"}


def run_jobs(*kinds: str) -> None:
    """Run what was promised, as a worker does, without the pause that keeps publishing paced."""
    Job.objects.filter(kind__in=kinds, state="READY").update(run_after=timezone.now())
    for job in Job.objects.filter(kind__in=kinds, state="READY").order_by("pk"):
        assert runner.run(job_id=job.pk), job.kind


def make_point(console: Client, project: int, model: int) -> None:
    """Add the decision point by the admin's form."""
    added = console.post(
        "/admin/decisions/decisionpoint/add/",
        {
            "project": project,
            "key": "wraps",
            "name": "Wrappings",
            "domain": KEY,
            "model": model,
            "slate_size": 2,
            "deadline_ms": 1_000,
        },
    )
    assert added.status_code == 302, added.content.decode()[:2_000]


def trained_version(project: int, model: int, now: datetime) -> int:
    """Return the version that a training on what was offered and taken registered, through its job."""
    for number, wrap in enumerate(list(WRAPS) * 60):
        at = now - timedelta(hours=50) + timedelta(minutes=5 * number)
        visitor, offer = f"old-{number}", f"offer-{number}"
        log_decision(
            project, "wraps", decision_id=offer, at=at, visitor=visitor, displayed=True, actions=[[wrap, 0.2, 1.0]]
        )
        if (number // len(WRAPS)) % 10 < 10 * LIKED[WRAPS[wrap]]:
            taken, said = at + timedelta(minutes=2), {"product_id": wrap}
            message = {"message_id": f"taken-{number}", "event": "Product Added", "at": taken}
            log(project, visitor=visitor, properties=said, **message)
    order = TrainingOrder(recipe="by_colour", data_start=now - timedelta(hours=60), data_end=now, seed=3)
    order_training(model_id=model, order=order, acting_user=ACTOR, now=now)
    run_jobs("train")
    run = TrainingRun.objects.get()
    assert run.state == "SUCCEEDED", (run.error, run.gate.get("reasons"), run.metrics, run.dataset)
    return int(ModelVersion.objects.get().pk)


def make_experiment(project: int, version: int, now: datetime) -> int:
    """Return a running experiment of the baseline against the version."""
    experiment = make_draft(project, key="wrap-test", now=now)
    policies = {
        "control": PolicyDraft(PolicyKind.BASELINE),
        "treatment": PolicyDraft(PolicyKind.MODEL_RANKED, version),
    }
    point = DecisionPoint.objects.get().pk
    bind_experiment(experiment_id=experiment, point_id=point, policies=policies, acting_user=ACTOR, now=now)
    lifecycle.submit(experiment_id=experiment, acting_user=ACTOR, now=now)
    lifecycle.launch(experiment_id=experiment, acting_user=ACTOR, now=now)
    return experiment


def test_further_domain__as_one_folder__works_from_its_collection_to_the_verdict(console: Client, edge: str) -> None:
    now = timezone.now()
    project = make_project(now=now, clock=simulation_clock())
    key = issue_api_key(project_id=project, kind="server", name="Shop", acting_user=ACTOR, now=now).secret
    send_wraps(project, key)
    model = create_model(project_id=project, key="wrap-ranking", name="Wraps", domain=KEY, acting_user=ACTOR, now=now)
    make_point(console, project, model)
    version = trained_version(project, model, now)
    experiment = make_experiment(project, version, now)
    run_jobs("publish_catalogue")
    run_jobs("publish_bundle")

    address = f"{edge}/v1/decisions/wraps"
    wait_until(lambda: _is_served(address, key), 60, "the decision point")
    arms: dict[str, Any] = {}
    for number in range(80):
        body = {"units": {"visitor": f"v-{number}"}, "context": {"occasion": "wedding"}, "expose": True}
        answer = ask(address, body, key)
        arms.setdefault(answer["assignment"]["variant"], []).append((f"v-{number}", answer))
    _examine(arms)
    with pytest.raises(urllib.error.HTTPError) as refused:
        ask(address, {"units": {"visitor": "v"}, "context": {"weather": "rain"}}, key)
    assert "gift_wrap knows: occasion, exclude" in json.load(refused.value)["detail"]

    bought = [visitor for variant, every in (("treatment", 1), ("control", 4)) for visitor, _ in arms[variant][::every]]
    orders = [
        {
            "type": "track",
            "event": ORDERED,
            "messageId": f"order-{visitor}",
            "anonymousId": visitor,
            "timestamp": timezone.now().isoformat(),
            "properties": {"order_id": f"order-{visitor}", "revenue": 20, "currency": "USD"},
        }
        for visitor in bought
    ]
    assert ask(f"{edge}/v1/batch", {"batch": orders}, key)["results"][0]["status"] == "accepted"
    _examine_pages(console, arms["treatment"][0][1]["decision_id"])
    _examine_verdict(project, experiment, {variant: len(found) for variant, found in arms.items()})


def _is_served(address: str, key: str) -> bool:
    try:
        return bool(ask(address, {"units": {}}, key)["actions"])
    except OSError:
        return False


def _examine(arms: dict[str, Any]) -> None:
    """Control shows the baseline, treatment what its model prefers; no black for a wedding, no colour twice."""
    for variant, found in arms.items():
        for _, answer in found:
            items = [action["item"] for action in answer["actions"]]
            assert answer["exposed"]
            assert len({WRAPS[item] for item in items}) == 2
            assert "coal" not in items
            if variant == "treatment":
                assert (answer["reason"], items) == ("MODEL", ["foil", "kraft"])
            else:
                assert (answer["reason"], answer["policy"]) == ("BASELINE", "baseline")


def _examine_pages(console: Client, decision_id: str) -> None:
    """The pages of the decision point and of the decision tell what was decided, once the log has it."""
    for _ in range(100):
        page = console.get(f"/d/wraps/{decision_id}")
        if page.status_code == 200:
            break
        time.sleep(0.1)
    assert page.status_code == 200
    assert b"foil" in page.content.lower()
    assert console.get("/d/wraps").status_code == 200
    assert console.get("/m/wrap-ranking").status_code == 200


def _examine_verdict(project: int, experiment: int, units: dict[str, int]) -> None:
    """The analysis counts every exposed unit in its variant, and judges."""

    def is_projected() -> bool:
        project_events(project_id=project)
        return FirstExposure.objects.count() == sum(units.values()) and Outcome.objects.filter(event=ORDERED).exists()

    wait_until(is_projected, 30, "what the edge wrote")
    end = timezone.now() + timedelta(days=9)
    analyse(experiment_id=experiment, window_end=end, received_before=end + timedelta(days=1), now=end)
    look = latest_look(experiment)
    assert look is not None
    (compared,) = look.scorecard.comparisons
    assert (compared.control.n, compared.treatment.n) == (units["control"], units["treatment"])
    assert compared.treatment.numerator == units["treatment"]
    assert look.verdict.state
