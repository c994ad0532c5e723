"""Places of hashed features: the same for one row and for many, spread over the table, and golden."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models_registry.predictors.crosses import cross_places, places_of, word_shares

GOLDEN_CROSSES = [[[19403, 228188], [74371, 49998]], [[23983, 114566], [98357, 139190]]]
GOLDEN_PLACES = [91116, 20218, 33867, 179694]
numbers = st.integers(1, 2**63 - 1)


def test_cross_places__golden_numbers__never_change():
    """Artifacts mean these places: another hash would read every stored model wrongly."""
    places = cross_places(np.array([1, 2**62], dtype=np.int64), np.array([[3, 4], [5, 2**63 - 1]], dtype=np.int64), 18)
    assert places.tolist() == GOLDEN_CROSSES
    assert places_of(np.array([1, 2, 3, 2**63 - 1], dtype=np.int64), 18).tolist() == GOLDEN_PLACES


@given(st.lists(numbers, min_size=1, max_size=5), st.lists(numbers, min_size=1, max_size=5), st.integers(8, 22))
def test_cross_places__rows_and_one_row__agree_and_lie_in_the_table(subject, fields, bits):
    one = cross_places(np.array(subject, dtype=np.int64), np.array(fields, dtype=np.int64), bits)
    many = cross_places(np.array([subject] * 3, dtype=np.int64), np.array([fields] * 3, dtype=np.int64), bits)
    assert one.shape == (len(subject), len(fields))
    assert (many == one).all()
    assert ((one >= 0) & (one < 1 << bits)).all()


def test_cross_places__many_pairs__fill_the_table_evenly():
    rng = np.random.default_rng(1)
    subjects, fields = rng.integers(1, 2**62, 200), rng.integers(1, 2**62, (200, 1))
    counts = np.bincount(cross_places(subjects, fields.reshape(-1), 10).reshape(-1), minlength=1 << 10)
    expected = 40_000 / (1 << 10)
    chi_square = float(((counts - expected) ** 2 / expected).sum())
    assert chi_square < 1_023 + 6 * (2 * 1_023) ** 0.5


def test_word_shares__words_of_a_title__count_less_the_more_there_are():
    shares = word_shares(np.array([[7, 8, 9, 10], [7, 0, 0, 0], [0, 0, 0, 0]]))
    assert shares.tolist() == [[0.5] * 4, [1.0, 0.0, 0.0, 0.0], [0.0] * 4]


@pytest.mark.parametrize("shape", [(3,), (4, 3), (2, 4, 3)])
def test_places_of__any_shape__stays(shape):
    assert places_of(np.ones(shape, dtype=np.int64), 12).shape == shape
