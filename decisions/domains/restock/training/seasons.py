"""How demand is spread over the season, series by series, drawn to how all of them are spread."""

from typing import Final

import numpy as np

from decisions.domains.restock.training.panel import Floats, Panel

PRIOR_PIECES: Final = 20.0
"""Pieces at the spread of all series with which that of a series begins."""


def season_factors(panel: Panel) -> Floats:
    """Return series x season factors of mean 1: pieces in a place of the season by those expected without one.

    f = (Y + c g) / (m n + c), with Y pieces in n known steps of the place, m the series' mean, g the factor of all
    series together and c PRIOR_PIECES: the posterior mean where Y is Poisson and f has a gamma prior of mean g.
    """
    if panel.season == 1:
        return np.ones((panel.series, 1))
    sold, expected = np.zeros((2, panel.series, panel.season))
    means = panel.means
    for place in range(panel.season):
        steps = panel.places == place
        sold[:, place] = (panel.units[:, steps] * panel.known[:, steps]).sum(axis=1)
        expected[:, place] = panel.known[:, steps].sum(axis=1) * means
    pooled = (sold.sum(axis=0) + PRIOR_PIECES) / (expected.sum(axis=0) + PRIOR_PIECES)
    factors = (sold + PRIOR_PIECES * pooled) / (expected + PRIOR_PIECES)
    found: Floats = factors / factors.mean(axis=1, keepdims=True)
    return found


def expected_shares(panel: Panel, factors: Floats) -> Floats:
    """Return series x steps: the factor of each step."""
    found: Floats = factors[:, panel.places]
    return found
