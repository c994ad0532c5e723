"""Switchback experiments: the effect of treating always rather than never, with carry-over over m periods."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from experiments.statistics.distributions import normal_isf, tail_p
from experiments.statistics.moments import Vector
from experiments.statistics.results import Alternative, Interval, Undefined, UndefinedReason, bounded
from experiments.statistics.rows import Mask, RowsInvalid, codes_of, finite_column
from experiments.statistics.switchback_design import (
    CoinDesign,
    Propensities,
    coin_propensities,
    constant_windows,
    schedule,
    touched,
)

DRAWS = 5_000
_TIE = 1e-9


@dataclass(frozen=True, slots=True, eq=False)
class SwitchbackEffect:
    """The effect per period, its terms for each period after the first m, and the conservative standard error.

    se: None where the design's blocks are unknown (`horvitz_thompson`): use a test by re-drawing.
    """

    estimate: float
    terms: Vector
    se: float | None

    def p_value(self, alternative: Alternative = Alternative.TWO_SIDED) -> float | Undefined:
        """Return the p-value of no effect by normal approximation, conservative as the error is."""
        if self.se is None or not self.se > 0.0:
            return Undefined(UndefinedReason.NO_VARIANCE)
        return tail_p(self.estimate / self.se, math.inf, alternative)

    def interval(self, alpha: float) -> Interval | Undefined:
        """Return estimate +- z se, conservative as the error is."""
        if self.se is None or not self.se > 0.0:
            return Undefined(UndefinedReason.NO_VARIANCE)
        half = normal_isf(alpha / 2.0) * self.se
        return bounded(self.estimate - half, self.estimate + half)


def horvitz_thompson(
    y: ArrayLike, assignment: Mask, propensities: Propensities, carry_over: int
) -> SwitchbackEffect | Undefined:
    """Return mean over t > m of y_t (1{window all treatment} / P - 1{window all control} / P), for any design.

    Unbiased for the mean of Y_t(1, .., 1) - Y_t(0, .., 0) when nothing carries over beyond m periods (Bojinov,
    Simchi-Levi & Zhao 2023). y: the outcome of each period, best less its season. Undefined where a window cannot be
    constant. Raises RowsInvalid for rows that do not fit.
    """
    column = _periods(y, assignment.size, carry_over)
    if isinstance(column, Undefined):
        return column
    if not (np.all(propensities.treatment > 0.0) and np.all(propensities.control > 0.0)):
        return Undefined(UndefinedReason.ZERO_DENOMINATOR)
    ones, zeros = (windows[0] for windows in constant_windows(assignment[None, :], carry_over))
    terms: Vector = column[carry_over:] * (ones / propensities.treatment - zeros / propensities.control)
    return SwitchbackEffect(float(terms.mean()), terms, None)


def coin_effect(
    design: CoinDesign, y: ArrayLike, assignment: ArrayLike, carry_over: int
) -> SwitchbackEffect | Undefined:
    """Return the Horvitz-Thompson effect under independent coins, with its conservative error.

    Periods whose windows touch the same blocks form a group j of sum S_j; groups with s_jl > 0 blocks in common are
    dependent. Var <= sum_j S_j^2 (1{all treatment} p^-k_j sum_l p^-s_jl + 1{all control} q^-k_j sum_l q^-s_jl) /
    (T - m)^2: with fair coins and the optimal blocks the 8, 32, .., 32, 8 of Bojinov, Simchi-Levi & Zhao (2023).
    Raises SwitchbackInvalid or RowsInvalid for a schedule or outcomes that do not fit the design.
    """
    treated = schedule(design, assignment)
    if not 0 <= carry_over < design.periods:
        return Undefined(UndefinedReason.TOO_FEW_UNITS)
    effect = horvitz_thompson(y, treated, coin_propensities(design, carry_over), carry_over)
    if isinstance(effect, Undefined):
        return effect
    column = finite_column("y", y)[carry_over:]
    ones, zeros = (windows[0] for windows in constant_windows(treated[None, :], carry_over))
    groups, codes = np.unique(touched(design, carry_over), axis=0, return_inverse=True)
    codes = codes.reshape(-1)
    first, last = groups[:, 0], groups[:, 1]
    shared = np.maximum(0, np.minimum(last[:, None], last) - np.maximum(first[:, None], first) + 1).astype(float)
    peak = float(np.abs(column).max()) or 1.0  # squares of a unit scale neither overflow nor vanish
    squares = np.bincount(codes, weights=column / peak) ** 2
    variance = 0.0
    for chance, constant in ((design.chance, ones), (1.0 - design.chance, zeros)):
        seen = np.bincount(codes, weights=constant) > 0.0
        spread = np.where(shared > 0.0, chance**-shared, 0.0).sum(axis=1)
        variance += float((squares * seen * chance ** -np.diag(shared) * spread).sum())
    return SwitchbackEffect(effect.estimate, effect.terms, peak * math.sqrt(variance) / column.size)


def redrawing_p(
    y: ArrayLike, assignment: Mask, redrawn: Mask, carry_over: int, propensities: Propensities
) -> float | Undefined:
    """Return (1 + #) / (1 + B): schedules drawn again whose |effect| is at least the one seen.

    Exact for "no period responds to any assignment", for any design, any number of blocks. redrawn: shape
    (B, periods). Raises RowsInvalid for rows that do not fit.
    """
    seen = horvitz_thompson(y, assignment, propensities, carry_over)
    if isinstance(seen, Undefined):
        return seen
    if redrawn.ndim != 2 or redrawn.shape[1] != assignment.size or redrawn.shape[0] == 0:
        raise RowsInvalid(f"redrawn: has shape {redrawn.shape} instead of (draws, {assignment.size})")
    column = finite_column("y", y)
    if not np.any(column[carry_over:] != 0.0):
        return Undefined(UndefinedReason.NO_VARIANCE)
    ones, zeros = constant_windows(redrawn, carry_over)
    column = column[carry_over:]
    effects = (ones @ (column / propensities.treatment) - zeros @ (column / propensities.control)) / column.size
    extreme = np.abs(effects) >= abs(seen.estimate) * (1.0 - _TIE)
    count: int = redrawn.shape[0]
    return (1 + int(np.count_nonzero(extreme))) / (1 + count)


def less_season(y: ArrayLike, season: ArrayLike, assignment: ArrayLike) -> Vector:
    """Return y less the season's part of the least-squares fit y ~ season + treatment, and less the overall mean.

    season: a label for each period (hour of the week, region and hour). The error of `coin_effect` grows with the
    squared level of y, so this comes first. Raises RowsInvalid for rows that do not fit.
    """
    column = finite_column("y", y)
    codes, groups = codes_of("season", season, column.size)
    treated = finite_column("assignment", assignment)
    if treated.size != column.size:
        raise RowsInvalid(f"assignment: has {treated.size} rows instead of {column.size}")
    if column.size == 0:
        return column
    sizes = np.bincount(codes, minlength=groups)

    def within(values: Vector) -> Vector:
        means: Vector = np.bincount(codes, weights=values, minlength=groups) / sizes
        return means

    moving = treated - within(treated)[codes]
    spread = float(moving @ moving)
    slope = float(moving @ column) / spread if spread > _TIE * column.size else 0.0
    left: Vector = column - within(column - slope * treated)[codes]
    centred: Vector = left - left.mean()
    return centred


def _periods(y: ArrayLike, periods: int, carry_over: int) -> Vector | Undefined:
    column = finite_column("y", y)
    if column.size != periods:
        raise RowsInvalid(f"y: has {column.size} periods instead of {periods}")
    if periods == 0:
        return Undefined(UndefinedReason.NO_DATA)
    return column if 0 <= carry_over < periods else Undefined(UndefinedReason.TOO_FEW_UNITS)
