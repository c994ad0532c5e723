"""Recipes that need no network: each from sales in steps to mean and variance of the totals that follow."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Final

import numpy as np

from decisions.domains.restock.training.censoring import dispersions, uplifts
from decisions.domains.restock.training.choosing import Moments, chosen
from decisions.domains.restock.training.intermittent import croston_paths
from decisions.domains.restock.training.panel import Floats, Panel
from decisions.domains.restock.training.parameters import SHARED
from decisions.domains.restock.training.seasons import season_factors
from decisions.domains.restock.training.smoothing import DAILY, SEASONLESS, smoothed
from decisions.domains.restock.training.windows import gamma_prior, window_paths
from models_registry.pipeline import Parameter, Parameters

SMOOTHING_PARAMETERS: Final[Mapping[str, Parameter]] = MappingProxyType(
    {
        **SHARED,
        "trend": Parameter(
            about="Whether trends are followed where they foretell: 1, or 0 for never",
            default=1,
            least=0,
            most=1,
            whole=True,
        ),
    }
)
PARAMETERS: Final[Mapping[str, Parameter]] = MappingProxyType(SHARED)

Tell = Callable[[float], None]


def exponential_smoothing(panel: Panel, parameters: Parameters, _seed: int, tell: Tell) -> Moments:
    """Return forecasts by level, damped trend and season, with constants by the past pinball of every series."""
    factors = season_factors(panel)
    ways = DAILY if panel.season > 1 else SEASONLESS
    if not parameters["trend"]:
        ways = tuple(way for way in ways if not way.trend)
    paths = smoothed(panel, factors, ways)
    tell(0.5)
    return lifted(panel, factors, chosen(panel, paths, factors))


def intermittent(panel: Panel, _parameters: Parameters, _seed: int, tell: Tell) -> Moments:
    """Return forecasts by those of Croston, SBA and TSB that had the least pinball in the past of a series."""
    flat = np.ones((panel.series, panel.season))
    paths = croston_paths(panel)
    tell(0.5)
    return lifted(panel, flat, chosen(panel, paths, flat))


def negative_binomial(panel: Panel, _parameters: Parameters, _seed: int, tell: Tell) -> Moments:
    """Return forecasts by a negative binomial of every series, mean and dispersion drawn to those of all.

    Steps are independent given the mean m, var = m + k m^2; the mean itself is known up to its posterior variance.
    A series' own errors correct the variance as far as there are any.
    """
    factors = season_factors(panel)
    paths = window_paths(panel, factors)
    tell(0.5)
    shape, _ = gamma_prior(panel)
    dispersion = dispersions(panel, factors)
    pieces = shape + (panel.units * panel.known).sum(axis=1)

    def prior(steps: int, totals: Floats) -> Floats:
        found: Floats = totals + totals**2 * (dispersion / steps + 1.0 / pieces)
        return found

    return lifted(panel, factors, chosen(panel, paths, factors, prior=prior))


def lifted(panel: Panel, factors: Floats, moments: Moments) -> Moments:
    """Return the forecast of demand, lost sales included; a series without sales keeps a small chance of one.

    At least half a piece is expected of as many steps as are known, as a Poisson rate with Jeffreys' prior is.
    """
    uplift = uplifts(panel, factors)[:, None]
    steps = np.array(panel.horizons, dtype=np.float64)
    least = 0.5 * steps / (panel.counts[:, None] + 1.0)
    means = np.maximum(moments.means * uplift, least)
    variances = np.maximum(moments.variances * uplift**2, np.minimum(least, means))
    return replace(moments, means=means, variances=variances)
