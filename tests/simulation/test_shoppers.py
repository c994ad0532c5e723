import numpy as np
import pytest

from simulation.truth import Truth
from tests.simulation.shops import open_shop


def test_affinity__of_every_shopper__has_a_quality_weighted_mean_of_one():
    shop = open_shop()
    assert (shop.liked * shop.catalogue.quality).mean(axis=1) == pytest.approx(np.ones(len(shop.shoppers)))


def test_affinity__without_taste_and_thrift__is_the_same_for_everybody():
    shop = open_shop(Truth(items=120, taste=0.0, thrift=1e-12))
    assert shop.liked == pytest.approx(np.ones_like(shop.liked))


def test_affinity__of_the_favourite_category__is_far_above_the_rest():
    shop = open_shop()
    own = shop.catalogue.category[None, :] == shop.shoppers.favourite[:, None]
    assert shop.liked[own].mean() > 5.0 * shop.liked[~own].mean()


def test_shoppers__favourite_and_second__are_different_categories():
    shoppers = open_shop().shoppers
    assert (shoppers.favourite != shoppers.second).all()


def test_shoppers__one__keeps_the_columns_of_that_shopper():
    shoppers = open_shop().shoppers
    one = shoppers.one(7)
    assert len(one) == 1
    assert one.thrift[0] == shoppers.thrift[7]
    assert one.style[0] == shoppers.style[7]
