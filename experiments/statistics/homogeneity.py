"""Do several arms share one rate? Pearson's chi-square over all of them, before any pair is looked at."""

from collections.abc import Sequence
from dataclasses import dataclass

from experiments.statistics.distributions import chi2_sf
from experiments.statistics.figures import FigureInvalid
from experiments.statistics.results import Undefined, UndefinedReason


@dataclass(frozen=True, slots=True)
class Homogeneity:
    """The statistic, its degrees of freedom (arms with units, less one) and its p-value.

    smallest_expected: of all cells; below 5 the p-value is rough.
    """

    statistic: float
    df: int
    p_value: float
    smallest_expected: float


def equal_rates(successes: Sequence[int], units: Sequence[int]) -> Homogeneity | Undefined:
    """Return the test that all arms have one rate, or why there is none.

    sum over arms of (x - n p)^2 / (n p (1 - p)) with p the rate of all arms together (Pearson 1900). Arms without
    units are left out.
    """
    if len(successes) != len(units):
        raise FigureInvalid(f"units: needs {len(successes)} counts, has {len(units)}")
    for x, n in zip(successes, units, strict=True):
        if not 0 <= x <= n:
            raise FigureInvalid(f"successes: must be between 0 and {n}, not {x}")
    arms = [(x, n) for x, n in zip(successes, units, strict=True) if n > 0]
    if len(arms) < 2:
        return Undefined(UndefinedReason.NO_DATA)
    total = sum(n for _, n in arms)
    rate = sum(x for x, _ in arms) / total
    if not 0.0 < rate < 1.0:
        return Undefined(UndefinedReason.NO_VARIANCE)
    statistic = sum((x - n * rate) ** 2 / (n * rate * (1.0 - rate)) for x, n in arms)
    smallest = min(n for _, n in arms) * min(rate, 1.0 - rate)
    return Homogeneity(statistic, len(arms) - 1, chi2_sf(statistic, len(arms) - 1), smallest)
