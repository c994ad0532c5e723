"""Regression adjustment with pre-exposure covariates (CUPED), from moments alone."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from experiments.statistics.figures import FigureInvalid
from experiments.statistics.means import satterthwaite, too_few
from experiments.statistics.moments import Matrix, Moments, Vector
from experiments.statistics.pair import ArmEstimate, Pair, Restricted
from experiments.statistics.results import Undefined

MISSING = "m"
LEAST_PRESENT_SHARE = 0.05
LEAST_PRESENT_UNITS = 100
RANK_TOLERANCE = 1e-9
SPARE_UNITS = 3


@dataclass(frozen=True, slots=True)
class Adjusted:
    """A pair after adjustment, the covariates that were kept and the restricted variances of the residuals."""

    pair: Pair
    covariates: tuple[str, ...]
    restricted: Restricted


def usable_covariates(control: Moments, treatment: Moments, names: Sequence[str]) -> tuple[str, ...]:
    """Return the covariates worth adjusting for, in order.

    All are dropped when fewer than 5% or 100 units have pre-exposure data; one that does not vary, or that the
    others already explain, in either arm, is dropped alone.
    """
    units = control.n + treatment.n
    if not names:
        return ()
    if MISSING in names and units:
        missing = control.n * control.mean_of(MISSING) + treatment.n * treatment.mean_of(MISSING)
        if units - missing < max(LEAST_PRESENT_UNITS, LEAST_PRESENT_SHARE * units):
            return ()
    smaller = min(control.n, treatment.n)
    if smaller >= len(names) + SPARE_UNITS and all(_full_rank(arm, names) for arm in (control, treatment)):
        return () if list(names) == [MISSING] else tuple(names)
    kept: list[str] = []
    for name in names:
        trial = [*kept, name]
        enough = smaller >= len(trial) + SPARE_UNITS
        if enough and all(_full_rank(arm, trial) for arm in (control, treatment)):
            kept = trial
    return () if kept == [MISSING] else tuple(kept)


def lin(control: Moments, treatment: Moments, covariates: Sequence[str]) -> Adjusted | Undefined:
    """Return the covariate-adjusted pair (Lin 2013), a regression per arm; first variable is the outcome.

    beta_a = S_XX,a^-1 S_XY,a; m_a = Y_a - beta_a'(X_a - X), X over both arms; V_a = s^2(e_a) (n_a - 1) /
    ((n_a - 1 - p) n_a) + beta_a' S_XX beta_a / N; C = beta_c' S_XX beta_t / N. Missing data: filled with a constant
    beside an indicator covariate (Zhao & Ding 2022). Covariates must have passed `usable_covariates`.
    """
    p = len(covariates)
    problem = too_few(control, treatment, least=p + 2)
    if problem is not None:
        return problem
    units = control.n + treatment.n
    both = control.select(covariates).merge(treatment.select(covariates)) if p else None
    centre = np.zeros(0) if both is None else both.mean
    spread = np.zeros((0, 0)) if both is None else both.scatter / (units - 1)
    betas: list[Vector] = []
    means: list[float] = []
    residuals: list[float] = []
    for arm in (control, treatment):
        beta, residual = _regression(arm, covariates)
        betas.append(beta)
        offset = np.array([arm.mean_of(name) for name in covariates]) - centre
        means.append(float(arm.mean[0]) - float(beta @ offset))
        residuals.append(residual)
    own = [max(0.0, float(beta @ spread @ beta)) / units for beta in betas]
    covariance = float(betas[0] @ spread @ betas[1]) / units
    sizes = (control.n, treatment.n)
    unexplained = [residuals[i] / (sizes[i] - 1 - p) / sizes[i] for i in (0, 1)]
    gap = betas[1] - betas[0]
    df = satterthwaite(
        (
            (unexplained[0], sizes[0] - 1 - p),
            (unexplained[1], sizes[1] - 1 - p),
            (float(gap @ spread @ gap) / units, units - 1),
        )
    )
    h = 1.0 / sizes[0] + 1.0 / sizes[1]
    pooled = [h * residual / (units - 1 - p) for residual in residuals]
    pair = Pair(
        ArmEstimate(sizes[0], means[0], unexplained[0] + own[0]),
        ArmEstimate(sizes[1], means[1], unexplained[1] + own[1]),
        covariance,
        df,
    )
    return Adjusted(pair, tuple(covariates), Restricted(pooled[0] + own[0], pooled[1] + own[1], units))


def _regression(arm: Moments, covariates: Sequence[str]) -> tuple[Vector, float]:
    """Return the slopes of the outcome on the covariates within one arm and the residual sum of squares."""
    if not covariates:
        return np.zeros(0), float(arm.scatter[0, 0])
    index = [arm.names.index(name) for name in covariates]
    xx: Matrix = arm.scatter[index][:, index]
    xy: Vector = arm.scatter[index, 0]
    scale = np.sqrt(xx.diagonal())
    between = scale[:, None] * scale
    if not np.all((between > 0.0) & np.isfinite(between)):
        raise FigureInvalid("covariates: must vary, and fit a float", hint="Let `usable_covariates` choose them.")
    try:
        beta: Vector = np.linalg.solve(xx / between, xy / scale) / scale
    except np.linalg.LinAlgError as error:
        hint = "Let `usable_covariates` choose them."
        raise FigureInvalid("covariates: explain one another", hint=hint) from error
    return beta, max(0.0, float(arm.scatter[0, 0]) - float(beta @ xy))


def _full_rank(arm: Moments, names: Sequence[str]) -> bool:
    index = [arm.names.index(name) for name in names]
    xx = arm.scatter[index][:, index]
    scale = np.sqrt(np.maximum(xx.diagonal(), 0.0))
    means = np.abs(arm.mean[index]) * np.sqrt(arm.n)
    if not np.isfinite(scale).all() or (scale <= 1e-12 * np.maximum(means, 1e-280)).any():
        return False
    correlation = xx / (scale[:, None] * scale)
    if not np.isfinite(correlation).all():
        return False
    return len(names) == 1 or float(np.linalg.eigvalsh(correlation)[0]) > RANK_TOLERANCE
