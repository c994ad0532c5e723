"""Versions, training runs, aliases and moves in the admin: everything is shown and nothing can be changed."""

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from models_registry.models import Alias, AliasMove, ModelVersion, TrainingRun
from tests.experiments.reports import stored
from tests.fixtures import registry

pytestmark = pytest.mark.django_db


@pytest.fixture
def owner() -> Client:
    """Return a logged-in person who may do everything."""
    client = Client()
    client.force_login(User.objects.create(username="manager", is_staff=True, is_superuser=True))
    return client


@pytest.fixture
def version() -> int:
    """Return the id of a champion."""
    model = registry.make_model(stored.shop())
    version = registry.make_version(model, parameters={"neighbours": 50})
    registry.make_champion(version)
    registry.make_failed_run(model)
    return version


def shown(client: Client, table: str, row: int) -> str:
    """Return the page of a row."""
    return client.get(reverse(f"admin:models_registry_{table}_change", args=[row])).content.decode()


def test_version__shows_digest_signature_gate_and_lineage(owner: Client, version: int) -> None:
    page = shown(owner, "modelversion", version)
    row = ModelVersion.objects.get(pk=version)
    for text in (row.sha256, registry.REVISION, "&quot;ndcg_at_10&quot;", "&quot;item_ids&quot;", "&quot;rule&quot;"):
        assert text in page, text
    assert row.seal not in page


def test_run__shows_parameters_data_and_what_went_wrong(owner: Client, version: int) -> None:
    done, failed = TrainingRun.objects.order_by("pk")
    assert "&quot;neighbours&quot;: 50" in shown(owner, "trainingrun", done.pk)
    assert "100%" in shown(owner, "trainingrun", done.pk)
    assert "The window holds no interactions." in shown(owner, "trainingrun", failed.pk)
    listing = owner.get(reverse("admin:models_registry_trainingrun_changelist")).content.decode()
    assert "Failed" in listing


def test_alias_and_move__show_holders_before_and_after_with_the_reason(owner: Client, version: int) -> None:
    assert f"&quot;version&quot;: {version}" in shown(owner, "alias", Alias.objects.get().pk)
    page = shown(owner, "aliasmove", AliasMove.objects.get().pk)
    assert "The first one" in page
    assert f"&quot;version&quot;: {version}" in page


@pytest.mark.parametrize("table", ["modelversion", "trainingrun", "alias", "aliasmove"])
def test_table__nothing__can_be_added_changed_or_deleted(owner: Client, version: int, table: str) -> None:
    tables = {"modelversion": ModelVersion, "trainingrun": TrainingRun, "alias": Alias, "aliasmove": AliasMove}
    rows = list(tables[table].objects.order_by("pk").values())  # type: ignore[attr-defined]
    row = rows[0]["id"]
    for page in ("change", "delete"):
        address = reverse(f"admin:models_registry_{table}_{page}", args=[row])
        assert owner.post(address, {"name": "shadow", "post": "yes"}).status_code == 403
    assert owner.get(reverse(f"admin:models_registry_{table}_add")).status_code == 403
    assert list(tables[table].objects.order_by("pk").values()) == rows  # type: ignore[attr-defined]
