"""A Laplace posterior over weights whose rewards have log-odds that are linear in features, batch by batch."""

from typing import Final

import numpy as np

from decisions.learning.gaussian import Floats, Gaussian, products
from foundation.errors import DomainError

MOST_STEPS: Final = 60
MOST_HALVINGS: Final = 40
SMALLEST_STEP: Final = 1e-10


class LogisticUnsettled(DomainError):
    """Newton's method did not settle on the most probable weights; what was known before stays."""

    code = "LOGISTIC_UNSETTLED"
    hint = "Look whether features are of ordinary size; the learning policy goes on with the state it has."


def logistic_update(state: Gaussian, features: Floats, rewards: Floats) -> Gaussian:
    """Return N(MAP, H^-1), H = X'WX + P: the state is the prior, Newton's method starts from its mean.

    The full Hessian is kept (Chapelle & Li 2011 keep its diagonal alone). features: rows x weights. rewards: 0 or 1 for
    each row. Raises LogisticUnsettled.
    """
    weights = state.mean
    value = _objective(weights, state, features, rewards)
    for _ in range(MOST_STEPS):
        rates = _rates(_odds(features, weights))
        slope = np.einsum("ni,n->i", features, rates - rewards) + state.precision @ (weights - state.mean)
        step = np.linalg.solve(_hessian(state, features, rates), slope)
        weights, value, moved = _descended(weights, step, value, state, features, rewards)
        if moved <= SMALLEST_STEP * (1.0 + float(np.abs(weights).max())):
            return Gaussian(weights, _hessian(state, features, _rates(_odds(features, weights))))
    raise LogisticUnsettled(f"Newton's method did not settle within {MOST_STEPS} steps.")


def _descended(
    weights: Floats, step: Floats, value: float, state: Gaussian, features: Floats, rewards: Floats
) -> tuple[Floats, float, float]:
    """Return the weights after a step, halved until it does not lead uphill, with their value and how far they went."""
    for _ in range(MOST_HALVINGS):
        tried = weights - step
        found = _objective(tried, state, features, rewards)
        if found <= value:
            return tried, found, float(np.abs(step).max())
        step = step / 2.0
    return weights, value, 0.0  # the least difference that a float can tell


def _objective(weights: Floats, state: Gaussian, features: Floats, rewards: Floats) -> float:
    """Return the negative log posterior, but for a constant."""
    odds = _odds(features, weights)
    away = weights - state.mean
    return float(np.sum(np.logaddexp(0.0, odds) - rewards * odds) + 0.5 * away @ state.precision @ away)


def _hessian(state: Gaussian, features: Floats, rates: Floats) -> Floats:
    return products(features, rates * (1.0 - rates)) + state.precision


def _odds(features: Floats, weights: Floats) -> Floats:
    found: Floats = np.einsum("ni,i->n", features, weights)
    return found


def _rates(odds: Floats) -> Floats:
    return np.exp(-np.logaddexp(0.0, -odds))
