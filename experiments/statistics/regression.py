"""Lin's interacted regression on unit rows, with heteroscedasticity-robust errors: the check on the moment formula."""

from dataclasses import dataclass

import numpy as np

from experiments.statistics.moments import Matrix, Vector


@dataclass(frozen=True, slots=True)
class RegressionEffect:
    """The treatment's coefficient and its standard error: classical and HC0 to HC3."""

    estimate: float
    se_ols: float
    se_hc0: float
    se_hc1: float
    se_hc2: float
    se_hc3: float


def interacted(outcome: Vector, treatment: Vector, covariates: Matrix) -> RegressionEffect:
    """Return the effect from y ~ w + (x - mean) + w (x - mean) (Lin 2013). covariates: shape (n, p)."""
    centred = covariates - covariates.mean(axis=0)
    return _effect(outcome, np.column_stack([np.ones_like(outcome), treatment, centred, treatment[:, None] * centred]))


def additive(outcome: Vector, treatment: Vector, covariates: Matrix) -> RegressionEffect:
    """Return the effect from y ~ w + (x - mean), without interaction (ANCOVA). covariates: shape (n, p)."""
    centred = covariates - covariates.mean(axis=0)
    return _effect(outcome, np.column_stack([np.ones_like(outcome), treatment, centred]))


def _effect(outcome: Vector, design: Matrix) -> RegressionEffect:
    n, k = design.shape
    bread = np.linalg.inv(design.T @ design)
    beta = bread @ design.T @ outcome
    residual = outcome - design @ beta
    leverage = np.einsum("ij,jk,ik->i", design, bread, design)
    row = bread[1] @ design.T

    def robust(weights: Vector) -> float:
        return float(np.sqrt(np.sum(row**2 * weights)))

    square = residual**2
    hc0 = robust(square)
    return RegressionEffect(
        float(beta[1]),
        float(np.sqrt(square.sum() / (n - k) * bread[1, 1])),
        hc0,
        hc0 * float(np.sqrt(n / (n - k))),
        robust(square / (1.0 - leverage)),
        robust(square / (1.0 - leverage) ** 2),
    )
