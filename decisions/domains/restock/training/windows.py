"""Mean demand of stretches of several lengths, drawn to the mean of the series that are like it."""

from typing import Final

import numpy as np

from decisions.domains.restock.training.panel import Floats, Panel
from decisions.domains.restock.training.paths import Paths, origins_of, running_sums
from decisions.domains.restock.training.seasons import expected_shares

SEASONS: Final = (4, 8, 16, 52, 1_000)
"""How many seasons each stretch has, for days."""
STEPS: Final = (8, 16, 26, 1_000)
"""How many steps, where there is no season."""
LEAST_SHAPE: Final = 0.05


def window_paths(panel: Panel, factors: Floats) -> Paths:
    """Return (Y + a) / (F + a / m): pieces by factors of the known steps of each stretch, with a gamma prior.

    m and a are mean and shape of the series' means, by moments: the empirical Bayes estimate of a Poisson rate
    (Robbins 1956), so that a series that is hardly known begins where the others are.
    """
    origins = origins_of(panel)
    sold = running_sums(panel.units * panel.known)
    expected = running_sums(expected_shares(panel, factors) * panel.known)
    shape, mean = gamma_prior(panel)
    lengths = tuple(panel.season * count for count in SEASONS) if panel.season > 1 else STEPS
    levels = np.empty((len(lengths), panel.series, len(origins)))
    for way, length in enumerate(lengths):
        starts = np.maximum(0, origins - length)
        pieces = sold[:, origins] - sold[:, starts]
        levels[way] = (pieces + shape) / (expected[:, origins] - expected[:, starts] + shape / mean)
    return Paths(tuple(f"{length} steps" for length in lengths), origins, levels)


def gamma_prior(panel: Panel) -> tuple[float, float]:
    """Return shape and mean of a gamma distribution of the series' means."""
    counted = panel.counts > 0
    means = panel.means[counted]
    if not len(means) or float(means.mean()) <= 0.0:
        return LEAST_SHAPE, 1e-6
    mean = float(means.mean())
    chance = float((means / panel.counts[counted]).mean())
    spread = max(0.0, float(means.var()) - chance)
    return max(LEAST_SHAPE, min(10.0, mean * mean / spread if spread > 0.0 else 10.0)), mean
