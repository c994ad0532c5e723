"""Newton's method settles on the most probable weights, also where the data alone would send them to infinity."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from decisions.learning.gaussian import isotropic
from decisions.learning.logistic import logistic_update


def slope(state, found, features, rewards):
    rates = 1.0 / (1.0 + np.exp(-np.clip(features @ found.mean, -700, 700)))
    return features.T @ (rates - rewards) + state.precision @ (found.mean - state.mean)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 200), st.floats(-2, 3), st.floats(-3, 4))
def test_logistic__any_data__ends_where_the_slope_is_zero(seed, rows, log_scale, log_variance):
    rng = np.random.default_rng(seed)
    features = rng.normal(size=(rows, 3)) * 10.0**log_scale
    rewards = rng.integers(0, 2, rows).astype(float)
    prior = isotropic(np.zeros(3), 10.0**log_variance)
    found = logistic_update(prior, features, rewards)
    size = np.abs(features).sum() + np.abs(prior.precision).max()
    assert np.abs(slope(prior, found, features, rewards)).max() < 1e-6 * size


def test_logistic__perfectly_separated__stays_finite():
    features = np.array([[1.0], [1.0], [-1.0], [-1.0]]) * 1e3
    found = logistic_update(isotropic(np.zeros(1), 1e6), features, np.array([1.0, 1.0, 0.0, 0.0]))
    assert np.isfinite(found.mean).all()
    assert found.mean[0] > 0.0


def test_logistic__nothing__is_the_prior():
    prior = isotropic(np.array([0.5, -1.0]), 2.0)
    found = logistic_update(prior, np.zeros((0, 2)), np.zeros(0))
    assert found.mean.tolist() == prior.mean.tolist()
    assert found.precision == pytest.approx(prior.precision)
