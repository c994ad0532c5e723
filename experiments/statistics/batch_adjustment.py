"""Regression adjustment (CUPED) of many pairs at once: the formulas of `adjustment`, in arrays."""

from collections.abc import Sequence

import numpy as np

from experiments.statistics.adjustment import (
    LEAST_PRESENT_SHARE,
    LEAST_PRESENT_UNITS,
    MISSING,
    RANK_TOLERANCE,
    SPARE_UNITS,
    usable_covariates,
)
from experiments.statistics.batch_pairs import PairBatch, satterthwaite, too_few
from experiments.statistics.batches import Mask, MomentBatch
from experiments.statistics.moments import Vector


def usable(control: MomentBatch, treatment: MomentBatch, names: Sequence[str]) -> list[tuple[str, ...]]:
    """Return the covariates worth adjusting for, pair by pair, by the rule of `usable_covariates`."""
    size = control.size
    if not names:
        return [()] * size
    present = np.ones(size, dtype=bool)
    if MISSING in names:
        units = control.n + treatment.n
        missing = control.n * control.mean_of(MISSING) + treatment.n * treatment.mean_of(MISSING)
        least = np.maximum(LEAST_PRESENT_UNITS, LEAST_PRESENT_SHARE * units)
        present = ~((units - missing < least) & (units > 0.0))
    whole = np.minimum(control.n, treatment.n) >= len(names) + SPARE_UNITS
    whole &= _full_rank(control, names) & _full_rank(treatment, names)
    everything = () if list(names) == [MISSING] else tuple(names)
    found = [everything if there and full else () for there, full in zip(present, whole, strict=True)]
    for row in np.flatnonzero(present & ~whole):
        found[row] = usable_covariates(control.group(int(row)), treatment.group(int(row)), names)
    return found


def lin(control: MomentBatch, treatment: MomentBatch, covariates: Sequence[str], restricted: Mask) -> PairBatch:
    """Return the covariate-adjusted pairs (Lin 2013), a regression per arm; the first variable is the outcome.

    Formula, variances and degrees of freedom as in `adjustment.lin`. restricted: where null-restricted variances of
    the residuals are asked for. All pairs must have passed `usable` with these covariates.
    """
    p = len(covariates)
    sizes = (control.n, treatment.n)
    units = control.n + treatment.n
    both = control.select(covariates).merge(treatment.select(covariates))
    spread = both.scatter / (units - 1.0)[:, None, None]
    betas, means, residuals = [], [], []
    for arm in (control, treatment):
        beta, residual = _regressions(arm, covariates)
        offset = arm.select(covariates).mean - both.mean
        betas.append(beta)
        means.append(arm.mean[:, 0] - np.einsum("li,li->l", beta, offset))
        residuals.append(residual)
    own = [np.maximum(_form(beta, spread, beta), 0.0) / units for beta in betas]
    unexplained = [residuals[i] / (sizes[i] - 1.0 - p) / sizes[i] for i in (0, 1)]
    gap = betas[1] - betas[0]
    h = 1.0 / sizes[0] + 1.0 / sizes[1]
    pooled = [h * residual / (units - 1.0 - p) for residual in residuals]
    return PairBatch(
        sizes[0],
        sizes[1],
        means[0],
        means[1],
        unexplained[0] + own[0],
        unexplained[1] + own[1],
        _form(betas[0], spread, betas[1]) / units,
        satterthwaite(
            [
                (unexplained[0], sizes[0] - 1.0 - p),
                (unexplained[1], sizes[1] - 1.0 - p),
                (_form(gap, spread, gap) / units, units - 1.0),
            ]
        ),
        restricted,
        pooled[0] + own[0],
        pooled[1] + own[1],
        too_few(control, treatment, least=p + 2),
    )


def _form(left: Vector, matrix: Vector, right: Vector) -> Vector:
    found: Vector = np.einsum("li,lij,lj->l", left, matrix, right)
    return found


def _regressions(arm: MomentBatch, covariates: Sequence[str]) -> tuple[Vector, Vector]:
    """Return the slopes of the outcome on the covariates within each arm, (L, p), and the residual sums of squares."""
    total = arm.scatter[:, 0, 0]
    if not covariates:
        return np.zeros((arm.size, 0)), total
    index = [arm.names.index(name) for name in covariates]
    xx, xy = arm.scatter[:, index][:, :, index], arm.scatter[:, index, 0]
    scale = np.sqrt(np.diagonal(xx, axis1=1, axis2=2))
    correlation = xx / (scale[:, :, None] * scale[:, None, :])
    beta = np.linalg.solve(correlation, (xy / scale)[:, :, None])[:, :, 0] / scale
    rest = total - np.einsum("li,li->l", beta, xy)
    return beta, np.where(rest > 0.0, rest, 0.0)


def _full_rank(arm: MomentBatch, names: Sequence[str]) -> Mask:
    """Return where the covariates vary and do not explain one another."""
    index = [arm.names.index(name) for name in names]
    xx = arm.scatter[:, index][:, :, index]
    scale = np.sqrt(np.maximum(np.diagonal(xx, axis1=1, axis2=2), 0.0))
    means = np.abs(arm.mean[:, index]) * np.sqrt(arm.n)[:, None]
    varies = np.isfinite(scale) & ~(scale <= 1e-12 * np.maximum(means, 1e-280))
    full: Mask = np.all(varies, axis=1)
    correlation = xx / (scale[:, :, None] * scale[:, None, :])
    full &= np.all(np.isfinite(correlation), axis=(1, 2))
    if full.any():
        full[full] = np.linalg.eigvalsh(correlation[full])[:, 0] > RANK_TOLERANCE
    return full
