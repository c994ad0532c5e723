"""The distribution of demand over some days, from its mean and variance: a lattice of totals with their chances.

Counts of moderate size have the distribution of Panjer's class (a, b, 0): the negative binomial, in the limit the
Poisson. Larger totals, and those that vary less than counts do, have the gamma distribution of the same moments.
"""

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

LARGEST_COUNT: Final = 1_024
"""Totals that reach beyond are no longer counted one by one."""
_NOTHING: Final = 1e-9
_LEAST_SPREAD: Final = 0.01
"""Nothing is foreseen more sharply than with this share of the mean as its standard deviation."""
_FEW: Final = 5.0
"""Means below are of single pieces, which cannot vary much less than by chance."""
_POINTS: Final = 768
_LEFT_OUT: Final = 20.0
"""Natural logarithm of the largest total by the smallest one that a gamma lattice tells from 0."""


@dataclass(frozen=True, slots=True, eq=False)
class Totals:
    """totals: pieces, rising. chances: of each of them, summing to 1."""

    totals: Floats
    chances: Floats

    def shortage(self, levels: Floats) -> Floats:
        """Return for each level the expected pieces that it is short of demand: E max(0, D - level)."""
        steps = np.diff(self.totals)
        above = 1.0 - np.cumsum(self.chances)[:-1]
        missing = np.zeros(len(self.totals))
        missing[:-1] = np.cumsum((steps * above)[::-1])[::-1]
        inside = np.interp(levels, self.totals, missing)
        found: Floats = inside + np.maximum(0.0, self.totals[0] - levels)
        return found

    def quantiles(self, probabilities: Floats) -> Floats:
        """Return the least total that demand stays within with each probability."""
        places = np.searchsorted(np.cumsum(self.chances), probabilities - _NOTHING)
        found: Floats = self.totals[np.minimum(places, len(self.totals) - 1)]
        return found


def totals_of(mean: float, variance: float) -> Totals:
    """Return the distribution of a total with this mean (pieces) and variance; a mean of 0 is no demand at all."""
    if mean <= _NOTHING:
        return Totals(np.zeros(1), np.ones(1))
    if mean < _FEW:
        variance = max(variance, mean)
    variance = max(variance, (_LEAST_SPREAD * mean) ** 2)
    largest = mean + 8.0 * math.sqrt(variance) + 20.0 * max(1.0, variance / mean)
    if variance >= mean and largest <= LARGEST_COUNT:
        return _counted(mean, variance, int(largest) + 1)
    return _gamma(mean, variance, largest)


def _counted(mean: float, variance: float, largest: int) -> Totals:
    """Return chances by Panjer's recursion p(x) = p(x - 1) (a + b / x), a = 1 - m / v, b = m (1 - a) - a (1981)."""
    a = 1.0 - mean / variance
    b = mean * (1.0 - a) - a
    logs = np.zeros(largest + 1)
    np.cumsum(np.log(a + b / np.arange(1.0, largest + 1.0)), out=logs[1:])
    chances = np.exp(logs - logs.max())
    return Totals(np.arange(largest + 1.0), chances / chances.sum())


def _gamma(mean: float, variance: float, largest: float) -> Totals:
    """Return the gamma distribution on a lattice that is even in log x, where its density is exp(k y - e^y / s).

    What lies below the lattice counts as 0. The totals are scaled so that their mean is exact.
    """
    shape, scale = mean * mean / variance, variance / mean
    top = math.log(largest)
    least = mean - 9.0 * math.sqrt(variance)
    bottom = max(top - _LEFT_OUT, math.log(least)) if least > 0.0 else top - _LEFT_OUT
    logs = np.linspace(bottom, top, _POINTS)
    totals = np.exp(logs)
    density = shape * logs - totals / scale
    density = np.exp(density - density.max())
    below = density[0] / shape / (logs[1] - logs[0])
    chances = np.concatenate(([below], density))
    chances /= chances.sum()
    totals = np.concatenate(([0.0], totals))
    return Totals(totals * (mean / float(chances @ totals)), chances)
