"""The management API of decisions: server keys only, problems by RFC 9457, other projects do not exist."""

import json

import pytest
from django.test import Client

from decisions.models import Item
from foundation.actions.projects import issue_api_key, revoke_api_key
from tests.decisions.explaining import make_shop, ranked
from tests.fixtures.records import ACTOR, NOW, make_project
from tests.fixtures.registry import REVISION, log_decision, make_model, make_version

pytestmark = pytest.mark.django_db
JSON = "application/json"


@pytest.fixture
def project() -> int:
    return make_project()


def key_of(project: int, kind: str = "server"):
    return issue_api_key(project_id=project, kind=kind, name="k", acting_user=ACTOR, now=NOW)


def put(path: str, body: object, key: str | None, text: str | None = None):
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    return Client().put(path, text or json.dumps(body), content_type=JSON, headers=headers)


def test_put_items__with_a_server_key__takes_them(project):
    answer = put("/v1/items", {"items": [{"item_id": "mug"}, {"item_id": 3}]}, key_of(project).secret)
    assert answer.status_code == 200
    assert answer.json() == {
        "created": 1,
        "updated": 0,
        "unchanged": 0,
        "refused": [{"index": 1, "item_id": None, "reason": "item_id must be a text of 1 to 200 characters."}],
    }
    assert put("/v1/stock", {"items": [{"item_id": "mug", "stock": 4}]}, key_of(project).secret).json()["updated"] == 1
    assert Item.objects.get().stock == 4


def test_put__creatives__takes_the_fields_that_their_domain_declares(project):
    sent = [{"item_id": "ad-1", "campaign": "spring", "bid": "0.25"}, {"item_id": "ad-2", "campaign": "spring"}]
    answer = put("/v1/creatives", {"items": sent}, key_of(project).secret)
    assert answer.status_code == 200
    assert answer.json() == {
        "created": 1,
        "updated": 0,
        "unchanged": 0,
        "refused": [{"index": 1, "item_id": "ad-2", "reason": "bid is missing."}],
    }
    row = Item.objects.get()
    assert (row.collection, row.properties) == ("creatives", {"campaign": "spring", "bid": 0.25})


def test_put__collection_that_no_domain_has__is_404(project):
    assert put("/v1/hats", {"items": [{"item_id": "a"}]}, key_of(project).secret).status_code == 404
    assert Item.objects.count() == 0


def test_put_items__without_a_valid_server_key__is_401_and_writes_nothing(project):
    revoked = key_of(project)
    revoke_api_key(key_id=revoked.id, acting_user=ACTOR, now=NOW)
    for key in (None, "ty_server_x", key_of(project, "client").secret, revoked.secret):
        answer = put("/v1/items", {"items": [{"item_id": "mug"}]}, key)
        assert (answer.status_code, answer["Content-Type"], answer["WWW-Authenticate"]) == (
            401,
            "application/problem+json",
            "Bearer",
        )
    assert Item.objects.count() == 0


@pytest.mark.parametrize(
    ("text", "status"),
    [
        ("{", 400),
        ("[]", 400),
        ("{}", 400),
        ('{"items": {}}', 400),
        ('{"items": [], "more": 1}', 400),
        (json.dumps({"items": [{"item_id": "a"}] * 1001}), 422),
        (json.dumps({"items": [{"item_id": "a", "title": "x" * 1_100_000}]}), 413),
    ],
)
def test_put_items__malformed__is_a_problem_that_says_what_to_do(project, text, status):
    answer = put("/v1/items", None, key_of(project).secret, text)
    assert (answer.status_code, answer["Content-Type"]) == (status, "application/problem+json")
    assert answer.json()["detail"]
    assert Item.objects.count() == 0


def test_put_items__other_method__is_405(project):
    answer = Client().get("/v1/items", headers={"Authorization": f"Bearer {key_of(project).secret}"})
    assert answer.status_code == 405
    assert "PUT" in answer["Allow"]


def test_decision__logged__leads_to_version_run_window_and_revision(project):
    version = make_version(make_model(project))
    decision = log_decision(project, version=version, policy="model_ranked", reason="MODEL")
    headers = {"X-API-Key": key_of(project).secret}
    told = Client().get(f"/api/v1/decisions/{decision}", headers=headers).json()
    assert told["decision"]["actions"][0] == {"item": "mug", "propensity": 1.0, "score": 5.0}
    model = told["model_version"]
    assert (model["model"], model["number"], model["code_revision"]) == ("home-ranking", 1, REVISION)
    assert model["data_window"]["start"].startswith("2026-02-01")
    assert model["training_run"]["seed"] == 7
    same = Client().get("/api/v1/models/home-ranking/versions/1", headers=headers).json()
    assert same == model


def test_decision__logged__is_explained_and_an_item_asked_about_is_answered(project):
    shop = make_shop(project)
    headers = {"X-API-Key": key_of(project).secret}
    decision = ranked(shop)
    told = Client().get(f"/api/v1/decisions/{decision}?item=basket", headers=headers).json()["explanation"]
    assert Client().get(f"/api/v1/decisions/{decision}?item=a%00b", headers=headers).status_code == 200
    assert (told["method"], told["missing"]) == ("leave_one_out", None)
    assert told["actions"][0]["item"] == "lamp"
    assert [part["name"] for part in told["actions"][0]["contributions"]] == ["kettle", "mug"]
    assert told["removed"] == [{"constraint": "out_of_stock", "actions": 1}]
    assert (told["item"]["standing"], told["item"]["constraint"]) == ("REMOVED", "out_of_stock")
    plain = Client().get("/api/v1/decisions/decision-1", headers=headers).json()["explanation"]
    assert plain["item"] is None


def test_lineage__of_another_project_or_unknown__is_404(project):
    make_version(make_model(project))
    decision = log_decision(project)
    headers = {"X-API-Key": key_of(make_project(key="other")).secret}
    others = ("/api/v1/models/home-ranking/versions/1", "/api/v1/decisions/none", "/api/v1/decisions/a%00b")
    for path in (f"/api/v1/decisions/{decision}", *others):
        answer = Client().get(path, headers=headers)
        assert (answer.status_code, answer["Content-Type"]) == (404, "application/problem+json"), path


def test_schema__of_the_management_api__describes_every_endpoint(client):
    schema = client.get("/api/schema").json()
    assert schema["openapi"].startswith("3.1")
    assert {"/v1/items", "/v1/stock", "/api/v1/decisions/{decision_id}"} <= set(schema["paths"])
    assert schema["components"]["securitySchemes"]["serverKey"]["scheme"] == "bearer"
    assert schema["paths"]["/v1/items"]["put"]["security"] == [{"serverKey": []}]
    assert schema["paths"]["/v1/creatives"]["put"]["security"] == [{"serverKey": []}]


def test_schema__of_a_collection__describes_its_fields(client):
    schema = client.get("/api/schema").json()
    body = schema["paths"]["/v1/creatives"]["put"]["requestBody"]["content"]["application/json"]["schema"]
    action = body["properties"]["items"]["items"]["anyOf"][0]
    assert action["required"] == ["item_id", "campaign", "bid"]
    assert action["properties"]["bid"]["type"] == ["number", "string"]
    assert "string" in action["properties"]["slot"]["type"]
    assert "null" in action["properties"]["slot"]["type"]
    assert "rating" not in action["properties"]
    assert body["properties"]["items"]["maxItems"] == 1_000
