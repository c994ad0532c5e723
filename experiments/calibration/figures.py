"""Figures of a tally: rates with exact intervals, medians and means with theirs."""

import math

import numpy as np
from scipy.special import betaincinv

from experiments.calibration.records import Result, Scale, Tally, Target, Values
from experiments.statistics.distributions import normal_isf
from experiments.statistics.quantiles import exact_ranks

LEVEL = 0.99
_TAIL = (1.0 - LEVEL) / 2.0


def clopper_pearson(count: int, of: int) -> tuple[float, float]:
    """Return the exact interval of a binomial share (Clopper & Pearson 1934)."""
    if of == 0:
        return 0.0, 1.0
    lower = 0.0 if count == 0 else float(betaincinv(count, of - count + 1, _TAIL))
    upper = 1.0 if count == of else float(betaincinv(count + 1, of - count, 1.0 - _TAIL))
    return lower, upper


def share(figure: str, count: int, of: int, target: Target | None = None) -> Result:
    """Return the share of replicates in which something happened."""
    lower, upper = clopper_pearson(count, of)
    return Result(figure, count / of if of else 0.0, lower, upper, of, target)


def counted(tally: Tally, name: str, of: int, figure: str, target: Target | None = None) -> Result:
    """Return the share that a count of the tally is of the replicates."""
    return share(figure, tally.count(name), of, target)


def loss_of_share(figure: str, reference: float, count: int, of: int, target: Target | None = None) -> Result:
    """Return by how much a share falls short of a known one."""
    lower, upper = clopper_pearson(count, of)
    return Result(figure, reference - count / of, reference - upper, reference - lower, of, target)


def mean(figure: str, values: Values, target: Target | None = None, scale: Scale = Scale.NUMBER) -> Result:
    """Return the mean of kept values with its normal interval."""
    count = values.size
    centre = math.fsum(values) / count
    spread = math.sqrt(math.fsum((values - centre) ** 2) / max(1, count - 1) / count)
    half = normal_isf(_TAIL) * spread
    return Result(figure, centre, centre - half, centre + half, count, target, scale)


def median(figure: str, values: Values, target: Target | None = None, scale: Scale = Scale.NUMBER) -> Result:
    """Return the median of kept values with its distribution-free interval."""
    ordered = np.sort(values)
    low, high = exact_ranks(ordered.size, 0.5, LEVEL)
    lower = -math.inf if low is None else float(ordered[low - 1])
    upper = math.inf if high is None else float(ordered[high - 1])
    return Result(figure, float(np.median(ordered)), lower, upper, ordered.size, target, scale)


def ratio_of_totals(
    figure: str, numerator: Values, denominator: Values, target: Target | None = None, scale: Scale = Scale.NUMBER
) -> Result:
    """Return sum / sum with its delta-method interval."""
    total = math.fsum(denominator)
    ratio = math.fsum(numerator) / total
    residual = numerator - ratio * denominator
    half = normal_isf(_TAIL) * math.sqrt(math.fsum(residual * residual)) / abs(total)
    return Result(figure, ratio, ratio - half, ratio + half, numerator.size, target, scale)


def distance_from_uniform(figure: str, p_values: Values, target: Target | None = None) -> Result:
    """Return Kolmogorov's distance between p-values and the uniform distribution.

    The interval is widened by the distance that uniform values exceed in 1% of samples (Massey 1951).
    """
    ordered = np.sort(p_values)
    steps = np.arange(ordered.size + 1) / ordered.size
    found = float(max(np.max(steps[1:] - ordered), np.max(ordered - steps[:-1])))
    noise = 1.628 / math.sqrt(ordered.size)
    return Result(figure, found, max(0.0, found - noise), found + noise, ordered.size, target, Scale.NUMBER)
