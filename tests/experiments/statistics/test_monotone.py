"""Monotone regression: against pooling written out, against scikit-learn, and its own properties."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from experiments.statistics.monotone import MeasuredInvalid, non_increasing

MEASURED = st.integers(1, 15).flatmap(
    lambda n: st.tuples(
        st.lists(st.floats(0.0, 1e3), min_size=n, max_size=n),
        st.lists(st.floats(1e-2, 1e3), min_size=n, max_size=n),
    )
)


def pooled(values, weights):
    """Return the same by pooling adjacent violators, as the books write it."""
    blocks: list[tuple[float, float, int]] = []
    for value, weight in zip(values, weights, strict=True):
        blocks.append((value, weight, 1))
        while len(blocks) > 1 and blocks[-2][0] < blocks[-1][0]:
            last, before = blocks.pop(), blocks.pop()
            both = before[1] + last[1]
            blocks.append(((before[0] * before[1] + last[0] * last[1]) / both, both, before[2] + last[2]))
    return [value for value, _weight, count in blocks for _ in range(count)]


@settings(max_examples=200, deadline=None)
@given(MEASURED)
def test_non_increasing__anything__is_what_pooling_adjacent_violators_gives(measured):
    values, weights = measured
    found = non_increasing(np.array(values), np.array(weights))
    assert found == pytest.approx(pooled(values, weights), rel=1e-9, abs=1e-9)
    assert (np.diff(found) <= 0.0).all()
    again = non_increasing(found, np.array(weights))
    assert again == pytest.approx(found)
    total = float(np.dot(found, weights))
    assert total == pytest.approx(float(np.dot(values, weights)))


def test_non_increasing__what_falls_already__stays_as_it_is():
    values = np.array([5.0, 4.0, 4.0, 1.0])
    assert non_increasing(values, np.ones(4)).tolist() == values.tolist()


def test_non_increasing__many_rows__are_each_by_themselves():
    rng = np.random.default_rng(3)
    values, weights = rng.random((2, 4, 6)), rng.random(6) + 0.1
    found = non_increasing(values, weights)
    assert found.shape == values.shape
    assert found[1, 2].tolist() == non_increasing(values[1, 2], weights).tolist()


def test_non_increasing__weights__pull_the_pool_to_what_is_known_best():
    assert non_increasing(np.array([1.0, 2.0]), np.array([3.0, 1.0])).tolist() == [1.25, 1.25]


@pytest.mark.parametrize(
    ("values", "weights"),
    [([1.0, np.nan], [1.0, 1.0]), ([1.0, 2.0], [1.0, 0.0]), ([1.0, 2.0], [1.0, np.inf]), ([1.0, 2.0], [1.0])],
)
def test_non_increasing__what_cannot_be_pooled__is_refused(values, weights):
    with pytest.raises(MeasuredInvalid, match="weights"):
        non_increasing(np.array(values), np.array(weights))
