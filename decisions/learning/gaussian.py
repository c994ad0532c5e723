"""A Gaussian posterior over weights in its natural form, and what rewards that are linear in features do to it."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Gaussian:
    """N(mean, precision^-1) over weights: `precision` is symmetric and positive definite."""

    mean: Floats
    precision: Floats

    @property
    def covariance(self) -> Floats:
        """The inverse of the precision."""
        found: Floats = np.linalg.inv(self.precision).astype(np.float64)
        return found


def isotropic(mean: Floats, variance: float) -> Gaussian:
    """Return N(mean, variance I)."""
    return Gaussian(mean.astype(np.float64), np.eye(len(mean)) / variance)


def refreshed(state: Gaussian, prior: Gaussian, *, kept: float) -> Gaussian:
    """Return what is left after forgetting: precision and precision x mean go g to the state, 1 - g to the prior.

    kept: g in (0, 1]. The half-life is ln .5 / ln g.
    """
    if kept == 1.0:
        return state
    precision = kept * state.precision + (1.0 - kept) * prior.precision
    shift = kept * state.precision @ state.mean + (1.0 - kept) * prior.precision @ prior.mean
    return _of_shift(precision, shift)


def linear_update(state: Gaussian, features: Floats, rewards: Floats, *, noise_variance: float) -> Gaussian:
    """Return the conjugate posterior: precision <- precision + X'X / s2, mean = precision^-1 (P m + X'y / s2).

    features: rows x weights. rewards: one a row. noise_variance: s2, of a reward around its expectation.
    """
    precision = state.precision + products(features) / noise_variance
    shift = state.precision @ state.mean + np.einsum("ni,n->i", features, rewards) / noise_variance
    return _of_shift(precision, shift)


def products(features: Floats, weights: Floats | None = None) -> Floats:
    """Return X'X, or X'WX with a weight for each row.

    Summed by one thread in one order, unlike a matrix product: equal batches give equal bytes wherever they are folded.
    """
    weighted = features if weights is None else features * weights[:, None]
    found: Floats = np.einsum("ni,nj->ij", weighted, features)
    return (found + found.T) / 2.0


def _of_shift(precision: Floats, shift: Floats) -> Gaussian:
    mean: Floats = np.linalg.solve(precision, shift).astype(np.float64)
    return Gaussian(mean, precision)
