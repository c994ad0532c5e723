"""Quantiles of events that come in clusters: one unit, many values (page loads, deliveries)."""

from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike

from experiments.statistics.figures import between_0_and_1
from experiments.statistics.means import satterthwaite
from experiments.statistics.moments import Moments
from experiments.statistics.pair import ArmEstimate, Pair
from experiments.statistics.quantiles import OUTER_Z, QuantileArm, quantile_arm, quantile_estimate
from experiments.statistics.ratios import linearise, ratio_problem
from experiments.statistics.results import Undefined, UndefinedReason
from experiments.statistics.rows import codes_of, finite_column


def below_counts(values: ArrayLike, units: ArrayLike, quantile: float) -> Moments:
    """Return the moments over units of `y`, a unit's values at or below the quantile, and `d`, its values.

    Raises RowsInvalid for values that are not finite or columns of different length.
    """
    column = finite_column("values", values)
    codes, groups = codes_of("units", units, column.size)
    size = np.bincount(codes, minlength=groups).astype(float)
    below = np.bincount(codes, weights=(column <= quantile).astype(float), minlength=groups)
    rows = np.vstack([below, size])
    if groups == 0:
        return Moments(0, ("y", "d"), np.zeros(2), np.zeros((2, 2)))
    centred = rows - rows.mean(axis=1, keepdims=True)
    return Moments(groups, ("y", "d"), rows.mean(axis=1), centred @ centred.T, None, (0, groups))


def design_effect(counts: Moments, nu: float) -> float | Undefined:
    """Return by how much clustering multiplies the variance of the share of values below the quantile.

    Var_delta(sum y / sum d) / (nu (1 - nu) / n), n the values of all units; needs what any ratio needs (`ratios`).
    """
    between_0_and_1(nu=nu)
    problem = ratio_problem(counts)
    if problem is not None:
        return problem
    size = counts.mean_of("d")
    linear = linearise(counts, ratio=counts.mean_of("y") / size, denominator=size)
    effect = linear.variance("y") * size / (nu * (1.0 - nu))
    return effect if effect > 0.0 else Undefined(UndefinedReason.NO_VARIANCE)


def clustered_estimate(arm: QuantileArm, counts: Moments, nu: float, *, z: float = OUTER_Z) -> ArmEstimate | Undefined:
    """Return the quantile with its variance over units, not over values.

    ((Y_U - Y_L) / (2 z))^2 times the design effect (Deng, Knoblich & Lu 2018; Yao et al. 2024); n counts units.
    """
    independent = quantile_estimate(arm, z)
    if isinstance(independent, Undefined):
        return independent
    effect = design_effect(counts, nu)
    if isinstance(effect, Undefined):
        return effect
    return replace(independent, n=counts.n, variance=independent.variance * effect)


def clustered_pair(control: ArmEstimate | Undefined, treatment: ArmEstimate | Undefined) -> Pair | Undefined:
    """Return the pair of clustered quantiles with Welch's degrees of freedom over units."""
    if isinstance(control, Undefined):
        return control
    if isinstance(treatment, Undefined):
        return treatment
    df = satterthwaite(((control.variance, control.n - 1), (treatment.variance, treatment.n - 1)))
    return Pair(control, treatment, df=df)


def clustered_quantile(values: ArrayLike, units: ArrayLike, nu: float) -> ArmEstimate | Undefined:
    """Return the clustered estimate of one arm from its rows. Raises RowsInvalid as `below_counts` does."""
    arm = quantile_arm(values, nu)
    if isinstance(arm, Undefined):
        return arm
    return clustered_estimate(arm, below_counts(values, units, arm.quantile), nu)
