"""Costs, suppliers, counts and clusters in the admin: listed, found, and only read."""

import pytest
from django.db.models import Model
from django.test import Client
from django.urls import reverse

from decisions.actions.catalogue import put_items
from decisions.actions.supply import put_supply
from decisions.models import ItemCluster, ItemCost, StockCount, Supplier

pytestmark = pytest.mark.django_db


@pytest.fixture
def supply(project: int) -> int:
    """Return a shop of two items with all that there is to tell of them."""
    put_items(
        project_id=project, items=[{"item_id": "mug", "cluster": "cups"}, {"item_id": "lamp", "cluster": "lights"}]
    )
    for name, items in (
        ("costs", [{"item_id": "mug", "cost": "4.25"}, {"item_id": "lamp", "cost": 9}]),
        ("suppliers", [{"supplier_id": "mug-maker", "lead_days": 7}, {"supplier_id": "lamp-maker", "lead_days": 3}]),
        ("stock", [{"store_id": "s", "item_id": "mug", "stock": 4}, {"store_id": "s", "item_id": "lamp", "stock": 1}]),
    ):
        assert put_supply(project_id=project, name=name, items=items).created == 2
    return project


@pytest.mark.parametrize("model", [ItemCost, Supplier, StockCount, ItemCluster])
def test_supply__of_each_table__is_listed_searched_and_only_read(
    owner: Client, supply: int, model: type[Model]
) -> None:
    name = model._meta.model_name
    listing = reverse(f"admin:decisions_{name}_changelist")
    assert "lamp" in owner.get(listing).content.decode()
    shown = owner.get(listing, {"q": "mug"}).content.decode()
    assert "mug" in shown
    assert "lamp" not in shown
    page = reverse(f"admin:decisions_{name}_change", args=[model._default_manager.earliest("pk").pk])
    assert owner.get(page).status_code == 200
    assert owner.post(page, {"item_id": "other"}).status_code == 403
    assert owner.get(reverse(f"admin:decisions_{name}_add")).status_code == 403


def test_costs__are_shown_in_the_currency_of_the_shop(owner: Client, supply: int) -> None:
    assert "4.25 USD" in owner.get(reverse("admin:decisions_itemcost_changelist")).content.decode()


def test_sidebar__of_a_person_who_may_see_costs__leads_to_them_alone(person, supply: int) -> None:
    text = person("view_itemcost").get(reverse("admin:index")).content.decode()
    assert reverse("admin:decisions_itemcost_changelist") in text
    assert reverse("admin:decisions_supplier_changelist") not in text
