import numpy as np

from simulation.past import CART, MEMORY_DAYS, ORDER, PAST_DAYS, VIEW, days_before, past_of_crowd
from simulation.truth import Truth
from tests.simulation.shops import open_shop


def test_past_of_crowd__orders_follow_carts_and_carts_follow_views_of_what_is_in_stock():
    shop = open_shop(Truth(items=120, out_of_stock=0.3, cart=0.5))
    deeds = past_of_crowd(shop.truth, shop.catalogue, shop.shoppers, np.random.default_rng(1))
    by_kind = {
        kind: set(zip(deeds.shopper[deeds.kind == kind], deeds.item[deeds.kind == kind], strict=True))
        for kind in (VIEW, CART, ORDER)
    }
    assert by_kind[ORDER]
    assert by_kind[ORDER] <= by_kind[CART] <= by_kind[VIEW]
    assert shop.catalogue.in_stock[deeds.item[deeds.kind != VIEW]].all()
    assert (deeds.day >= 0.0).all()
    assert (deeds.day < PAST_DAYS).all()
    assert np.array_equal(np.lexsort((deeds.day, deeds.shopper)), np.arange(len(deeds)))


def test_days_before__only_returning_shoppers_have_them_and_they_end_before_the_visit():
    shop = open_shop()
    deeds = days_before(shop.truth, shop.catalogue, shop.shoppers, shop.liked, np.random.default_rng(1))
    assert set(deeds.shopper) <= set(np.flatnonzero(shop.shoppers.returning))
    assert ((deeds.day < 0.0) & (deeds.day >= -MEMORY_DAYS)).all()
    assert (deeds.kind == VIEW).all()


def test_days_before__reveal_the_taste():
    shop = open_shop()
    deeds = days_before(shop.truth, shop.catalogue, shop.shoppers, shop.liked, np.random.default_rng(1))
    own = shop.catalogue.category[deeds.item] == shop.shoppers.favourite[deeds.shopper]
    assert own.mean() > 0.4
