"""Exponential smoothing of all series at once: level, damped trend and season, with several constants side by side."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from decisions.domains.restock.training.panel import Floats, Panel
from decisions.domains.restock.training.paths import Paths, origins_of


@dataclass(frozen=True, slots=True)
class Constants:
    """Of one way to smooth: how far the level, and the trend, follow an error, and what is left of the trend."""

    level: float
    trend: float = 0.0
    damping: float = 0.0

    @property
    def name(self) -> str:
        """As people read it."""
        return f"level {self.level:g}" + (f", trend {self.trend:g} damped {self.damping:g}" if self.trend else "")


DAILY: Final[tuple[Constants, ...]] = (
    Constants(0.0),
    Constants(0.01),
    Constants(0.02),
    Constants(0.04),
    Constants(0.08),
    Constants(0.15),
    Constants(0.3),
    Constants(0.04, 0.004, 0.98),
    Constants(0.08, 0.008, 0.98),
    Constants(0.15, 0.015, 0.98),
)
"""A level of 0 is the mean of all there was."""
SEASONLESS: Final[tuple[Constants, ...]] = (
    Constants(0.0),
    Constants(0.05),
    Constants(0.1),
    Constants(0.2),
    Constants(0.3),
    Constants(0.5),
    Constants(0.1, 0.01, 0.9),
    Constants(0.2, 0.03, 0.9),
    Constants(0.4, 0.06, 0.9),
)


LEAST_TOLD: Final = 0.1
"""Squared factors count as no less than this, so that a first sale on a quiet day is not blown up."""


def smoothed(panel: Panel, factors: Floats, ways: Sequence[Constants]) -> Paths:
    """Return the paths of every way: l <- l + phi b + alpha g e, b <- phi b + beta g e (Holt 1957, Gardner 1985).

    e is the error of a step against (l + phi b) f, with f the factor of its season and g = f / max(1, f^2), so that a
    quiet day moves the level little. The level begins as the least squares of what is known: it moves by at least
    f e / sum of f^2 so far. Steps that are not known change nothing.
    """
    origins = origins_of(panel)
    alphas, betas, damping = (
        np.array([getattr(way, name) for way in ways])[:, None] for name in ("level", "trend", "damping")
    )
    level, trend = np.zeros((2, len(ways), panel.series))
    told = np.zeros(panel.series)
    levels, trends = np.zeros((2, len(ways), panel.series, len(origins)))
    at = {int(origin): place for place, origin in enumerate(origins)}
    for step, season in enumerate(panel.places.tolist()):
        known = panel.known[:, step]
        factor = factors[:, season]
        told += factor * factor * known
        gain = factor / np.maximum(1.0, factor * factor) * known
        first = factor / np.maximum(LEAST_TOLD, told) * known
        ahead = level + damping * trend
        error = panel.units[:, step] - ahead * factor
        level = np.maximum(ahead + np.maximum(alphas * gain, first) * error, 0.0)
        trend = damping * trend + betas * gain * error
        place = at.get(step + 1)
        if place is not None:
            levels[:, :, place], trends[:, :, place] = level, trend
    return Paths(tuple(way.name for way in ways), origins, levels, trends, damping[:, 0])
