"""Posterior draws of weights: a fixed number of them, seeded by what they are drawn from."""

from hashlib import sha256
from typing import Final

import numpy as np

from decisions.learning.gaussian import Floats, Gaussian

COUNT: Final = 256
"""How many draws a state holds. A propensity of a contextual policy is a multiple of 1 / COUNT, the floor apart."""


def posterior_draws(state: Gaussian, *, salt: str) -> Floats:
    """Return COUNT x weights draws of N(mean, precision^-1): mean + L'^-1 z with L L' = precision.

    z comes in pairs of opposite signs, so that the mean of the draws is the posterior's. The generator is seeded by the
    salt and the bytes of the posterior: the same knowledge gives the same draws, new knowledge gives fresh ones.
    """
    hashed = sha256(salt.encode() + b"\0" + state.mean.tobytes() + state.precision.tobytes())
    rng = np.random.default_rng(int.from_bytes(hashed.digest(), "big"))
    half = rng.standard_normal((COUNT // 2, len(state.mean)))
    lower = np.linalg.cholesky(state.precision)
    spread = np.linalg.solve(lower.T, np.concatenate([half, -half]).T).T
    drawn: Floats = state.mean + spread
    return drawn
