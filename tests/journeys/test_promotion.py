"""A proposal is approved and taken back: every edge process follows within five seconds, and the lineage is whole."""

import json
import time
import urllib.request

import pytest

from config.local import processes
from config.local.processes import Supervised
from config.local.server import HOST, free_port
from decisions.actions.catalogue import publish_catalogue, put_items
from decisions.actions.promotion import approve, roll_back
from decisions.queries.lineage import decision_lineage
from decisions.queries.made import DecisionUnknown
from foundation.actions.projects import issue_api_key
from tests.experiments.reports import material
from tests.fixtures.records import ACTOR, NOW, make_project
from tests.fixtures.registry import (
    ITEM_IDS,
    REVISION,
    make_champion,
    make_model,
    make_point,
    make_proposal,
    make_version,
)
from tests.journeys.test_worker_killed import wait_until

pytestmark = pytest.mark.slow

LONGEST_SWITCH = 5.0


@pytest.fixture
def second_edge(make_site, database_url):
    """Return a site and the address of an edge process beside its own, of the same environment."""
    site = make_site(roles=("edge", "worker", "beat"))
    port = free_port()
    log = site.state / "second-edge.log"
    process = Supervised(processes.edge(host=HOST, port=port), environment=site.environment, log=log)
    process.start()
    yield site, [site.edge_url, f"http://{HOST}:{port}"]
    process.kill()


def test_promotion_and_rollback__reach_every_edge_process_within_five_seconds(second_edge):
    _site, edges = second_edge
    project = make_project(now=material.START)
    model = make_model(project)
    point = make_point(project, model)
    put_items(project_id=project, items=[{"item_id": item, "stock": 5} for item in ITEM_IDS])
    publish_catalogue(project_id=project, now=NOW)
    first, second = make_version(model, first=1.0), make_version(model, first=2.0)
    make_champion(first, now=material.START)
    key = issue_api_key(project_id=project, kind="server", name="Shop", acting_user=ACTOR, now=NOW).secret
    proposal = make_proposal(project, point, second)
    for edge in edges:
        wait_until(lambda edge=edge: serving(edge, key) == 1, 60, f"the first champion on {edge}")

    words = {"acting_user": ACTOR, "reason": "The evidence is clear."}
    approve(proposal_id=proposal, now=material.NOW, **words)
    took = [
        wait_until(lambda edge=edge: serving(edge, key) == 2, LONGEST_SWITCH, f"the champion on {edge}")
        for edge in edges
    ]
    roll_back(proposal_id=proposal, now=material.NOW, **words)
    took += [
        wait_until(lambda edge=edge: serving(edge, key) == 1, LONGEST_SWITCH, f"the one before on {edge}")
        for edge in edges
    ]
    assert max(took) < LONGEST_SWITCH

    decision = decide(edges[0], key)
    assert (decision["policy"], decision["reason"]) == ("model_ranked", "MODEL")
    lineage = wait_for_lineage(decision["decision_id"], project)
    assert (lineage["number"], lineage["code_revision"]) == (1, REVISION)
    assert lineage["training_run"]["id"] > 0


def serving(edge: str, key: str) -> int | None:
    """Return the number of the model version that an edge process decides by."""
    try:
        model = decide(edge, key)["model"]
    except OSError:
        return None
    return model["version"] if model else None


def decide(edge: str, key: str) -> dict:
    """Return what an edge process decides for a customer with a history, whom the experiment on visitors leaves out."""
    body = {"units": {"customer": "somebody"}, "context": {"recent_items": ["lamp"]}}
    request = urllib.request.Request(
        f"{edge}/v1/decisions/home",
        json.dumps(body).encode(),
        {"Content-Type": "application/json", "Authorization": f"Bearer {key}"},
    )
    with urllib.request.urlopen(request, timeout=5) as answer:
        return json.load(answer)


def wait_for_lineage(decision_id: str, project: int) -> dict:
    """Return the lineage of a decision once the log has it."""
    for _ in range(100):
        try:
            return decision_lineage(decision_id, project_ids=[project])["model_version"]
        except DecisionUnknown:
            time.sleep(0.1)
    raise AssertionError("the decision was not logged within ten seconds")
