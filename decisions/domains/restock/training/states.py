"""What the network is told of a series at a point in time: rates of several stretches, by what is typical of it."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from decisions.domains.restock.training.panel import Floats, Panel
from decisions.domains.restock.training.paths import Indices, running_sums
from decisions.domains.restock.training.seasons import expected_shares

STRETCHES: Final = (1, 2, 4, 8, 16, 52)
"""In seasons; where there is none, in steps."""
TYPICAL: Final = 8
"""The stretch, in seasons, whose rate is what is typical."""
SEASONLESS: Final = 2
"""How many times as long stretches are where there is no season."""
LEAST: Final = 0.05
"""Of what is typical: rates are told as logarithms, and are not told apart below."""
FEATURES: Final = (
    *(f"rate of {count}" for count in STRETCHES),
    "typical",
    "sales",
    "spread",
    "since",
    "steps",
    "precision",
)

Real = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class States:
    """Of each series at each origin: features without the horizon, and the rate that is typical, pieces a step.

    told: (series x origins) x features that do not depend on the horizon. rates: series x origins, flat.
    """

    series: int
    origins: Indices
    told: Floats
    rates: Floats

    def typical(self, steps: int, rows: Indices) -> Floats:
        """Return by what totals of so many steps are measured: what is typical of them, and one piece."""
        found: Floats = self.rates[rows] * steps + 1.0
        return found

    def inputs(self, steps: int, rows: Indices) -> Real:
        """Return the features of some rows, for totals of so many steps."""
        horizon = np.full(len(rows), np.log(steps))
        precision = np.log1p(self.rates[rows] * steps)
        return np.column_stack((self.told[rows], horizon / 4.0, precision / 8.0)).astype(np.float32)


def states_of(panel: Panel, origins: Indices, factors: Floats) -> States:
    """Return what is known of every series at every origin."""
    sold = running_sums(panel.units * panel.known)
    squares = running_sums((panel.units * panel.known) ** 2)
    sales = running_sums(((panel.units > 0.0) & panel.known).astype(np.float64))
    shares = running_sums(expected_shares(panel, factors) * panel.known)
    unit = panel.season if panel.season > 1 else SEASONLESS

    def of(totals: Floats, count: int) -> Floats:
        found: Floats = totals[:, origins] - totals[:, np.maximum(0, origins - unit * count)]
        return found

    typical = (of(sold, TYPICAL) + 0.5) / (of(shares, TYPICAL) + 1.0)
    seen = np.maximum(of(shares, TYPICAL), 1.0)
    mean = of(sold, TYPICAL) / seen
    spread = np.maximum(of(squares, TYPICAL) / seen - mean**2, 0.0) / np.maximum(mean, LEAST)
    told = [np.log((of(sold, count) + LEAST) / (of(shares, count) + 0.1) / typical + LEAST) for count in STRETCHES]
    told += [np.log1p(typical) / 4.0, of(sales, TYPICAL) / seen, np.log1p(spread) / 4.0, _since(panel, origins)]
    return States(
        panel.series,
        origins,
        np.column_stack([values.ravel() for values in told]),
        typical.ravel(),
    )


def _since(panel: Panel, origins: Indices) -> Floats:
    """Return the logarithm of the steps since the last sale, a quarter of it."""
    steps = np.arange(1, panel.steps + 1)
    last = np.maximum.accumulate(np.where((panel.units > 0.0) & panel.known, steps, 0), axis=1)
    found: Floats = np.log1p(origins - last[:, origins - 1]) / 4.0
    return found
