"""`PUT /v1/costs`, `/v1/suppliers`, `/v1/stock`: server keys only, each record told, and described by the schema."""

import json

import pytest
from django.test import Client

from decisions.models import ItemCost, StockCount, Supplier
from foundation.actions.projects import issue_api_key
from tests.fixtures.records import ACTOR, NOW, make_project

pytestmark = pytest.mark.django_db
JSON = "application/json"


@pytest.fixture
def secret() -> str:
    return issue_api_key(project_id=make_project(), kind="server", name="k", acting_user=ACTOR, now=NOW).secret


def put(path: str, items: object, key: str | None):
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    return Client().put(path, json.dumps({"items": items}), content_type=JSON, headers=headers)


@pytest.mark.parametrize(
    ("path", "good", "bad", "told", "model"),
    [
        ("/v1/costs", {"item_id": "mug", "cost": 4}, {"item_id": "mug", "cost": "x"}, "mug", ItemCost),
        ("/v1/suppliers", {"supplier_id": "acme", "lead_days": 7}, {"supplier_id": "acme"}, "acme", Supplier),
        (
            "/v1/stock",
            {"store_id": "s", "item_id": "mug", "stock": 4, "on_order": 2},
            {"store_id": "s", "item_id": "mug", "stock": -4},
            "mug",
            StockCount,
        ),
    ],
)
def test_put__good_and_bad_records__takes_the_one_and_tells_the_other(secret, path, good, bad, told, model):
    answer = put(path, [bad, good], secret)
    assert answer.status_code == 200
    found = answer.json()
    assert (found["created"], found["updated"], found["unchanged"]) == (1, 0, 0)
    ((refused),) = found["refused"]
    assert (refused["index"], refused["item_id"]) == (0, told)
    assert refused["reason"].endswith(".")
    assert model.objects.count() == 1


@pytest.mark.parametrize("path", ["/v1/costs", "/v1/suppliers", "/v1/stock"])
def test_put__without_a_key_or_a_list__is_refused_and_writes_nothing(secret, path):
    assert put(path, [], None).status_code == 401
    assert put(path, {}, secret).status_code == 400
    assert put(path, [{"item_id": "a"}] * 1_001, secret).status_code == 422
    assert not ItemCost.objects.exists()


def test_schema__of_the_supply__describes_each_record(client):
    paths = client.get("/api/schema").json()["paths"]
    for path, required in (("costs", ["item_id", "cost"]), ("suppliers", ["supplier_id", "lead_days"])):
        body = paths[f"/v1/{path}"]["put"]["requestBody"]["content"][JSON]["schema"]
        assert body["properties"]["items"]["items"]["anyOf"][0]["required"] == required
    body = paths["/v1/stock"]["put"]["requestBody"]["content"][JSON]["schema"]
    of_item, of_store = body["properties"]["items"]["items"]["anyOf"][0]["anyOf"]
    assert of_item["required"] == ["item_id", "stock"]
    assert {"on_order", "capacity", "reorder_point", "order_up_to", "counted_at"} <= set(of_store["properties"])


def test_put__store_whose_id_has_a_bar__is_refused_as_it_would_pass_for_another(secret):
    refused = put("/v1/stock", [{"store_id": "a|b", "item_id": "mug", "stock": 1}], secret).json()["refused"]
    assert [fault["reason"] for fault in refused] == [
        "store_id must not have a |: store|item names an item in a store."
    ]
    assert not StockCount.objects.exists()
