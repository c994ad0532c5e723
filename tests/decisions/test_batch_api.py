"""The management API of batches: what was decided goes out, what was done comes back, other projects do not exist."""

import csv
import io
import json
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

import pytest
from django.test import Client

from decisions.actions.posting import webhook_secret
from decisions.models import BatchDecision, DecisionBatch
from foundation.actions.projects import issue_api_key
from foundation.queries import project_facts
from tests.fixtures.batches import made, make_batch_point, make_priced, make_stocked
from tests.fixtures.records import ACTOR, NOW, make_project

pytestmark = pytest.mark.django_db

JSON = "application/json"
MIDNIGHT = datetime(2026, 3, 3, tzinfo=UTC)


@pytest.fixture
def batch() -> DecisionBatch:
    project = make_project()
    make_priced(project, {"=mug": 20.0, "pan": 30.0})
    return made(project, make_batch_point(project), due_at=MIDNIGHT)


def key_of(project: int, kind: str = "server") -> str:
    return issue_api_key(project_id=project, kind=kind, name="k", acting_user=ACTOR, now=NOW).secret


def get(path: str, key: str | None) -> Any:
    return Client().get(path, headers={"Authorization": f"Bearer {key}"} if key else {})


def post(path: str, body: object, key: str) -> Any:
    headers = {"Authorization": f"Bearer {key}"}
    return Client().post(path, json.dumps(body), content_type=JSON, headers=headers)


def address(batch: DecisionBatch, rest: str = "") -> str:
    return f"/api/v1/batches/{batch.pk}{rest}"


def test_batches__of_a_point__are_listed_newest_first(batch):
    project = batch.point.project_id
    newer = made(project, batch.point_id, due_at=MIDNIGHT + timedelta(days=1))
    key = key_of(project)
    told = get("/api/v1/batches?point=prices", key).json()
    assert [entry["batch"] for entry in told["batches"]] == [newer.pk, batch.pk]
    assert told["next"] == batch.pk
    first = told["batches"][1]
    assert (first["state"], first["decisions"], first["due_at"]) == ("MADE", 2, "2026-03-03T00:00:00+00:00")
    assert first["acknowledged"] == {"pending": 2}
    older = get(f"/api/v1/batches?point=prices&before={newer.pk}", key).json()
    assert [entry["batch"] for entry in older["batches"]] == [batch.pk]
    assert get(f"/api/v1/batches?point=prices&before={batch.pk}", key).json() == {"batches": [], "next": None}


@pytest.mark.parametrize(("query", "status"), [("", 404), ("?point=hats", 404), ("?point=%00", 404)])
def test_batches__of_a_point_that_is_not_there__is_404(batch, query, status):
    assert get(f"/api/v1/batches{query}", key_of(batch.point.project_id)).status_code == status


@pytest.mark.parametrize("before", ["x", "-1", "1.5", "9" * 30, "²"])
def test_batches__before_that_is_no_number__is_400(batch, before):
    key = key_of(batch.point.project_id)
    assert get(f"/api/v1/batches?point=prices&before={before}", key).status_code == 400


def test_batch__as_document__has_the_bytes_of_its_digest_and_is_delivered(batch):
    key = key_of(batch.point.project_id)
    answer = get(address(batch), key)
    assert (answer.status_code, answer["Content-Type"]) == (200, JSON)
    assert sha256(answer.content).hexdigest() == batch.sha256
    assert DecisionBatch.objects.get().state == "DELIVERED"
    delivered = DecisionBatch.objects.get().delivered_at
    post(address(batch, "/acknowledgements"), {"items": [{"subject": "pan", "status": "applied"}]}, key)
    assert get(address(batch), key).content == answer.content
    assert DecisionBatch.objects.get().delivered_at == delivered


def test_batch__as_table__cannot_be_taken_for_formulas_and_is_delivered(batch):
    answer = get(address(batch, ".csv"), key_of(batch.point.project_id))
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    assert answer["Content-Disposition"] == f'attachment; filename="batch-{batch.pk}.csv"'
    lines = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert [(line["subject"], line["value"], line["before"]) for line in lines] == [
        ("'=mug", "20.00", "20.00"),
        ("pan", "30.00", "30.00"),
    ]
    assert lines[0]["decision_id"] == BatchDecision.objects.get(subject="=mug").decision_id
    assert DecisionBatch.objects.get().state == "DELIVERED"


def test_batch__of_orders__names_store_and_item_and_whole_pieces():
    project = make_project()
    make_stocked(project, ["north"], ["mug"], at=MIDNIGHT)
    batch = made(project, make_batch_point(project, "restock", key="orders"), due_at=MIDNIGHT)
    (told,) = get(address(batch), key_of(project)).json()["decisions"]
    assert (told["subject"], told["store"], told["item"]) == ("north|mug", "north", "mug")
    assert (told["value"].isdigit(), told["before"]) == (True, "0")


def test_acknowledgements__mixed__tell_what_became_of_each(batch):
    words = [
        {"subject": "=mug", "status": "overridden", "value": "19.99", "note": "Rounded"},
        {"subject": "pan", "status": "done"},
        {"subject": "cup", "status": "applied"},
    ]
    key = key_of(batch.point.project_id)
    answer = post(address(batch, "/acknowledgements"), {"items": words}, key)
    assert answer.json() == {
        "applied": 0,
        "overridden": 1,
        "failed": 0,
        "unchanged": 0,
        "refused": [
            {"index": 1, "subject": "pan", "reason": "status must be one of: applied, overridden, failed."},
            {"index": 2, "subject": "cup", "reason": "The batch has no such subject."},
        ],
    }
    assert post(address(batch, "/acknowledgements"), {"items": words[:1]}, key).json()["unchanged"] == 1
    assert get("/api/v1/batches?point=prices", key).json()["batches"][0]["acknowledged"] == {
        "overridden": 1,
        "pending": 1,
    }


@pytest.mark.parametrize("body", [[], {}, {"items": {}}, {"items": [], "more": 1}, {"items": [{}] * 10_001}])
def test_acknowledgements__body_of_another_form__is_400(batch, body):
    assert post(address(batch, "/acknowledgements"), body, key_of(batch.point.project_id)).status_code == 400


@pytest.mark.parametrize("rest", ["", ".csv"])
def test_batch__of_another_project__is_404_and_is_not_delivered(batch, rest):
    other = key_of(make_project(key="other"))
    assert get(address(batch, rest), other).status_code == 404
    assert get(f"/api/v1/batches/{2**70}{rest}", other).status_code == 404
    words = {"items": [{"subject": "pan", "status": "applied"}]}
    assert post(address(batch, "/acknowledgements"), words, other).status_code == 404
    assert get("/api/v1/batches?point=prices", other).status_code == 404
    assert DecisionBatch.objects.get().state == "MADE"
    assert set(BatchDecision.objects.values_list("state", flat=True)) == {"PENDING"}


@pytest.mark.parametrize("path", ["/api/v1/batches?point=prices", "/api/v1/webhook-secret"])
def test_batches__without_a_server_key__is_401(batch, path):
    for key in (None, key_of(batch.point.project_id, "client")):
        assert get(path, key).status_code == 401


def test_webhook_secret__of_the_own_project__is_the_one_that_signs(batch):
    project = batch.point.project_id
    told = get("/api/v1/webhook-secret", key_of(project)).json()
    assert told == {"secret": webhook_secret(project_facts(project).signing_key)}


def test_document__item_whose_id_has_a_bar__is_that_item():
    project = make_project()
    make_priced(project, {"mug|blue": 20.0})
    batch = made(project, make_batch_point(project), due_at=MIDNIGHT)
    (decided,) = get(address(batch), key_of(project)).json()["decisions"]
    assert (decided["subject"], decided["item"], decided["store"]) == ("mug|blue", "mug|blue", "")


def test_document__item_in_a_store_whose_id_has_a_bar__is_that_item():
    project = make_project()
    make_stocked(project, ["north"], ["mug|blue"], at=MIDNIGHT)
    batch = made(project, make_batch_point(project, "restock", key="orders"), due_at=MIDNIGHT)
    (decided,) = get(address(batch), key_of(project)).json()["decisions"]
    assert (decided["item"], decided["store"]) == ("mug|blue", "north")


@pytest.mark.parametrize("number", [2**63, 10**30])
def test_batch__number_that_none_can_have__does_not_exist(batch, number):
    key = key_of(batch.point.project_id)
    assert get(f"/api/v1/batches/{number}", key).status_code == 404
    assert post(f"/api/v1/batches/{number}/acknowledgements", {"items": []}, key).status_code == 404
