"""The management API of prices: who was offered what when, and what may be struck through."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from foundation.actions.projects import issue_api_key
from tests.decisions.prices import make_price_batch, make_price_point, offer
from tests.fixtures.records import ACTOR, NOW, make_project

pytestmark = pytest.mark.django_db
JSON = "application/json"
TODAY = datetime.now(UTC).replace(microsecond=0)


def ago(days: float) -> datetime:
    return TODAY - timedelta(days=days)


@pytest.fixture
def project() -> int:
    return make_project()


@pytest.fixture
def key(project: int) -> str:
    return issue_api_key(project_id=project, kind="server", name="k", acting_user=ACTOR, now=NOW).secret


def get(path: str, key: str | None, **query: str) -> Any:
    return Client().get(path, query, headers={"Authorization": f"Bearer {key}"} if key else {})


def strike(body: object, key: str | None) -> Any:
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    sent = json.dumps(body)
    return Client().post("/api/v1/prices/strike-through", sent, content_type=JSON, headers=headers)


def reduced(project: int, *, lowest: int = 100) -> None:
    """Let the mug cost 100 for long, `lowest` for some days, and 80 now; currency units."""
    for price, since, until in ((100, 60, 20), (lowest, 20, 15), (100, 15, 5), (80, 5, None)):
        offer(project, price * 1_000_000, ago(since), None if until is None else ago(until))


def test_price__of_a_moment__says_what_everybody_was_offered_and_what_decided_it(project, key):
    batch = make_price_batch(make_price_point(project), at=ago(5), mug=80_000_000)
    offer(project, 100_000_000, ago(60), ago(5))
    offer(project, 80_000_000, ago(5), batch_id=batch)
    told = get("/api/v1/prices/mug", key, at=ago(1).isoformat()).json()
    assert told["offer"] == {
        "price": 80.0,
        "offered_since": ago(5).isoformat().replace("+00:00", "Z"),
        "offered_until": None,
        "origin": "batch",
        "batch": batch,
    }
    assert (told["decision"]["batch"], told["decision"]["decision_point"]) == (batch, "prices")
    assert (told["lowest_30_days"]["price"], told["currency"]) == (80.0, "USD")
    assert [entry["price"] for entry in told["history"]] == [80.0, 100.0]
    before = get("/api/v1/prices/mug", key, at=ago(9).isoformat()).json()
    assert (before["offer"]["price"], before["offer"]["origin"], before["decision"]) == (100.0, "shop", None)


def test_price__without_a_moment__is_that_of_now(project, key):
    offer(project, 80_000_000, ago(5))
    assert get("/api/v1/prices/mug", key).json()["offer"]["price"] == 80.0


@pytest.mark.parametrize("at", ["yesterday", "2026-03-02", "2026-03-02T12:00:00", ""])
def test_price__moment_that_is_none__is_400(project, key, at):
    offer(project, 80_000_000, ago(5))
    assert get("/api/v1/prices/mug", key, at=at).status_code == 400


def test_price__item_of_another_project__does_not_exist(project, key):
    offer(make_project(key="other"), 80_000_000, ago(5))
    assert get("/api/v1/prices/mug", key).status_code == 404


def test_prices__without_a_server_key__are_401(project):
    client = issue_api_key(project_id=project, kind="client", name="c", acting_user=ACTOR, now=NOW).secret
    for key in (None, client):
        assert get("/api/v1/prices/mug", key).status_code == 401
        assert strike({"item": "mug", "price": 100}, key).status_code == 401


def test_strike_through__price_of_the_30_days_before__is_allowed(project, key):
    reduced(project)
    answer = strike({"item": "mug", "price": "100"}, key)
    assert answer.status_code == 200
    told = answer.json()
    assert (told["price"], told["price_now"], told["lowest"]["price"]) == (100.0, 80.0, 100.0)


def test_strike_through__price_above_the_lowest__is_refused_with_the_lowest_and_its_dates(project, key):
    reduced(project, lowest=70)
    answer = strike({"item": "mug", "price": 100}, key)
    assert (answer.status_code, answer["Content-Type"]) == (422, "application/problem+json")
    told = answer.json()
    assert told["code"] == "WAS_PRICE_TOO_HIGH"
    assert told["lowest"] == {
        "price": 70.0,
        "offered_since": ago(20).isoformat().replace("+00:00", "Z"),
        "offered_until": ago(15).isoformat().replace("+00:00", "Z"),
    }


def test_strike_through__history_that_is_not_known__is_refused_with_the_reason(project, key):
    offer(project, 100_000_000, ago(20), ago(5))
    offer(project, 80_000_000, ago(5))
    told = strike({"item": "mug", "price": 100}, key).json()
    assert (told["code"], told["known_since"]) == (
        "HISTORY_UNKNOWN",
        ago(20).isoformat().replace("+00:00", "Z"),
    )
    assert strike({"item": "jug", "price": 100}, key).json()["code"] == "NOT_OFFERED"


@pytest.mark.parametrize(
    "body",
    [
        {},
        [],
        {"item": "mug"},
        {"price": 1},
        {"item": "mug", "price": -1},
        {"item": "mug", "price": "much"},
        {"item": "mug", "price": "NaN"},
        {"item": "m" * 201, "price": 1},
    ],
)
def test_strike_through__bad_body__is_400(project, key, body):
    answer = strike(body, key)
    assert (answer.status_code, answer.json()["code"]) == (400, "BODY_INVALID")


@pytest.mark.parametrize("at", ["0001-01-01T00:00:00+00:00", "0001-01-20T00:00:00+14:00", "9999-12-31T23:59:59-14:00"])
def test_price__of_a_moment_at_the_ends_of_time__is_answered(project, key, at):
    offer(project, 100_000_000, ago(5))
    answer = get("/api/v1/prices/mug", key, at=at)
    assert answer.status_code in (200, 400)


def test_price__of_an_item_that_cannot_be_stored__is_not_known(project, key):
    assert get("/api/v1/prices/mu%00g", key).status_code == 404
