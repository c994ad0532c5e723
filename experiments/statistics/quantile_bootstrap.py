"""Quantiles by bootstrap over units: for values with ties and atoms, where order statistics show no spread."""

import math

import numpy as np
from numpy.typing import ArrayLike

from experiments.statistics.moments import Vector
from experiments.statistics.results import Interval, Undefined, UndefinedReason, bounded, undefined
from experiments.statistics.rows import RowsInvalid, codes_of, finite_column, probability

DRAWS = 2_000


def replicates(values: ArrayLike, nu: float, rng: np.random.Generator, *, draws: int = DRAWS) -> Vector | Undefined:
    """Return bootstrap replicates of the quantile Y_(k), k = ceil(n nu), of independent values.

    A resample's k-th value is the sample's J-th, J = ceil(n U_(k)), U_(k) ~ Beta(k, n + 1 - k): exactly the bootstrap
    (Efron 1979), without resampling. Raises RowsInvalid for values that are not finite.
    """
    ordered = np.sort(finite_column("values", values))
    probability("nu", nu)
    _check_draws(draws)
    n = ordered.size
    if n < 2:
        return Undefined(UndefinedReason.NO_DATA if n == 0 else UndefinedReason.TOO_FEW_UNITS)
    rank = math.ceil(n * nu)
    ranks = np.ceil(n * rng.beta(rank, n + 1 - rank, draws)).astype(np.intp)
    found: Vector = ordered[np.clip(ranks, 1, n) - 1]
    return found


def clustered_replicates(
    values: ArrayLike, units: ArrayLike, nu: float, rng: np.random.Generator, *, draws: int = DRAWS
) -> Vector | Undefined:
    """Return bootstrap replicates of the quantile where whole units, with all their values, are resampled.

    Raises RowsInvalid for values that are not finite or columns of different length.
    """
    column = finite_column("values", values)
    codes, groups = codes_of("units", units, column.size)
    probability("nu", nu)
    _check_draws(draws)
    if groups < 2:
        return Undefined(UndefinedReason.NO_DATA if groups == 0 else UndefinedReason.TOO_FEW_UNITS)
    order = np.argsort(column, kind="stable")
    ordered, owner = column[order], codes[order]
    found = np.empty(draws)
    for draw in range(draws):
        times = np.bincount(rng.integers(groups, size=groups), minlength=groups)
        reached = np.cumsum(times[owner])
        found[draw] = ordered[np.searchsorted(reached, math.ceil(nu * int(reached[-1])))]
    return found


def difference_interval(control: Vector | Undefined, treatment: Vector | Undefined, level: float) -> Interval:
    """Return the percentile interval of treatment - control from replicates of both arms."""
    if isinstance(control, Undefined):
        return undefined(control.reason)
    if isinstance(treatment, Undefined):
        return undefined(treatment.reason)
    _check(control, treatment)
    return _percentiles(treatment - control, level)


def lift_interval(control: Vector | Undefined, treatment: Vector | Undefined, level: float) -> Interval:
    """Return the percentile interval of treatment / control - 1; undefined where a control replicate is not above 0."""
    if isinstance(control, Undefined):
        return undefined(control.reason)
    if isinstance(treatment, Undefined):
        return undefined(treatment.reason)
    _check(control, treatment)
    if float(control.min()) <= 0.0:
        negative = float(control.min()) < 0.0
        return undefined(UndefinedReason.NEGATIVE_CONTROL if negative else UndefinedReason.ZERO_CONTROL)
    return _percentiles(treatment / control - 1.0, level)


def _check_draws(draws: int) -> None:
    if draws < 1:
        raise RowsInvalid(f"draws: must be at least 1, not {draws}")


def _check(control: Vector, treatment: Vector) -> None:
    if control.size == 0 or control.shape != treatment.shape:
        raise RowsInvalid(f"draws: must be 1 or more and as many in both arms, not {control.size} and {treatment.size}")
    if not (np.all(np.isfinite(control)) and np.all(np.isfinite(treatment))):
        raise RowsInvalid("draws: must be finite")


def _percentiles(replicated: Vector, level: float) -> Interval:
    tail = (1.0 - probability("level", level)) / 2.0
    lower, upper = np.quantile(replicated, [tail, 1.0 - tail])
    return bounded(float(lower), float(upper))
