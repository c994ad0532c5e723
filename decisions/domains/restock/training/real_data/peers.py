"""Forecasters of other libraries, where requirements-benchmarks.txt is installed: AutoETS, gradient-boosted trees."""

import warnings
from typing import Any, Final

import numpy as np

from decisions.domains.restock.training.choosing import windows_of
from decisions.domains.restock.training.figures import PROBABILITIES
from decisions.domains.restock.training.panel import Floats, Panel
from decisions.domains.restock.training.paths import Indices, origins_of
from decisions.domains.restock.training.real_data.contest import SEED, Forecaster
from decisions.domains.restock.training.seasons import season_factors
from decisions.domains.restock.training.states import States, states_of

PATHS: Final = 500
ROUNDS: Final = 150
TREES: Final = {
    "objective": "quantile",
    "learning_rate": 0.05,
    "num_leaves": 15,
    "min_data_in_leaf": 20,
    "feature_fraction": 0.8,
    "num_threads": 1,
    "deterministic": True,
    "force_row_wise": True,
    "seed": SEED,
    "verbose": -1,
}


def ets_forecaster() -> Forecaster | None:
    """Return exponential smoothing of each series by the least AICc (Hyndman et al. 2002); None without statsmodels.

    Errors are additive, for demand of 0 has no other; trend none or damped, season none or additive.
    """
    try:
        from statsmodels.tsa.exponential_smoothing.ets import ETSModel
    except ImportError:
        return None

    def forecast(panel: Panel, steps: int) -> Floats:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return np.array([_ets(ETSModel, panel, place, steps) for place in range(panel.series)])

    return forecast


def trees_forecaster() -> Forecaster | None:
    """Return gradient-boosted trees of all series together, one model for each quantile; None without LightGBM.

    They are told what the network is told, and learn the total by what is typical of the series.
    """
    try:
        import lightgbm
    except ImportError:
        return None

    def forecast(panel: Panel, steps: int) -> Floats:
        factors = season_factors(panel)
        states = states_of(panel, origins_of(panel), factors)
        inputs, targets = _examples(panel, states, factors, steps)
        last: Indices = np.arange(1, panel.series + 1) * len(states.origins) - 1
        asked = states.inputs(steps, last)
        found = [
            lightgbm.train({**TREES, "alpha": probability}, lightgbm.Dataset(inputs, targets), ROUNDS).predict(asked)
            for probability in PROBABILITIES
        ]
        return np.column_stack(found) * states.typical(steps, last)[:, None]

    return forecast


def _examples(panel: Panel, states: States, factors: Floats, steps: int) -> tuple[Any, Floats]:
    windows = next(found for found in windows_of(panel, states.origins, factors) if found.steps == steps)
    rows = np.flatnonzero(windows.valid.ravel())
    totals = windows.sold.ravel()[rows] / np.maximum(windows.shares.ravel()[rows], 1e-9) * steps
    return states.inputs(steps, rows), totals / states.typical(steps, rows)


def _ets(model: Any, panel: Panel, place: int, steps: int) -> Floats:
    """Return quantiles of totals of simulated futures, of the model with the least AICc; what fails is left out."""
    series = panel.units[place].copy()
    series[~panel.known[place]] = panel.means[place]
    best: Any = None
    for trend in (None, "add"):
        for season in (None, "add") if panel.season > 1 else (None,):
            try:
                fitted = model(
                    series,
                    error="add",
                    trend=trend,
                    damped_trend=trend is not None,
                    seasonal=season,
                    seasonal_periods=panel.season if season else None,
                ).fit(disp=False)
            except (ValueError, np.linalg.LinAlgError):
                continue
            if np.isfinite(fitted.aicc) and (best is None or fitted.aicc < best.aicc):
                best = fitted
    if best is None:  # a constant series has no likelihood
        return np.full(len(PROBABILITIES), series[-steps:].sum())
    rng = np.random.default_rng(SEED)
    paths = np.asarray(best.simulate(steps, anchor="end", repetitions=PATHS, rng=rng))
    found: Floats = np.quantile(np.nan_to_num(paths).sum(axis=0), PROBABILITIES)
    return found
