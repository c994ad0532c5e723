"""P(best) by quadrature agrees with a dense sum, whatever the arms look like."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import betainc, betaln, expit, log_expit

from decisions.learning.best import probability_best


def dense(counts):
    """Return P(best) by a sum over 400 000 log-odds."""
    at = np.linspace(-150.0, 150.0, 400_001)
    step = at[1] - at[0]
    density = [np.exp(a * log_expit(at) + b * log_expit(-at) - betaln(a, b)) for a, b in counts]
    below = [np.where(at < 0, betainc(a, b, expit(at)), 1.0 - betainc(b, a, expit(-at))) for a, b in counts]
    others = [np.prod([below[j] for j in range(len(counts)) if j != i], axis=0) for i in range(len(counts))]
    return np.array([float(np.sum(f * rest) * step) for f, rest in zip(density, others, strict=True)])


COUNT = st.floats(0.3, 3_000.0)


@settings(max_examples=6, deadline=None)
@given(st.lists(st.tuples(COUNT, COUNT), min_size=1, max_size=5))
def test_probability_best__any_arms__agrees_with_a_dense_sum(arms):
    counts = np.array(arms)
    assert probability_best(counts) == pytest.approx(dense(counts), abs=2e-6)


@pytest.mark.parametrize(
    "arms",
    [
        [[24440.9, 0.1035], [10.087, 0.2089], [320.2, 0.1798], [0.237, 0.274]],
        [[0.11, 134.5], [0.131, 1.241]],
        [[1e6, 1e6], [1.0, 1.0]],
        [[5e5, 5e5], [5e5 + 2_000, 5e5], [0.1, 0.1]],
    ],
)
def test_probability_best__long_tails_beside_narrow_arms__agrees_with_a_dense_sum(arms):
    counts = np.array(arms)
    assert probability_best(counts) == pytest.approx(dense(counts), abs=2e-6)


@pytest.mark.parametrize("arms", [1, 2, 7, 500])
def test_probability_best__equal_arms__share_evenly(arms):
    found = probability_best(np.tile([3.0, 20.0], (arms, 1)))
    assert found == pytest.approx(np.full(arms, 1.0 / arms), rel=1e-9)


def test_probability_best__arm_far_ahead__has_all_and_none_is_negative():
    found = probability_best(np.array([[900.0, 100.0], [10.0, 990.0], [10.0, 990.0]]))
    assert found[0] == pytest.approx(1.0)
    assert (found >= 0.0).all()


def test_probability_best__two_thousand_different_arms__sum_up_to_one():
    rng = np.random.default_rng(3)
    counts = np.exp(rng.uniform(np.log(0.5), np.log(1e5), size=(2_000, 2)))
    found = probability_best(counts)
    assert found.sum() == pytest.approx(1.0)
    assert found[np.argmax(counts[:, 0] / counts.sum(axis=1))] > 0.0
