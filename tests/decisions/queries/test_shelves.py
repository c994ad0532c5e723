"""Catalogues and predictors as the edge has them: read once, verified, and of the catalogue's own actions."""

import pytest

from decisions.actions.catalogue import publish_catalogue, put_items
from decisions.queries.shelves import CatalogueUnpublished, one_of, predictor_for, shelf_of
from decisions.registry import domain_of
from models_registry.queries.versions import version_by_id
from tests.decisions.explaining import ITEMS, SOLD_OUT, make_ad_shop, make_shop
from tests.fixtures.records import NOW, make_project

pytestmark = pytest.mark.django_db

ITEMS_OF = domain_of("recommendation")
ADS = domain_of("ad_placement")


def test_shelf__published__is_read_once_until_it_changes():
    shop = make_shop(make_project())
    first = shelf_of(shop.project, ITEMS_OF)
    assert set(first.items) == set(ITEMS)
    assert shelf_of(shop.project, ITEMS_OF) is first
    put_items(project_id=shop.project, items=[{"item_id": "vase", "title": "Vase"}])
    publish_catalogue(project_id=shop.project, now=NOW)
    assert "vase" in shelf_of(shop.project, ITEMS_OF).items


def test_shelf__that_nobody_published__says_so():
    with pytest.raises(CatalogueUnpublished):
        shelf_of(make_project(), ITEMS_OF)


def test_predictor__trained_on_items__keeps_them():
    shop = make_shop(make_project())
    found = predictor_for(version_by_id(shop.version), ITEMS_OF, shelf_of(shop.project, ITEMS_OF))
    assert found.items == ITEMS


def test_predictor__that_reads_fields__is_of_the_catalogue_as_it_is_now():
    shop = make_ad_shop(make_project())
    catalogue, version = shelf_of(shop.project, ADS), version_by_id(shop.version)
    found = predictor_for(version, ADS, catalogue)
    assert found.items == catalogue.items
    assert predictor_for(version, ADS, catalogue) is found


def test_one_of__an_item__has_its_columns_alone():
    shop = make_ad_shop(make_project())
    found = one_of(shelf_of(shop.project, ADS), "tea-a")
    assert (found.items, dict(found.places)) == (("tea-a",), {"tea-a": 0})
    assert (found.fields["campaign"], found.fields["bid"].tolist()) == (("tea",), [4.0])
    items = make_shop(make_project(key="other"))
    assert one_of(shelf_of(items.project, ITEMS_OF), SOLD_OUT).in_stock.tolist() == [False]
