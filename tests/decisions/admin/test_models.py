"""Registered models in the admin: registered by the action, trained by a button, never edited."""

from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse

from foundation.models import Job, JournalEntry
from models_registry.models import RegisteredModel, TrainingRun
from tests.fixtures import registry

pytestmark = pytest.mark.django_db

ADD = "/admin/models_registry/registeredmodel/add/"


def train_url(model: object) -> str:
    """Return the address of the training dialog."""
    return reverse("admin:models_registry_registeredmodel_train", args=[model])


def order(**changes: object) -> dict[str, object]:
    """Return a filled-in dialog."""
    return {"_form_submitted": "True", "recipe": "item_item", "days": 14, "seed": 5, "margin": "0.01", **changes}


def test_add__by_the_action__is_journalled_and_then_fixed(owner: Client, project: int) -> None:
    fields = {"project": project, "key": "home", "name": "Home", "domain": "recommendation", "description": ""}
    assert owner.post(ADD, fields).status_code == 302
    model = RegisteredModel.objects.get()
    assert JournalEntry.objects.latest("pk").action == "model.create"
    page = reverse("admin:models_registry_registeredmodel_change", args=[model.pk])
    assert 'name="_save"' not in owner.get(page).content.decode()
    assert owner.post(page, {**fields, "name": "Changed"}).status_code == 403


@pytest.mark.parametrize("change", [{"key": "Not A Key"}, {"domain": "weather"}, {"name": ""}])
def test_add__what_cannot_be__asks_again_and_makes_nothing(owner: Client, project: int, change: dict[str, str]) -> None:
    fields = {"project": project, "key": "home", "name": "Home", "domain": "recommendation", **change}
    assert owner.post(ADD, fields).status_code == 200
    assert not RegisteredModel.objects.exists()


def test_add__key_that_is_taken__is_refused_in_the_form(owner: Client, project: int) -> None:
    registry.make_model(project, key="home")
    fields = {"project": project, "key": "home", "name": "Again", "domain": "recommendation"}
    assert owner.post(ADD, fields).status_code == 200
    assert RegisteredModel.objects.count() == 1


def test_train__dialog__offers_the_recipes_of_the_domain(owner: Client, project: int) -> None:
    dialog = owner.get(train_url(registry.make_model(project))).content.decode()
    for recipe in ("item_item", "ranking_network", "two_tower"):
        assert f'value="{recipe}"' in dialog
    assert not TrainingRun.objects.exists()


def test_train__filled_in__promises_a_run_and_leads_to_the_models_page(owner: Client, project: int) -> None:
    model = registry.make_model(project)
    response = owner.post(train_url(model), order())
    assert response["Location"] == "/m/home-ranking?project=harbour"
    run = TrainingRun.objects.get()
    assert (run.recipe, run.seed, run.margin, run.requested_by) == ("item_item", 5, 0.01, "manager")
    assert (run.data_end - run.data_start).days == 14
    assert Job.objects.get(kind="train").payload == {"run_id": run.pk}
    shown = owner.get(response["Location"]).content.decode()
    assert f"Training run {run.pk} waits for a worker." in shown
    assert "Waiting" in shown


@pytest.mark.parametrize(
    "change",
    [
        {"recipe": "alchemy"},
        {"recipe": ""},
        {"days": 0},
        {"days": 401},
        {"days": "x"},
        {"seed": -1},
        {"margin": "-0.1"},
        {"margin": "nan"},
        {"margin": "2"},
    ],
)
def test_train__what_cannot_be__asks_again_and_promises_nothing(
    owner: Client, project: int, change: dict[str, object]
) -> None:
    model = registry.make_model(project)
    assert owner.post(train_url(model), order(**change)).status_code == 200
    assert not TrainingRun.objects.exists()
    assert not Job.objects.filter(kind="train").exists()


def test_train__person_who_may_not__has_no_button_and_is_refused(person: Callable[..., Client], project: int) -> None:
    model = registry.make_model(project)
    reader = person("view_registeredmodel", "view_trainingrun")
    page = reverse("admin:models_registry_registeredmodel_change", args=[model])
    assert train_url(model) not in reader.get(page).content.decode()
    assert reader.post(train_url(model), order()).status_code == 403
    assert not TrainingRun.objects.exists()


@pytest.mark.parametrize("row", ["0", "9" * 30, "abc"])
def test_train__model_that_cannot_be__is_refused(owner: Client, row: str) -> None:
    assert owner.post(train_url(row), order()).status_code == 403


def test_list__leads_to_the_pages(owner: Client, project: int) -> None:
    registry.make_model(project)
    shown = owner.get(reverse("admin:models_registry_registeredmodel_changelist")).content.decode()
    assert "/m/home-ranking?project=harbour" in shown
