"""Baskets as linear models read them."""

import numpy as np
import pytest
from scipy.sparse import csr_array

from decisions.domains.recommendation.training.baskets import cut, scaled

CONTACTS = csr_array(np.array([[1, 3, 1, 3, 2, 3], [1, 1, 1, 0, 0, 0]], dtype=np.float32))


def test_cut__a_basket_longer_than_allowed__keeps_the_strongest_and_of_equal_ones_the_first():
    assert cut(CONTACTS, 3).toarray().tolist() == [[0, 3, 0, 3, 0, 3], [1, 1, 1, 0, 0, 0]]
    assert cut(CONTACTS, 4).toarray()[0].tolist() == [0, 3, 0, 3, 2, 3]
    assert cut(CONTACTS, 2).toarray()[1].tolist() == [1, 1, 0, 0, 0, 0]


def test_cut__baskets_short_enough__are_as_they_were():
    assert cut(CONTACTS, 6) is CONTACTS


def test_scaled__contacts__have_mean_one_whatever_the_events():
    assert scaled(CONTACTS).data.mean() == pytest.approx(1.0)
    assert scaled(csr_array(CONTACTS * 7.0)).toarray() == pytest.approx(scaled(CONTACTS).toarray())
    assert scaled(csr_array((2, 3), dtype=np.float32)).nnz == 0
