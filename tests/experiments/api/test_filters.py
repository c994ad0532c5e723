"""Units on the list of a filter, sent by a server."""

import json

import pytest
from django.test import Client

from experiments.models import FilteredUnit
from foundation.actions.projects import issue_api_key
from tests.fixtures.messages import unit_of
from tests.fixtures.records import ACTOR, NOW, make_project

pytestmark = pytest.mark.django_db
PATH = "/api/v1/filters/staff/units"


def put(body: object, key: str | None, path: str = PATH):
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    return Client().put(path, json.dumps(body), content_type="application/json", headers=headers)


def key_of(project_id: int, kind: str = "server") -> str:
    return issue_api_key(project_id=project_id, kind=kind, name="k", acting_user=ACTOR, now=NOW).secret


def test_put_units__sent_twice__are_on_the_list_once():
    project_id = make_project()
    key, body = key_of(project_id), {"unit_kind": "visitor", "units": ["v1", "v2"]}
    assert put(body, key).json() == {"added": 2, "known": 0}
    answer = put(body, key)
    assert (answer.status_code, answer.json()) == (200, {"added": 0, "known": 2})
    assert set(FilteredUnit.objects.values_list("project_id", "filter_key", "unit")) == {
        (project_id, "staff", unit_of(project_id, visitor)) for visitor in ("v1", "v2")
    }


def test_put_units__of_another_project__are_not_touched():
    project_id, other = make_project(), make_project(key="other")
    put({"unit_kind": "visitor", "units": ["v1"]}, key_of(other))
    assert list(FilteredUnit.objects.values_list("project_id", flat=True)) == [other] != [project_id]


def test_put_units__without_a_server_key__is_401_and_writes_nothing():
    project_id = make_project()
    for key in (None, "ty_server_x", key_of(project_id, "client")):
        assert put({"unit_kind": "visitor", "units": ["v1"]}, key).status_code == 401
    assert not FilteredUnit.objects.exists()


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"unit_kind": "visitor", "units": ["v1", 7]}, 422, "UNITS_INVALID"),
        ({"unit_kind": "visitor", "units": ["v1", ""]}, 422, "UNITS_INVALID"),
        ({"unit_kind": "planet", "units": ["v1"]}, 400, "BODY_INVALID"),
        ({"unit_kind": "visitor", "units": ["v"] * 1001}, 400, "BODY_INVALID"),
        ({"unit_kind": "visitor"}, 400, "BODY_INVALID"),
        ([], 400, "BODY_INVALID"),
    ],
)
def test_put_units__that_cannot_be_read__is_a_problem_and_writes_nothing(body, status, code):
    answer = put(body, key_of(make_project()))
    assert (answer.status_code, answer["Content-Type"]) == (status, "application/problem+json")
    assert answer.json()["code"] == code
    assert not FilteredUnit.objects.exists()


@pytest.mark.parametrize("key", ["nobody", "busy-robots", "st%00aff"])
def test_put_units__of_an_unknown_filter__is_a_problem(key):
    path = f"/api/v1/filters/{key}/units"
    answer = put({"unit_kind": "visitor", "units": ["v1"]}, key_of(make_project()), path)
    assert (answer.status_code, answer.json()["code"]) == (422, "FILTER_UNKNOWN")
    assert not FilteredUnit.objects.exists()


def test_put_units__body_of_another_form__names_every_place_to_mend():
    told = put({"unit_kind": "planet", "units": ["v1", None]}, key_of(make_project())).json()
    assert [place["pointer"] for place in told["errors"]] == ["#/unit_kind", "#/units/1"]
    assert told["detail"].startswith('#/unit_kind: "planet" is not a valid choice.; #/units/1: ')
    assert told["hint"]


def test_put_units__nested_without_end__is_a_problem_and_no_failure():
    headers = {"Authorization": f"Bearer {key_of(make_project())}"}
    answer = Client().put(PATH, "[" * 100_000, content_type="application/json", headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (400, "PARSE_ERROR")
