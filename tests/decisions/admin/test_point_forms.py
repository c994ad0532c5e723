"""Settings, cadence and address of points that decide in batches, field by field, and fixed texts of variants."""

from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse

from decisions.models import DecisionPoint, PointExperiment
from decisions.queries.points import policies_of
from tests.decisions.admin.test_points import ADD, fields, page
from tests.experiments.reports import stored
from tests.fixtures import registry
from tests.fixtures.batches import make_batch_point

pytestmark = pytest.mark.django_db


def test_add__point_of_prices__goes_on_with_its_settings(owner: Client, project: int) -> None:
    told = fields(project, key="prices", domain="pricing", slate_size=1, every_minutes=1440)
    shown = owner.post(ADD, told, follow=True).content.decode()
    assert "The decision point was added. Check its settings." in shown
    assert 'name="setting_max_step"' in shown
    row = DecisionPoint.objects.get()
    assert (row.every_minutes, row.settings) == (1440, {})


def test_add__cadence_where_decisions_are_asked_for__is_told_and_nothing_is_made(owner: Client, project: int) -> None:
    shown = owner.post(ADD, fields(project, every_minutes=60), follow=True).content.decode()
    assert "[DECISION_POINT_INVALID]" in shown
    assert not DecisionPoint.objects.exists()


def test_edit__settings__keeps_what_was_written_and_leaves_the_rest_as_usual(owner: Client, project: int) -> None:
    point = make_batch_point(project)
    told = {"slate_size": 1, "every_minutes": 720, "webhook": "https://shop.example/prices"}
    told |= {"setting_max_step": "0.05", "setting_charm": "9", "setting_objective": "", "setting_grid_step": ""}
    assert owner.post(page(point), fields(project, **told)).status_code == 302
    row = DecisionPoint.objects.get()
    assert row.settings == {"max_step": 0.05, "charm": "9"}
    assert (row.every_minutes, row.webhook) == (720, "https://shop.example/prices")
    shown = owner.get(page(point)).content.decode()
    assert 'value="0.05"' in shown
    assert "As usual: profit" in shown


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"setting_max_step": "0.9"}, "less than or equal to 0.5"),
        ({"setting_max_step": "much"}, "Enter a number."),
        ({"setting_charm": "7"}, "Select a valid choice."),
        ({"webhook": "no address"}, "Enter a valid URL."),
        ({"every_minutes": "2000"}, "[DECISION_POINT_INVALID]"),
        ({"webhook": "https://user:word@shop.example/"}, "[FEED_ADDRESS_INVALID]"),
    ],
)
def test_edit__what_cannot_be__is_told_and_nothing_changes(
    owner: Client, project: int, change: dict[str, object], told: str
) -> None:
    point = make_batch_point(project)
    given = fields(project, **{"slate_size": 1, "every_minutes": 720, **change})
    shown = owner.post(page(point), given, follow=True).content.decode()
    assert told in shown
    row = DecisionPoint.objects.get()
    assert (row.settings, row.webhook, row.every_minutes) == ({}, "", 1440)


def test_form__person_who_may_only_view__reads_the_settings(person: Callable[..., Client], project: int) -> None:
    point = make_batch_point(project, settings={"max_step": 0.05})
    shown = person("view_decisionpoint").get(page(point)).content.decode()
    assert "Largest step: 0.05" in shown
    assert "Objective: profit" in shown
    assert 'name="setting_max_step"' not in shown


@pytest.mark.parametrize(
    ("domain", "text", "fault"),
    [("pricing", "-5%", "neither a price such as 19.99"), ("restock", "s=20,S=60", "is no rule of reordering")],
)
def test_binding__fixed_texts__are_read_by_the_domain(
    owner: Client, project: int, domain: str, text: str, fault: str
) -> None:
    draft, point = stored.draft(project), make_batch_point(project, domain)
    owner.post("/admin/decisions/pointexperiment/add/", {"experiment": draft, "point": point})
    row = PointExperiment.objects.get(experiment_id=draft)
    bound = reverse("admin:decisions_pointexperiment_change", args=[row.pk])
    told = {"point": str(point), "policy_control": "baseline", "items_control": "", "policy_treatment": "fixed"}
    assert fault in owner.post(bound, told | {"items_treatment": "cheaper"}).content.decode()
    assert policies_of(draft)["treatment"].actions == ()
    assert owner.post(bound, told | {"items_treatment": text}).status_code == 302
    assert policies_of(draft)["treatment"].actions == (text,)


def test_form__point_of_slates__has_no_cadence(owner: Client, project: int) -> None:
    shown = owner.get(page(registry.make_point(project))).content.decode()
    assert 'name="every_minutes"' not in shown
    assert 'name="webhook"' not in shown
