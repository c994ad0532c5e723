"""Figures of forecasts: pinball, coverage, and quantiles of a gamma distribution by its moments."""

from typing import Final

import numpy as np
from scipy.special import ndtri

from decisions.domains.restock.training.panel import Floats

PROBABILITIES: Final = (0.05, 0.1, 0.25, 0.5, 0.75, 0.8, 0.9, 0.95, 0.975)
"""At which forecasts are judged; orders need the upper ones."""
INTERVALS: Final = ((0.25, 0.75), (0.1, 0.9), (0.05, 0.95))
"""Of PROBABILITIES, whose coverage is reported."""


def pinball(quantiles: Floats, totals: Floats, probability: float | Floats) -> Floats:
    """Return p (y - q) where demand exceeds the quantile, (1 - p) (q - y) where not (Koenker, Bassett 1978)."""
    short = totals - quantiles
    found: Floats = np.maximum(probability * short, (probability - 1.0) * short)
    return found


def gamma_quantiles(means: Floats, variances: Floats, probability: float) -> Floats:
    """Return quantiles of gamma distributions of these moments: m (1 - 1 / 9k + z / 3 sqrt(k))^3 (Wilson, Hilferty)."""
    shapes = np.maximum(means, 1e-9) ** 2 / np.maximum(variances, 1e-18)
    root = 1.0 - 1.0 / (9.0 * shapes) + float(ndtri(probability)) / (3.0 * np.sqrt(shapes))
    found: Floats = means * np.maximum(root, 0.0) ** 3
    return found


def covered(quantiles: Floats, totals: Floats) -> dict[str, float]:
    """Return the share of totals within each of INTERVALS, and below the highest quantile; `quantiles`: rows x p.

    Totals are whole pieces, so an interval of few pieces covers more than it says.
    """
    place = {probability: column for column, probability in enumerate(PROBABILITIES)}
    found = {}
    for low, high in INTERVALS:
        inside = (totals >= quantiles[:, place[low]]) & (totals <= quantiles[:, place[high]])
        found[f"coverage_{round(100 * (high - low))}"] = float(inside.mean())
    found["within_95"] = float((totals <= quantiles[:, place[0.95]]).mean())
    return found
