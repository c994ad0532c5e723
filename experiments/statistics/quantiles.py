"""Quantiles of independent values: estimate and error from order statistics, and a distribution-free interval."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import bdtr

from experiments.statistics.distributions import normal_isf
from experiments.statistics.figures import between_0_and_1, not_negative, positive
from experiments.statistics.pair import ArmEstimate, Pair
from experiments.statistics.results import Interval, Undefined, UndefinedReason, bounded, unbounded, undefined
from experiments.statistics.rows import finite_column, probability

OUTER_Z = normal_isf(0.025)


@dataclass(frozen=True, slots=True)
class QuantileArm:
    """An arm's quantile between two of its order statistics, in the metric's unit.

    n: values. lower, upper: the order statistics of `outer_ranks`; a query may deliver all four figures.
    """

    n: int
    quantile: float
    lower: float
    upper: float


def outer_ranks(n: int, nu: float, z: float = OUTER_Z) -> tuple[int, int] | Undefined:
    """Return the ranks n (nu -+ z sqrt(nu (1 - nu) / n)), counted from 1 and rounded outwards.

    Both exist once n > z^2 nu / (1 - nu) and n > z^2 (1 - nu) / nu, and not before.
    """
    not_negative(n=n)
    positive(z=z)
    probability("nu", nu)
    if n == 0:
        return Undefined(UndefinedReason.NO_DATA)
    half = z * math.sqrt(n * nu * (1.0 - nu))
    lower, upper = math.floor(n * nu - half), math.ceil(n * nu + half)
    if lower < 1 or upper > n:
        return Undefined(UndefinedReason.TOO_FEW_UNITS)
    return lower, upper


def quantile_arm(values: ArrayLike, nu: float, z: float = OUTER_Z) -> QuantileArm | Undefined:
    """Return the sample quantile (linear interpolation) and its outer order statistics, or why there are none.

    Raises RowsInvalid for values that are not finite or a quantile outside (0, 1).
    """
    column = finite_column("values", values)
    ranks = outer_ranks(column.size, nu, z)
    if isinstance(ranks, Undefined):
        return ranks
    ordered = np.sort(column)
    return QuantileArm(
        column.size, float(np.quantile(ordered, nu)), float(ordered[ranks[0] - 1]), float(ordered[ranks[1] - 1])
    )


def quantile_estimate(arm: QuantileArm, z: float = OUTER_Z) -> ArmEstimate | Undefined:
    """Return the quantile with the variance ((Y_U - Y_L) / (2 z))^2 (Deng, Knoblich & Lu 2018).

    No variance where both order statistics are the same value: so many ties need a bootstrap over units. The
    variance is never floored, so that the result does not depend on the unit of measurement.
    """
    positive(z=z)
    if arm.n == 0:
        return Undefined(UndefinedReason.NO_DATA)
    if not arm.upper > arm.lower:
        return Undefined(UndefinedReason.NO_VARIANCE)
    se = (arm.upper - arm.lower) / (2.0 * z)
    return ArmEstimate(arm.n, arm.quantile, se * se)


def quantile_pair(
    control: QuantileArm | Undefined, treatment: QuantileArm | Undefined, z: float = OUTER_Z
) -> Pair | Undefined:
    """Return the pair of quantiles, normal in large samples: test, difference and Fieller's lift take it as any pair.

    Assumes independent values; where a unit has several, see `quantile_clusters`.
    """
    left = control if isinstance(control, Undefined) else quantile_estimate(control, z)
    right = treatment if isinstance(treatment, Undefined) else quantile_estimate(treatment, z)
    if isinstance(left, Undefined):
        return left
    return right if isinstance(right, Undefined) else Pair(left, right)


def exact_ranks(n: int, nu: float, level: float) -> tuple[int | None, int | None]:
    """Return the ranks between which the quantile lies with at least the given level; None for an end that is not.

    lower: the largest l with P(B < l) <= a / 2; upper: the smallest u with P(B >= u) <= a / 2; B ~ Binomial(n, nu).
    """
    not_negative(n=n)
    between_0_and_1(nu=nu, level=level)
    tail = (1.0 - level) / 2.0
    lower = _first(n, lambda k: float(bdtr(k, n, nu)) >= tail)
    # 1 - P(B <= k) as the other distribution's lower tail
    upper = _first(n, lambda k: k == n or float(bdtr(n - k - 1, n, 1.0 - nu)) <= tail) + 1
    return lower or None, upper if upper <= n else None


def exact_interval(values: ArrayLike, nu: float, level: float) -> Interval:
    """Return the order-statistic interval of a quantile, conservative for any distribution and any n.

    [Y_(l), Y_(u)] with binomial ranks (Thompson 1936); an end is missing where there are too few values for it.
    Raises RowsInvalid for values that are not finite, or a quantile or level outside (0, 1).
    """
    column = finite_column("values", values)
    probability("nu", nu)
    probability("level", level)
    if column.size == 0:
        return undefined(UndefinedReason.NO_DATA)
    low, high = exact_ranks(column.size, nu, level)
    ordered = np.sort(column)
    lower = None if low is None else float(ordered[low - 1])
    upper = None if high is None else float(ordered[high - 1])
    if lower is None or upper is None:
        return unbounded(UndefinedReason.TOO_FEW_UNITS, lower=lower, upper=upper)
    return bounded(lower, upper)


def _first(n: int, holds: Callable[[int], bool]) -> int:
    """Return the smallest count from 0 to n that holds; once one does, all larger ones must."""
    low, high = 0, n
    while low < high:
        middle = (low + high) // 2
        if holds(middle):
            high = middle
        else:
            low = middle + 1
    return low
