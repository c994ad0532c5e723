"""Items in the admin: as the shop sent them, never edited."""

import pytest
from django.test import Client
from django.urls import reverse

from decisions.models import Item
from tests.fixtures import registry

pytestmark = pytest.mark.django_db


def test_items__are_listed_with_price_and_stock_and_only_read(owner: Client, project: int) -> None:
    registry.make_items(project, {"mug": "Stoneware mug"})
    Item.objects.create(project_id=project, item_id="bare")
    listing = reverse("admin:decisions_item_changelist")
    shown = owner.get(listing, {"q": "stoneware"}).content.decode()
    assert "Stoneware mug" in shown
    assert "12.50 USD" in shown
    assert "bare" not in shown
    item = Item.objects.get(item_id="mug")
    page = reverse("admin:decisions_item_change", args=[item.pk])
    assert owner.post(page, {"title": "Changed"}).status_code == 403
    assert owner.get(reverse("admin:decisions_item_add")).status_code == 403
    assert (
        owner.get(reverse("admin:decisions_item_change", args=[Item.objects.get(item_id="bare").pk])).status_code == 200
    )


def test_items__of_another_collection__are_found_by_it_with_their_fields(owner: Client, project: int) -> None:
    registry.make_items(project)
    ad = Item.objects.create(project_id=project, item_id="ad-1", collection="creatives", properties={"bid": 0.25})
    shown = owner.get(reverse("admin:decisions_item_changelist"), {"collection": "creatives"}).content.decode()
    assert "ad-1" in shown
    assert "mug" not in shown
    assert "0.25" in owner.get(reverse("admin:decisions_item_change", args=[ad.pk])).content.decode()
