"""Filters in the admin: an edit is a new version, and a filter that could know nobody is refused."""

import pytest
from django.test import Client
from django.urls import reverse

from experiments.models import Filter
from foundation.models import JournalEntry, Project

pytestmark = pytest.mark.django_db

ADD = reverse("admin:experiments_filter_add")
LIST = reverse("admin:experiments_filter_changelist")
HASTE = {
    "name": "Too fast",
    "description": "",
    "kind": "BOT",
    "rule": "EVENT_RATE",
    "attribute": "",
    "values": "",
    "events": "Product Viewed\r\nProduct Clicked",
    "hours": "24",
    "limit": "300",
    "active": "on",
}


def page(filter_id: int) -> str:
    return reverse("admin:experiments_filter_change", args=[filter_id])


def test_add__makes_version_one__by_the_action(owner: Client, project: int) -> None:
    response = owner.post(ADD, {**HASTE, "project": project, "key": "haste"})
    assert response.status_code == 302, response.context["errors"]
    row = Filter.objects.get(key="haste")
    assert (row.version, row.events, row.hours, row.limit, row.active) == (
        1,
        ["Product Viewed", "Product Clicked"],
        24,
        300,
        True,
    )
    assert JournalEntry.objects.latest("pk").action == "filter.create"


def test_edit__makes_the_next_version_and_leads_to_it__the_list_shows_the_newest(owner: Client, project: int) -> None:
    first = Filter.objects.get(key="brushing")
    given = {**HASTE, "name": first.name, "kind": "BRUSHING", "events": "Order Completed", "limit": "5"}
    response = owner.post(page(first.pk), given)
    assert response.status_code == 302, response.context["errors"]
    second = Filter.objects.get(key="brushing", version=2)
    assert response["Location"] == page(second.pk)
    assert (second.active, second.limit, first.active, first.limit) == (True, 5, False, 10)
    listed = owner.get(LIST).content.decode()
    assert page(second.pk) in listed
    assert page(first.pk) not in listed
    assert owner.get(page(first.pk)).status_code == 200
    assert owner.post(page(first.pk), {**given, "limit": "7"}).status_code == 403
    assert Filter.objects.filter(key="brushing").count() == 2


@pytest.mark.parametrize(
    "changes",
    [
        {"events": ""},
        {"hours": ""},
        {"hours": "0"},
        {"limit": ""},
        {"rule": "ATTRIBUTE"},
        {"rule": "ATTRIBUTE", "attribute": "is_bot"},
        {"rule": "ATTRIBUTE", "attribute": "is_bot", "values": "true"},
    ],
)
def test_add__filter_that_could_know_nobody__is_refused(owner: Client, project: int, changes: dict[str, str]) -> None:
    before = Filter.objects.count()
    assert owner.post(ADD, {**HASTE, "project": project, "key": "haste", **changes}).status_code == 200
    assert Filter.objects.count() == before


def test_add__attribute_that_the_project_stores__is_taken(owner: Client, project: int) -> None:
    Project.objects.filter(pk=project).update(attributes=["is_bot"])
    changes = {"rule": "ATTRIBUTE", "attribute": "is_bot", "values": "true\n1"}
    response = owner.post(ADD, {**HASTE, "project": project, "key": "haste", **changes})
    assert response.status_code == 302, response.context["errors"]
    row = Filter.objects.get(key="haste")
    assert (row.attribute, row.values, row.events, row.hours) == ("is_bot", ["true", "1"], [], None)


def test_page__of_a_list__says_how_it_is_filled(owner: Client, project: int) -> None:
    text = owner.get(page(Filter.objects.get(key="staff").pk)).content.decode()
    assert "PUT /api/v1/filters/staff/units" in text


def test_form__without_the_permission__is_refused(person, project: int) -> None:
    client = person("view_filter")
    assert client.get(LIST).status_code == 200
    assert client.post(ADD, {**HASTE, "project": project, "key": "haste"}).status_code == 403
    assert not Filter.objects.filter(key="haste").exists()
