import numpy as np
import pytest

from simulation.catalogue import CATEGORIES, draw_catalogue
from simulation.truth import Truth


def test_catalogue__of_the_demonstration__has_six_hundred_items_in_twelve_categories():
    catalogue = draw_catalogue(Truth(), 1)
    assert len(catalogue) == len(set(catalogue.ids)) == len(set(catalogue.names)) == 600
    assert set(catalogue.categories) == {name for name, _ in CATEGORIES}
    assert np.bincount(catalogue.category * 4 + catalogue.style).min() == 12
    assert (catalogue.price > 0.0).all()
    assert ((catalogue.rating >= 1.0) & (catalogue.rating <= 5.0)).all()
    assert catalogue.quality.mean() == pytest.approx(1.0)
    assert 0.01 < 1.0 - catalogue.in_stock.mean() < 0.1


def test_catalogue__of_one_seed__is_the_same_every_time_and_of_another_is_not():
    first, again, other = (draw_catalogue(Truth(), seed) for seed in (1, 1, 2))
    assert np.array_equal(first.price, again.price)
    assert np.array_equal(first.stock, again.stock)
    assert not np.array_equal(first.price, other.price)
