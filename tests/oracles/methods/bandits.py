"""Posteriors of learning policies: rates that fade, weights of features, and rewards that are logistic in them."""

import numpy as np

from decisions.learning.beta import BetaPrior, updated
from decisions.learning.gaussian import Gaussian, isotropic, linear_update, refreshed
from decisions.learning.logistic import logistic_update
from tests.oracles.compare import Case
from tests.oracles.methods.means import Answer


def beta_ts_discounted(case: Case) -> Answer:
    """Each reward is a batch of its own."""
    inputs = case["inputs"]
    prior = BetaPrior(inputs["prior"]["a"], inputs["prior"]["b"])
    counts = np.array([[prior.alpha, prior.beta]])
    for reward in inputs["rewards"]:
        counts = updated(counts, prior, np.array([[reward, 1 - reward]]), kept=inputs["discount"])
    return {"alpha": float(counts[0, 0]), "beta": float(counts[0, 1])}


def gaussian_ts_discounted(case: Case) -> Answer:
    """A mean is the weight of one feature that is always 1."""
    inputs = case["inputs"]
    prior = isotropic(np.array([inputs["prior_mean"]]), inputs["prior_variance"])
    state = prior
    for observation in inputs["observations"]:
        faded = refreshed(state, prior, kept=inputs["discount"])
        row, reward = np.ones((1, 1)), np.array([observation])
        state = linear_update(faded, row, reward, noise_variance=inputs["noise_variance"])
    return {"posterior_mean": float(state.mean[0]), "posterior_variance": float(state.covariance[0, 0])}


def lints_posterior(case: Case) -> Answer:
    inputs = case["inputs"]
    rows, rewards = np.array(inputs["X"]), np.array(inputs["y"])
    state = linear_update(_prior(inputs), rows, rewards, noise_variance=inputs["noise_variance"])
    return {"posterior_mean": state.mean.tolist(), "posterior_cov": state.covariance.tolist()}


def logistic_ts_laplace(case: Case) -> Answer:
    inputs = case["inputs"]
    state = logistic_update(_prior(inputs), np.array(inputs["X"]), np.array(inputs["y"], dtype=np.float64))
    return {
        "map": state.mean.tolist(),
        "laplace_cov": state.covariance.tolist(),
        "hessian_diag": np.diag(state.precision).tolist(),
    }


def _prior(inputs: dict) -> Gaussian:
    return isotropic(np.array(inputs["prior_mean"], dtype=np.float64), inputs["prior_variance"])
