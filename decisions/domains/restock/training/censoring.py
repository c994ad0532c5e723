"""Lost sales as what they are: demand of which only a lower bound was seen.

Recipes follow the steps that were in stock throughout. Those are not all alike: a day of high demand sells out and is
left out, so their mean is too low. By how much is told by the likelihood of the steps that sold out.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.special import betainc

from decisions.domains.restock.training.panel import Floats, Panel
from decisions.domains.restock.training.paths import Indices
from decisions.domains.restock.training.seasons import expected_shares

ITERATIONS: Final = 30
MOST_UPLIFT: Final = 5.0
PRIOR_STEPS: Final = 30.0
"""Steps of the dispersion of all series with which that of a series begins."""
LEAST_DISPERSION: Final = 1e-3
MOST_DISPERSION: Final = 20.0
_LEAST_SHARE: Final = 1e-6
_LEAST_CHANCE: Final = 1e-12


@dataclass(frozen=True, slots=True, eq=False)
class _Sums:
    """Of each series, over steps of factor f and demand D: how many there are, sums of D, f, f^2, D^2 and D f."""

    steps: Floats
    demand: Floats
    factors: Floats
    squared_factors: Floats
    squares: Floats
    products: Floats

    def plus(self, other: "_Sums") -> "_Sums":
        """Return the sums over both."""
        return _Sums(*(getattr(self, name) + getattr(other, name) for name in self.__slots__))

    def means(self) -> Floats:
        """Return the mean demand of a step of factor 1."""
        found: Floats = self.demand / np.maximum(self.factors, _LEAST_SHARE)
        return found

    def dispersions(self) -> Floats:
        """Return k where the variance of a step's demand m is m + k m^2, by moments, drawn to the median of all."""
        means = self.means()
        excess = self.squares - 2.0 * means * self.products + means**2 * self.squared_factors - means * self.factors
        squares = means**2 * self.squared_factors
        sells = squares > 0.0
        own = np.where(sells, excess / np.where(sells, squares, 1.0), 0.0)
        pooled = float(np.median(np.clip(own[sells], 0.0, MOST_DISPERSION))) if sells.any() else 0.0
        drawn = (self.steps * own + PRIOR_STEPS * pooled) / (self.steps + PRIOR_STEPS)
        found: Floats = np.clip(drawn, LEAST_DISPERSION, MOST_DISPERSION)
        return found


def dispersions(panel: Panel, factors: Floats) -> Floats:
    """Return k of each series, where the variance of a step's demand m is m + k m^2."""
    return _fitted(panel, expected_shares(panel, factors)).dispersions()


def uplifts(panel: Panel, factors: Floats) -> Floats:
    """Return by how much the mean demand of each series exceeds the mean of its known steps, 1 without lost sales."""
    shares = expected_shares(panel, factors)
    seen = _known(panel, shares).means()
    lost = panel.censored.any(axis=1) & (seen > 0.0)
    found: Floats = np.where(lost, _fitted(panel, shares).means() / np.where(lost, seen, 1.0), 1.0)
    return np.clip(found, 1.0, MOST_UPLIFT)


def _fitted(panel: Panel, shares: Floats) -> _Sums:
    """Return the sums that demand is expected to have, known steps as they were and censored ones by what is likely.

    Mean and dispersion of a negative binomial are those of the largest likelihood, where a known step contributes
    P(D = u) and a censored one P(D >= u), by expectation and maximisation (Dempster, Laird, Rubin 1977); the
    dispersion by moments.
    """
    seen = _known(panel, shares)
    rows, steps = np.nonzero(panel.censored)
    usable = seen.demand[rows] > 0.0
    rows, steps = rows[usable], steps[usable]
    if not len(rows):
        return seen
    cells, bounds = np.maximum(shares[rows, steps], _LEAST_SHARE), panel.units[rows, steps]
    found = seen
    for _ in range(ITERATIONS):
        first, second = _above(found.means()[rows] * cells, 1.0 / found.dispersions()[rows], bounds)
        found = seen.plus(_sums(rows, cells, first, second, panel.series))
    return found


def _known(panel: Panel, shares: Floats) -> _Sums:
    sold, counted = panel.units * panel.known, shares * panel.known
    sums = (panel.known, sold, counted, counted**2, sold**2, sold * counted)
    return _Sums(*(values.sum(axis=1, dtype=np.float64) for values in sums))


def _sums(rows: Indices, cells: Floats, first: Floats, second: Floats, series: int) -> _Sums:
    sums = (np.ones_like(cells), first, cells, cells**2, second, first * cells)
    return _Sums(*(np.bincount(rows, values, minlength=series).astype(np.float64) for values in sums))


def _above(means: Floats, sizes: Floats, bounds: Floats) -> tuple[Floats, Floats]:
    """Return E[D | D >= u] and E[D^2 | D >= u] of negative binomials.

    E[D; D >= u] = m P(D' >= u - 1) and E[D (D - 1); D >= u] = m^2 (r + 1) / r P(D'' >= u - 2), where D' has one more
    in its size r, and D'' two.
    """
    chance = means / (means + sizes)

    def at_least(least: Floats, size: Floats) -> Floats:
        found: Floats = np.where(least > 0.0, betainc(np.maximum(least, 1e-9), size, chance), 1.0)
        return found

    possible = np.maximum(at_least(bounds, sizes), _LEAST_CHANCE)
    first = np.maximum(means * at_least(bounds - 1.0, sizes + 1.0) / possible, bounds)
    pairs = means**2 * (sizes + 1.0) / sizes * at_least(bounds - 2.0, sizes + 2.0) / possible
    return first, np.maximum(pairs + first, first**2)
