"""Forecasts of 10 000 series of 365 days, one recipe to a process, and what an order then takes. Prints JSON.

`python -m benchmarks.forecasts` runs the recipes that need no network; `python -m benchmarks.forecasts RECIPE` one of
them, in this process. The log is made: negative binomial demand with weekdays, drift, and days that sell out.
"""

import config.arithmetic  # noqa: F401 - before NumPy is imported, so that it has one thread

# isort: split
import json
import resource
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta

import numpy as np

from decisions.domain import SalesLog
from decisions.domains.restock.training import RECIPES
from models_registry.gates import GateRule
from models_registry.pipeline import run_pipeline
from models_registry.predictors.forecast import Forecast

SERIES, DAYS = 10_000, 365
SIMPLE = ("exponential_smoothing", "intermittent", "negative_binomial")
LIMITS = {"processor_seconds": 180.0, "megabytes": 4_000.0}
SCORE_LIMIT = 100.0
SEED = 1
LEVELS = 60
ASKED = 5_000
START = datetime(2026, 1, 1, tzinfo=UTC)
WEEKDAYS = np.array([0.8, 0.8, 0.9, 1.0, 1.2, 1.4, 0.9])
DISPERSION = 3.0


def main(arguments: list[str]) -> int:
    """Measure, print, and return 1 when a figure is worse than promised."""
    if arguments:
        print(json.dumps(_measured(arguments[0])))
        return 0
    found = {name: _in_its_own_process(name) for name in SIMPLE}
    score = _score_microseconds()
    kept = all(figures[name] < limit for figures in found.values() for name, limit in LIMITS.items())
    kept = kept and score < SCORE_LIMIT
    print(
        json.dumps(
            {
                "benchmark": "forecasts",
                "series": SERIES,
                "days": DAYS,
                "recipes": found,
                "score_microseconds": score,
                "levels": LEVELS,
                "limits": LIMITS | {"score_microseconds": SCORE_LIMIT},
                "kept": kept,
            }
        )
    )
    return 0 if kept else 1


def _in_its_own_process(name: str) -> dict[str, float]:
    command = [sys.executable, "-m", "benchmarks.forecasts", name]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{name} failed:\n{done.stderr[-2000:]}")
    figures: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return figures


def _measured(name: str) -> dict[str, float]:
    log, recipe = sales(), RECIPES[name]
    started, used = time.perf_counter(), time.process_time()
    gate = GateRule(metric=recipe.metric)
    trained = run_pipeline(recipe, log, parameters={}, seed=SEED, gate=gate, tell=lambda _step, _share: None)
    return {
        "seconds": round(time.perf_counter() - started, 1),
        "processor_seconds": round(time.process_time() - used, 1),
        "megabytes": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 0),
        "scaled_pinball": round(trained.metrics["scaled_pinball"], 4),
        "popularity_scaled_pinball": round(trained.metrics["popularity_scaled_pinball"], 4),
        "coverage_90": round(trained.metrics["coverage_90"], 4),
    }


def _score_microseconds() -> float:
    """Return the mean processor time of one order, over series that sell little and much."""
    rng = np.random.default_rng(SEED)
    daily = np.exp(rng.normal(1.0, 2.0, SERIES))
    means = np.outer(daily, (1.0, 7.0, 14.0, 28.0)).astype(np.float32)
    variances = means + means**2 / np.float32(DISPERSION)
    ids = tuple(f"s|{place}" for place in range(SERIES))
    forecast = Forecast(ids, (1.0, 7.0, 14.0, 28.0), means, variances, np.ones((SERIES, 7), np.float32))
    asked = [
        np.array([place, 21_000, 3_000, 1_000_000, 50_000, *np.linspace(0.0, 90.0 * daily[place], LEVELS)], np.int64)
        for place in rng.integers(0, SERIES, ASKED).tolist()
    ]
    used = time.process_time()
    for history in asked:
        forecast.score(history)
    return round((time.process_time() - used) / ASKED * 1e6, 1)


def sales() -> SalesLog:
    """Return a log in which one day in twenty or so sells out."""
    rng = np.random.default_rng(SEED)
    rates = np.exp(rng.normal(0.5, 1.2, SERIES))
    season = WEEKDAYS[(START.weekday() + np.arange(DAYS)) % 7]
    means = np.outer(season, rates) * np.exp(np.cumsum(rng.normal(0.0, 0.02, (DAYS, SERIES)), axis=0))
    demand = rng.negative_binomial(DISPERSION, DISPERSION / (DISPERSION + means)).astype(np.float64)
    capacity = np.ceil(3.0 * rates)
    units = np.minimum(demand, capacity).ravel()
    rows, ids = len(units), tuple(f"s|{place}" for place in range(SERIES))
    return SalesLog(
        series=np.tile(np.arange(SERIES, dtype=np.int32), DAYS),
        at=np.repeat(START.timestamp() + 86_400.0 * np.arange(DAYS), SERIES),
        units=units,
        price=np.full(rows, 5.0),
        paid=np.where(units > 0.0, 5.0, np.nan),
        orders=np.minimum(units, 1.0),
        largest=units,
        in_stock=np.where(demand >= capacity, 0.7, 1.0).ravel(),
        series_ids=ids,
        items=ids,
        stores=("s",) * SERIES,
        clusters=("",) * SERIES,
        categories=("",) * SERIES,
        costs=np.full(SERIES, 2.0),
        start=START,
        end=START + timedelta(days=DAYS),
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
