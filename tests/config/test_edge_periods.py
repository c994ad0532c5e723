"""Units by period at the edge: from an assignment to the exposure of a cell, with a token and without."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from config.edge import Edge
from config.local.embedded import Postgres
from decisions.ingest.receive import receive
from decisions.serving.answers import read_request
from decisions.vocabulary import KeyKind
from experiments.assignment.bucketing import SLOTS
from tests.config.edges import call, log_of, start_edge
from tests.decisions.published import intake, live, message, publish, text_of
from tests.experiments.assignment.builders import arms, experiment

PERIOD = {"minutes": 1440, "anchor": "2026-01-01T00:00:00+00:00", "design": "BALANCED", "burn_in": 0, "block": 2}
HALVES = arms(SLOTS // 2, SLOTS // 2)


def by_period(identity: int = 1, kind: str = "item", **changes: Any) -> dict[str, Any]:
    """Return an experiment by day on units of a kind, each variant with a budget."""
    variants = [variant | {"budget": 50_000_000} for variant in HALVES]
    return experiment(identity, unit_kind=kind, period=PERIOD | changes, variants=variants)


def index_of(at: datetime) -> int:
    return (at - datetime(2026, 1, 1, tzinfo=UTC)) // timedelta(days=1)


def test_assignments__item_by_period__says_the_period_and_the_budget_and_its_exposure_is_of_the_cell(
    postgres: Postgres, tmp_path: Path
) -> None:
    publish(postgres.url, text_of(by_period(), by_period(2, "store-item"), by_period(3, "cluster"), experiment(4)))
    edge = start_edge(postgres.url, tmp_path)
    try:
        _meets_its_cells(edge, postgres)
    finally:
        edge.close()


def _meets_its_cells(edge: Edge, postgres: Postgres) -> None:
    units = {"item": "shirt", "store": "north", "cluster": "tops", "visitor": "v-1"}
    before = index_of(datetime.now(UTC))
    body = call(edge, "/v1/assignments", {"units": units}).json
    by_key = {found["experiment"]: found for found in body["assignments"]}
    assert all(by_key[f"experiment-{n}"]["period"] in (before, index_of(datetime.now(UTC))) for n in (1, 2, 3))
    assert all(by_key[f"experiment-{n}"]["budget"] == 50_000_000 for n in (1, 2, 3))
    assert "period" not in by_key["experiment-4"]
    assert "budget" not in by_key["experiment-4"]
    sent = {
        "messageId": "m-1",
        "event": "Experiment Viewed",
        "anonymousId": "v-1",
        "properties": {
            "decision_token": body["decision_token"],
            "product_id": "shirt",
            "store_id": "north",
            "cluster_id": "tops",
        },
    }
    assert call(edge, "/v1/track", sent).status == 202
    (row,) = log_of(postgres)
    period = by_key["experiment-1"]["period"]
    found = {entry["experiment"]: (entry["unit"], entry["unit_kind"], entry["reason"]) for entry in row[-1]}
    assert found[1] == (f"shirt|{period}", "item", None)
    assert found[2] == (f"north|shirt|{period}", "store-item", None)
    assert found[3] == (f"tops|{period}", "cluster", None)
    assert found[4][1:] == ("visitor", None)


@pytest.mark.parametrize(
    ("properties", "verification"), [({"attributes": {}}, "RECOMPUTED"), ({"variant": "control"}, "UNVERIFIED")]
)
def test_receive__exposure_without_a_token__is_of_the_cell_of_its_time(properties, verification):
    at = datetime(2026, 5, 20, 15, tzinfo=UTC)
    bundle = live(by_period(burn_in=60))
    around = intake(bundle, key=KeyKind.SERVER, now=at)
    told = properties | {"experiment": "experiment-1", "product_id": "shirt"}
    sent = message(event="Experiment Viewed", properties=told, timestamp=at.isoformat())
    enrolment = _enrolment(sent, around)
    assert (enrolment["unit"], enrolment["verification"]) == (f"shirt|{index_of(at)}", verification)
    assert enrolment["reason"] is None
    early = sent | {"timestamp": at.replace(hour=0, minute=59).isoformat()}
    assert _enrolment(early, around)["reason"] == "NOT_ENROLLED"


def _enrolment(sent: dict[str, Any], around: Any) -> dict[str, Any]:
    received = receive([json.dumps(sent).encode()], None, around)
    (row,) = received.rows
    (enrolment,) = json.loads(row.enrolments or "[]")
    return dict(enrolment)


def test_read_request__store_and_item__names_the_item_in_the_store():
    request = read_request(b'{"units": {"store": "north", "item": "shirt"}}')
    assert request.units == {"store": "north", "item": "shirt", "store-item": "north|shirt"}
