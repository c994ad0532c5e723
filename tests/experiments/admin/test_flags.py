"""Flags in the console: made and changed by the actions."""

import pytest
from django.test import Client
from django.urls import reverse

from experiments.models import Flag, Layer
from foundation.models import JournalEntry
from tests.fixtures.records import make_project

pytestmark = pytest.mark.django_db

ADD = "admin:experiments_flag_add"


def fields(project: int, **changes: object) -> dict[str, object]:
    return {"project": project, "key": "banner", "name": "Banner", "kind": "BOOLEAN", "default": "true", **changes}


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        ("BOOLEAN", "false", False),
        ("STRING", '""', ""),
        ("STRING", '"Hello"', "Hello"),
        ("INTEGER", "0", 0),
        ("FLOAT", "20", 20),
        ("OBJECT", "{}", {}),
    ],
)
def test_flag__every_type__is_made_by_the_action(
    owner: Client, project: int, kind: str, text: str, value: object
) -> None:
    assert owner.post(reverse(ADD), fields(project, kind=kind, default=text)).status_code == 302
    assert Flag.objects.get().default == value
    assert JournalEntry.objects.latest("pk").action == "flag.create"
    assert "Banner" in owner.get(reverse("admin:experiments_flag_changelist")).content.decode()


@pytest.mark.parametrize(
    ("kind", "text", "told"),
    [
        ("BOOLEAN", "1", "true or false"),
        ("BOOLEAN", "", "true or false"),
        ("STRING", "Hello", "valid JSON"),
        ("STRING", "5", "in double quotes"),
        ("INTEGER", "2.5", "whole number"),
        ("FLOAT", "NaN", "must be a number"),
        ("OBJECT", "[]", "curly braces"),
    ],
)
def test_flag__default_of_another_type__is_refused_in_the_form(
    owner: Client, project: int, kind: str, text: str, told: str
) -> None:
    answer = owner.post(reverse(ADD), fields(project, kind=kind, default=text))
    assert answer.status_code == 200
    assert told in answer.content.decode()
    assert not Flag.objects.exists()


def test_flag__new_one__begins_without_a_value_and_a_kept_one_shows_its_own(owner: Client, project: int) -> None:
    new = owner.get(reverse(ADD)).context["adminform"].form["default"]
    owner.post(reverse(ADD), fields(project, default="false"))
    kept = owner.get(reverse("admin:experiments_flag_change", args=[Flag.objects.get().pk]))
    null = owner.post(reverse(ADD), fields(project, key="other", default="null"))

    assert new.value() == ""
    assert "null" not in str(new)
    assert kept.context["adminform"].form["default"].value() == "false"
    assert "The value must be true or false." in null.content.decode()
    assert Flag.objects.count() == 1


def test_flag__layer_of_another_project__is_refused_in_the_form(owner: Client, project: int) -> None:
    foreign = Layer.objects.create(project_id=make_project(key="other"), key="checkout", name="Checkout")
    answer = owner.post(reverse(ADD), fields(project, layer=foreign.pk))
    assert answer.status_code == 200
    assert "another project" in answer.content.decode()
    assert not Flag.objects.exists()


def test_flag__key_that_is_taken__is_refused_in_the_form(owner: Client, project: int) -> None:
    owner.post(reverse(ADD), fields(project))
    assert owner.post(reverse(ADD), fields(project, name="Again")).status_code == 200
    assert Flag.objects.count() == 1


def test_flag__changed__keeps_key_and_type(owner: Client, project: int) -> None:
    owner.post(reverse(ADD), fields(project))
    made = Flag.objects.get()
    page = reverse("admin:experiments_flag_change", args=[made.pk])
    changed = fields(project, key="other", kind="STRING", name="The banner", default="false")
    assert owner.post(page, changed).status_code == 302
    made.refresh_from_db()
    assert (made.key, made.kind, made.name, made.default) == ("banner", "BOOLEAN", "The banner", False)
    assert JournalEntry.objects.latest("pk").action == "flag.edit"
    assert owner.post(page, fields(project, default='"text"')).status_code == 200
    made.refresh_from_db()
    assert made.default is False


def test_flags__in_the_sidebar__for_those_who_may_see_them(owner: Client, project: int) -> None:
    assert reverse("admin:experiments_flag_changelist") in owner.get(reverse("admin:index")).content.decode()
