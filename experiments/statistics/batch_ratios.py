"""Many ratio metrics at once: what `ratios` does for one arm, in arrays, arm by arm and stratum by stratum."""

from collections.abc import Sequence

import numpy as np

from experiments.statistics.batches import Codes, MomentBatch, added, defined, marked
from experiments.statistics.moments import Vector
from experiments.statistics.ratios import MINIMUM_UNITS, MINIMUM_Z
from experiments.statistics.results import UndefinedReason

Strata = Sequence[MomentBatch]


def total(strata: Strata) -> MomentBatch:
    """Return the moments of all strata together, group by group."""
    merged = strata[0]
    for part in strata[1:]:
        merged = merged.merge(part)
    return merged


def ratio_problem(arm: MomentBatch) -> Codes:
    """Return why the arm's ratios cannot be tested, by the rule of `ratios.ratio_problem`."""
    denominator, counted = arm.mean_of("d"), arm.count_nonzero("d")
    codes = marked(defined(arm.size), arm.n == 0.0, UndefinedReason.NO_DATA)
    codes = marked(codes, arm.n < 2.0, UndefinedReason.TOO_FEW_UNITS)
    codes = marked(codes, denominator == 0.0, UndefinedReason.ZERO_DENOMINATOR)
    varies = arm.spread_of("d") != 0.0
    few = np.where(np.isnan(counted), arm.n, counted) < MINIMUM_UNITS
    codes = marked(codes, varies & few, UndefinedReason.TOO_FEW_UNITS)
    noisy = np.abs(denominator) <= MINIMUM_Z * np.sqrt(arm.spread_of("d") / (arm.n - 1.0) / arm.n)
    return marked(codes, varies & noisy, UndefinedReason.DENOMINATOR_TOO_NOISY)


def past_denominator(control: Strata, treatment: Strata) -> Vector:
    """Return the mean pre-exposure denominator of both arms together."""
    return _both(control, treatment, ("x_d",)).mean[:, 0]


def linearised(control: Strata, treatment: Strata, covariates: Sequence[str]) -> tuple[Strata, Strata, Codes]:
    """Return the strata of both arms with `y` as the linearised ratio, and why there is none.

    R is each arm's ratio of post-stratified means. With `x_d` among the covariates, `x` becomes the pre-exposure ratio
    linearised at that of both arms together.
    """
    if "x_d" in covariates:
        past = _both(control, treatment, ("x", "x_d")).mean
        control, treatment = ([_pre_ratio(part, past) for part in arm] for arm in (control, treatment))
    units = [c.n + t.n for c, t in zip(control, treatment, strict=True)]
    codes = defined(units[0].size)
    lines = []
    for arm in (control, treatment):
        numerator, denominator = (
            added(n * part.mean_of(name) for n, part in zip(units, arm, strict=True)) / added(units)
            for name in ("y", "d")
        )
        codes = marked(codes, denominator == 0.0, UndefinedReason.ZERO_DENOMINATOR)
        lines.append([_linearise(part, covariates, numerator / denominator, denominator) for part in arm])
    return lines[0], lines[1], codes


def _both(control: Strata, treatment: Strata, names: Sequence[str]) -> MomentBatch:
    left, right = (total([part.select(names) for part in arm]) for arm in (control, treatment))
    return left.merge(right)


def _pre_ratio(arm: MomentBatch, past: Vector) -> MomentBatch:
    matrix = np.tile(np.eye(len(arm.names)), (arm.size, 1, 1))
    row, other = arm.names.index("x"), arm.names.index("x_d")
    matrix[:, row, row] = 1.0 / past[:, 1]
    matrix[:, row, other] = -(past[:, 0] / past[:, 1]) / past[:, 1]
    return arm.transform(arm.names, matrix)


def _linearise(arm: MomentBatch, covariates: Sequence[str], ratio: Vector, denominator: Vector) -> MomentBatch:
    rows = 1 + len(covariates)
    matrix, shift = np.zeros((arm.size, rows, len(arm.names))), np.zeros((arm.size, rows))
    matrix[:, 0, arm.names.index("y")] = 1.0 / denominator
    matrix[:, 0, arm.names.index("d")] = -ratio / denominator
    shift[:, 0] = ratio
    for row, name in enumerate(covariates, start=1):
        matrix[:, row, arm.names.index(name)] = 1.0
    return arm.transform(("y", *covariates), matrix, shift)
