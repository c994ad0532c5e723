"""A contrast after an allocation that changed between batches: each batch studentised by itself."""

import math
from collections.abc import Iterable

from experiments.statistics.adaptive import AdaptiveEstimate
from experiments.statistics.means import checked, welch
from experiments.statistics.moments import Moments
from experiments.statistics.results import Undefined, UndefinedReason

LEAST_UNITS = 10


def batched_contrast(batches: Iterable[tuple[Moments, Moments]]) -> AdaptiveEstimate | Undefined:
    """Return the difference of means of (control, treatment) batches, normal although the split followed the results.

    Within a batch the split is fixed, so each (d_b - delta) / SE_b is nearly standard normal given the past; estimate
    = sum(d_b / SE_b) / sum(1 / SE_b), SE = sqrt(B) / sum(1 / SE_b) (batched OLS: Zhang, Janson & Murphy 2020).
    Assumes an effect that does not change over batches. Batches with fewer than 10 units in an arm, or without
    variance, are left out.
    """
    inverse: list[float] = []
    weighted: list[float] = []
    for control, treatment in batches:
        if min(control.n, treatment.n) < LEAST_UNITS:
            continue
        pair = checked(welch(control, treatment))
        if not isinstance(pair, Undefined):
            inverse.append(1.0 / pair.se)
            weighted.append(pair.statistic)
    if not inverse:
        return Undefined(UndefinedReason.TOO_FEW_UNITS)
    total = math.fsum(inverse)
    return AdaptiveEstimate(math.fsum(weighted) / total, math.sqrt(len(inverse)) / total)
