"""Ratio metrics at the randomised unit: linearisation, which is the delta method."""

import math
from collections.abc import Sequence

import numpy as np

from experiments.statistics.figures import finite, positive
from experiments.statistics.moments import Moments
from experiments.statistics.results import Undefined, UndefinedReason

MINIMUM_UNITS = 100
MINIMUM_Z = 10.0


def linearise(arm: Moments, covariates: Sequence[str] = (), *, ratio: float, denominator: float) -> Moments:
    """Return the moments of L = (y - R d) / D + R and of the covariates, named `y` and as they were.

    With the arm's own R = mean(y) / mean(d) and D = mean(d), the mean of L is R and s^2(L) / n its delta-method
    variance (Deng, Knoblich & Lu 2018). Strata of one arm share the arm's R and D.
    """
    finite(ratio=ratio)
    positive(denominator=abs(denominator))
    size = len(arm.names)
    matrix = np.zeros((1 + len(covariates), size))
    matrix[0, arm.names.index("y")] = 1.0 / denominator
    matrix[0, arm.names.index("d")] = -ratio / denominator
    shift = np.zeros(1 + len(covariates))
    shift[0] = ratio
    for row, name in enumerate(covariates, start=1):
        matrix[row, arm.names.index(name)] = 1.0
    return arm.transform(("y", *covariates), matrix, shift)


def pre_ratio(arm: Moments, *, ratio: float, denominator: float) -> Moments:
    """Return the arm's moments with `x` replaced by the linearised pre-exposure ratio (x - R x_d) / X_d.

    R and X_d must be those of both arms together, so that the covariate is the same variable in each.
    """
    finite(ratio=ratio)
    positive(denominator=abs(denominator))
    matrix = np.eye(len(arm.names))
    row, other = arm.names.index("x"), arm.names.index("x_d")
    matrix[row, row] = 1.0 / denominator
    matrix[row, other] = -ratio / denominator
    return arm.transform(arm.names, matrix)


def ratio_problem(arm: Moments) -> Undefined | None:
    """Return why the arm's ratio cannot be tested, or None.

    It needs a denominator other than 0, 100 units that have one, and a mean denominator 10 standard errors from 0.
    A denominator that is the same in every unit (four weeks of each store) makes the ratio a mean, which Welch's t
    compares at any size.
    """
    if arm.n < 2:
        return Undefined(UndefinedReason.NO_DATA if arm.n == 0 else UndefinedReason.TOO_FEW_UNITS)
    denominator = arm.mean_of("d")
    if denominator == 0.0:
        return Undefined(UndefinedReason.ZERO_DENOMINATOR)
    if float(arm.scatter[index := arm.names.index("d"), index]) == 0.0:
        return None
    counted = arm.count_nonzero("d")
    if (arm.n if counted is None else counted) < MINIMUM_UNITS:
        return Undefined(UndefinedReason.TOO_FEW_UNITS)
    if abs(denominator) <= MINIMUM_Z * math.sqrt(arm.variance("d") / arm.n):
        return Undefined(UndefinedReason.DENOMINATOR_TOO_NOISY)
    return None
