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
        ({"unit_kind": "planet", "units": ["v1"]}, 400, None),
        ({"unit_kind": "visitor", "units": ["v"] * 1001}, 400, None),
        ({"unit_kind": "visitor"}, 400, None),
        ([], 400, None),
    ],
)
def test_put_units__that_cannot_be_read__is_a_problem_and_writes_nothing(body, status, code):
    answer = put(body, key_of(make_project()))
    assert (answer.status_code, answer["Content-Type"]) == (status, "application/problem+json")
    assert code is None or answer.json()["code"] == code
    assert not FilteredUnit.objects.exists()


def test_put_units__of_an_unknown_filter__is_a_problem():
    answer = put({"unit_kind": "visitor", "units": ["v1"]}, key_of(make_project()), "/api/v1/filters/nobody/units")
    assert (answer.status_code, answer.json()["code"]) == (422, "FILTER_UNKNOWN")
