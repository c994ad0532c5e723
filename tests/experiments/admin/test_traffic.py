"""Layers and holdouts: made by the actions, then fixed."""

import pytest
from django.test import Client
from django.urls import reverse

from experiments.models import Holdout, Layer
from foundation.models import JournalEntry
from tests.experiments.reports import stored

pytestmark = pytest.mark.django_db


def test_layer__is_made_by_the_action_and_then_only_read(owner: Client, project: int) -> None:
    add = reverse("admin:experiments_layer_add")
    assert owner.post(add, {"project": project, "key": "checkout", "name": "Checkout"}).status_code == 302
    layer = Layer.objects.get()
    assert JournalEntry.objects.latest("pk").subject == "layer:checkout"
    page = reverse("admin:experiments_layer_change", args=[layer.pk])
    assert 'name="_save"' not in owner.get(page).content.decode()
    assert owner.post(page, {"name": "Changed"}).status_code == 403
    assert len(layer.salt) == 22


def test_layer__shows_who_holds_which_part(owner: Client, project: int) -> None:
    owner.post(reverse("admin:experiments_layer_add"), {"project": project, "key": "checkout", "name": "Checkout"})
    layer = Layer.objects.get()
    stored.draft(project, layer_id=layer.pk, layer_ranges=[(0, 255_000)])
    shown = owner.get(reverse("admin:experiments_layer_change", args=[layer.pk])).content.decode()
    assert "0% – 25.5%" in shown
    assert "25.5%" in owner.get(reverse("admin:experiments_layer_changelist")).content.decode()


def test_layer__key_that_is_taken__is_refused_in_the_form(owner: Client, project: int) -> None:
    add = reverse("admin:experiments_layer_add")
    owner.post(add, {"project": project, "key": "checkout", "name": "Checkout"})
    assert owner.post(add, {"project": project, "key": "checkout", "name": "Again"}).status_code == 200
    assert Layer.objects.count() == 1


def test_holdout__share_is_written_as_a_percentage(owner: Client, project: int) -> None:
    fields = {"project": project, "key": "year", "name": "Year", "unit_kind": "visitor", "share": "2.5"}
    assert owner.post(reverse("admin:experiments_holdout_add"), fields).status_code == 302
    assert Holdout.objects.get().share == 25_000
    assert "2.5%" in owner.get(reverse("admin:experiments_holdout_changelist")).content.decode()


@pytest.mark.parametrize("share", ["0", "100", "-5", "x", ""])
def test_holdout__share_that_keeps_out_nobody_or_everybody__is_refused(owner: Client, project: int, share: str) -> None:
    fields = {"project": project, "key": "year", "name": "Year", "unit_kind": "visitor", "share": share}
    assert owner.post(reverse("admin:experiments_holdout_add"), fields).status_code == 200
    assert not Holdout.objects.exists()
