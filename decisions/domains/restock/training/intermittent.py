"""Demand that comes now and then: Croston's method, its correction and its rival, with several constants of each."""

from typing import Final

import numpy as np

from decisions.domains.restock.training.panel import Panel
from decisions.domains.restock.training.paths import Paths, origins_of

CONSTANTS: Final = (0.02, 0.05, 0.1, 0.2)
METHODS: Final = ("Croston", "SBA", "TSB")


def croston_paths(panel: Panel) -> Paths:
    """Return the rates of Croston, SBA and TSB, each with every constant.

    With z the smoothed size of a sale and p the smoothed steps between sales: z / p (Croston 1972),
    (1 - a / 2) z / p (Syntetos, Boylan 2005), and, with q the smoothed share of steps with a sale, q z (Teunter,
    Syntetos, Babai 2011). Each begins as a mean: the constant is at least 1 / n. Steps that are not known do not count.
    """
    origins = origins_of(panel)
    alphas = np.array(CONSTANTS)[:, None]
    size, gap, share = np.zeros((3, len(CONSTANTS), panel.series))
    since, sales, counted = np.zeros((3, panel.series))
    levels = np.zeros((len(METHODS), len(CONSTANTS), panel.series, len(origins)))
    at = {int(origin): place for place, origin in enumerate(origins)}
    for step in range(panel.steps):
        units, known = panel.units[:, step], panel.known[:, step]
        sold = known & (units > 0.0)
        counted += known
        since += known
        sales += sold
        by_sale = np.maximum(alphas, 1.0 / np.maximum(1.0, sales)) * sold
        size += by_sale * (units - size)
        gap += by_sale * (since - gap)
        share += np.maximum(alphas, 1.0 / np.maximum(1.0, counted)) * known * (sold - share)
        since = np.where(sold, 0.0, since)
        place = at.get(step + 1)
        if place is not None:
            rate = size / np.maximum(gap, 1.0)
            levels[:, :, :, place] = rate, (1.0 - alphas / 2.0) * rate, share * size
    names = tuple(f"{method} {constant:g}" for method in METHODS for constant in CONSTANTS)
    return Paths(names, origins, levels.reshape(len(names), panel.series, len(origins)))
