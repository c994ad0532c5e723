"""Forecasters of totals on recorded demand: each is asked at the same origins, knowing what came before, and judged."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from decisions.domains.restock.training import RECIPES
from decisions.domains.restock.training.choosing import Moments, chosen
from decisions.domains.restock.training.figures import PROBABILITIES, pinball
from decisions.domains.restock.training.intermittent import CONSTANTS, croston_paths
from decisions.domains.restock.training.naive import naive_quantiles, scales
from decisions.domains.restock.training.panel import Floats, Panel
from decisions.domains.restock.training.paths import Paths
from decisions.domains.restock.training.real_data.readers import Recorded
from models_registry.pipeline import Parameters, checked_parameters
from models_registry.predictors.totals import totals_of

SEED: Final = 1
DRAWS: Final = 2_000
CROSTON: Final = 0.1
MEDIAN: Final = PROBABILITIES.index(0.5)
ASKED: Final = np.array(PROBABILITIES)

Forecaster = Callable[[Panel, int], Floats]
"""(panel, steps) -> series x PROBABILITIES: quantiles of the total of the steps after the panel."""


@dataclass(frozen=True, slots=True, eq=False)
class Result:
    """Of each series, over the intervals that judge: errors of the median and pinball, both by the naive scale.

    errors, losses: one for each series. covered: the share of totals from the 5 % to the 95 % quantile.
    """

    errors: Floats
    losses: Floats
    covered: float


def judged(recorded: Recorded, forecaster: Forecaster) -> Result:
    """Return what a forecaster makes of the intervals that judge; each is forecast from all that lies before it."""
    panel, steps = recorded.panel, recorded.interval
    errors, losses, inside = [], [], []
    for origin in recorded.origins:
        before = panel.between(0, origin)
        quantiles = np.maximum.accumulate(np.maximum(forecaster(before, steps), 0.0), axis=1)
        seen = panel.known[:, origin : origin + steps].mean(axis=1)
        totals = panel.units[:, origin : origin + steps].sum(axis=1) / np.maximum(seen, 0.5)
        scale = scales(before, steps)
        errors.append(np.abs(quantiles[:, MEDIAN] - totals) / scale)
        losses.append(pinball(quantiles, totals[:, None], ASKED).mean(axis=1) / scale)
        low, high = quantiles[:, PROBABILITIES.index(0.05)], quantiles[:, PROBABILITIES.index(0.95)]
        inside.append((totals >= low) & (totals <= high))
    return Result(np.mean(errors, axis=0), np.mean(losses, axis=0), float(np.mean(inside)))


def recipe_forecaster(name: str, given: Mapping[str, float]) -> Forecaster:
    """Return the forecaster that a recipe is, with some parameters set."""
    recipe = RECIPES[name]
    parameters: Parameters = checked_parameters(given, recipe.parameters)

    def forecast(panel: Panel, steps: int) -> Floats:
        return quantiles_of(panel, recipe.foresee(panel, parameters, SEED, lambda _share: None), steps, ASKED)

    return forecast


def naive_forecaster(panel: Panel, steps: int) -> Floats:
    """Return the last interval's total with the errors that this has made."""
    return naive_quantiles(panel, steps, PROBABILITIES)


def croston_forecaster(panel: Panel, steps: int) -> Floats:
    """Return the negative binomial of Croston's rate, constant 0.1, and of its own errors."""
    flat = np.ones((panel.series, panel.season))
    paths = croston_paths(panel)
    place = CONSTANTS.index(CROSTON)
    moments = chosen(panel, Paths(("Croston",), paths.origins, paths.levels[[place]]), flat)
    return quantiles_of(panel, moments, steps, ASKED)


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean with its bootstrap interval at 95 %."""

    value: float
    lower: float
    upper: float


def bootstrapped(figures: Floats) -> Interval:
    """Return the mean over series; whole series are drawn, 2 000 times with a fixed seed, percentile interval."""
    rng = np.random.default_rng(SEED)
    drawn = figures[rng.integers(0, len(figures), (DRAWS, len(figures)))].mean(axis=1)
    lower, upper = np.quantile(drawn, (0.025, 0.975))
    return Interval(float(figures.mean()), float(lower), float(upper))


def bootstrapped_share(figures: Floats, reference: Floats) -> Interval:
    """Return the sum of figures by that of the reference, less 1, in the same way."""
    rng = np.random.default_rng(SEED)
    rows = rng.integers(0, len(figures), (DRAWS, len(figures)))
    lower, upper = np.quantile(figures[rows].sum(axis=1) / reference[rows].sum(axis=1), (0.025, 0.975))
    return Interval(float(figures.sum() / reference.sum()) - 1.0, float(lower) - 1.0, float(upper) - 1.0)


def quantiles_of(panel: Panel, moments: Moments, steps: int, asked: Floats) -> Floats:
    """Return series x `asked`: quantiles of the totals of so many steps after the panel, one of its horizons."""
    place = panel.horizons.index(steps)
    rows = zip(moments.means[:, place].tolist(), moments.variances[:, place].tolist(), strict=True)
    return np.array([totals_of(mean, variance).quantiles(asked) for mean, variance in rows])
