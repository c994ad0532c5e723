"""Batches and the price ledger in the admin: listed, linked to their pages, and only read."""

import pytest
from django.db.models import Model
from django.test import Client
from django.urls import reverse

from decisions.models import DecisionBatch, PriceOffer
from tests.fixtures.batches import first_period, made, make_batch_experiment, make_batch_point, make_priced

pytestmark = pytest.mark.django_db


@pytest.fixture
def batch(project: int) -> DecisionBatch:
    """Return a batch of prices, of which an experiment has lowered one or none."""
    make_priced(project, {"mug": 20.0, "pan": 30.0})
    point = make_batch_point(project)
    return made(project, point, due_at=first_period(make_batch_experiment(project, point)))


@pytest.mark.parametrize("model", [DecisionBatch, PriceOffer])
def test_table__is_listed_and_only_read(owner: Client, batch: DecisionBatch, model: type[Model]) -> None:
    name = model._meta.model_name
    row = model._default_manager.order_by("pk").first()
    if row is None:
        row = PriceOffer.objects.create(
            project_id=batch.point.project_id, item_id="mug", price=19_000_000, valid_from=batch.due_at, batch=batch
        )
    shown = owner.get(reverse(f"admin:decisions_{name}_changelist")).content.decode()
    assert f"/d/prices/batches/{batch.pk}?project=harbour" in shown
    page = reverse(f"admin:decisions_{name}_change", args=[row.pk])
    assert owner.get(page).status_code == 200
    assert owner.post(page, {"price": 1}).status_code == 403
    assert owner.get(reverse(f"admin:decisions_{name}_add")).status_code == 403


def test_ledger__price_of_the_shop_itself__says_so_in_its_currency(owner: Client, project: int) -> None:
    from datetime import UTC, datetime

    PriceOffer.objects.create(
        project_id=project, item_id="mug", price=19_500_000, valid_from=datetime(2026, 3, 2, tzinfo=UTC)
    )
    shown = owner.get(reverse("admin:decisions_priceoffer_changelist")).content.decode()
    assert "19.50 USD" in shown
    assert "the shop" in shown
