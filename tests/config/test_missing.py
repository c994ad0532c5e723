"""Addresses of the console that are not there."""

import pytest
from django.test import Client

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("path", ["/api/v1/nothing", "/api/v1/models/a/versions/one", "/v1/nothing", "/api/%00"])
def test_address_for_programs__not_there__is_a_problem(path: str):
    answer = Client().get(path)

    assert (answer.status_code, answer["Content-Type"]) == (404, "application/problem+json")
    assert (answer.json()["status"], answer.json()["code"]) == (404, "NOT_FOUND")


def test_address_for_people__not_there__is_a_page():
    answer = Client().get("/nothing")

    assert (answer.status_code, answer["Content-Type"]) == (404, "text/html; charset=utf-8")
