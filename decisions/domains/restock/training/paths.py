"""What several ways to smooth would have forecast of every series at points in time: the raw material of a choice."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from decisions.domains.restock.training.panel import Floats, Panel

MOST_ORIGINS: Final = 52
BURN_IN: Final = 2
"""Seasons that a series must have before what is said of it is judged."""
LEAST_STEPS: Final = 4
"""The same in steps, where seasons are short."""

Indices = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Paths:
    """Levels and trends of `ways` of smoothing at `origins`, the last of which is the end of the panel.

    levels: ways x series x origins, expected pieces of a step. trends: the same, by which the level rises in the first
    step, or None. damping: of each way, by which the trend shrinks from step to step.
    """

    ways: tuple[str, ...]
    origins: Indices
    levels: Floats
    trends: Floats | None = None
    damping: Floats | None = None

    def rates(self, way: int, steps: int) -> Floats:
        """Return series x origins: the mean expected pieces of each of the next `steps` steps, never negative."""
        rates = self.levels[way]
        if self.trends is not None and self.damping is not None:
            rates = rates + self.trends[way] * mean_rise(float(self.damping[way]), steps)
        found: Floats = np.maximum(rates, 0.0)
        return found


def origins_of(panel: Panel) -> Indices:
    """Return where forecasts are judged: each a season apart, the end of the panel last."""
    stride = panel.season
    most = min(MOST_ORIGINS, (panel.steps - 1) // stride)
    return panel.steps - stride * np.arange(most, -1, -1, dtype=np.int64)


def burnt_in(panel: Panel, origins: Indices) -> npt.NDArray[np.bool_]:
    """Return series x origins: whether enough of the series is known by then to judge what is said of it."""
    seen = np.cumsum(panel.known, axis=1)[:, origins - 1]
    found: npt.NDArray[np.bool_] = seen >= max(BURN_IN * panel.season, LEAST_STEPS)
    return found


def running_sums(values: Floats) -> Floats:
    """Return series x (steps + 1): the sum of what lies before each step, so that stretches are differences."""
    return np.concatenate((np.zeros((len(values), 1)), np.cumsum(values, axis=1)), axis=1)


def mean_rise(damping: float, steps: int) -> float:
    """Return the mean over j = 1..steps of damping + .. + damping^j: what a trend of 1 adds to each step."""
    return float(np.cumsum(damping ** np.arange(1.0, steps + 1.0)).mean())
