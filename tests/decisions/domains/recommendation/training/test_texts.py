"""Texts as vectors: alike for alike texts, the same for the same seed, and defined for texts that come later."""

import numpy as np
import pytest

from decisions.domains.recommendation.text import TEXT_BUCKETS, text_numbers
from decisions.domains.recommendation.training.texts import bag_of, text_space
from models_registry.predictors.texts import TextTable
from tests.decisions.domains.recommendation.training.shop import changed, shop

TITLES = tuple(f"{('red', 'blue')[place % 2]} {('mug', 'lamp', '连衣裙')[place % 3]} {place}" for place in range(60))
LOG = changed(shop(), titles=TITLES)


def space(width: int = 16, seed: int = 1):
    return text_space(LOG, width=width, rng=np.random.default_rng(seed))


def cosine(one: np.ndarray, other: np.ndarray) -> float:
    return float(one @ other / np.sqrt((one @ one) * (other @ other)))


def test_bag__features__count_by_the_root_of_their_number():
    bag = bag_of(np.array([[3, 1, -1], [-1, -1, -1]]))
    assert bag.shape == (2, TEXT_BUCKETS)
    assert bag[[0, 0], [1, 3]].tolist() == pytest.approx([np.sqrt(0.5)] * 2)
    assert bag.nnz == 2


def test_text_space__alike_texts__have_alike_vectors():
    items = space().items
    assert cosine(items[0], items[6]) > cosine(items[0], items[1]) + 0.2


def test_text_space__an_item__is_what_the_table_makes_of_its_features():
    found = space()
    table = TextTable(found.table, 1e9)
    assert table.of(text_numbers(TITLES, LOG.categories)) == pytest.approx(found.items, abs=1e-5)
    assert np.sqrt((found.items**2).sum(axis=1)).mean() == pytest.approx(1.0, abs=1e-5)


def test_text_space__the_same_seed__is_the_same():
    assert np.array_equal(space().items, space().items)


def test_text_space__more_directions_than_texts_have__are_as_many_as_there_are():
    assert space(width=500).items.shape[1] <= 60
    assert np.isfinite(space(width=500).items).all()


def test_text_space__no_text_at_all__is_zeros():
    found = text_space(changed(shop(), categories=("",) * 60), width=16, rng=np.random.default_rng(1))
    assert not found.items.any()
    assert not found.table.any()
    assert len(found.items) == 60
