"""Elasticities of 1 000 items over a year on one core, beside statsmodels item by item; the question of a price. JSON.

statsmodels fits a Poisson regression with the same columns to some of the items, without
pooling, common weeks or the spread of errors, all of which the recipe has.
"""

import config.arithmetic  # noqa: F401 - before NumPy is imported, so that it has one thread, as where it serves

# isort: split
import json
import statistics
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import numpy as np

from benchmarks.peers.environments import Peer, times_of
from config.local.places import state_directory
from decisions.domain import SalesLog
from decisions.domains.pricing.training import RECIPES
from decisions.domains.pricing.training.dataset import DemandData
from models_registry.pipeline import checked_parameters
from models_registry.predictors.demand import Demand

ITEMS: Final = 1_000
DAYS: Final = 365
CLUSTERS: Final = 50
PEER_ITEMS: Final = 20
REPEATS: Final = 5
PRICES: Final = 60
QUESTIONS: Final = 20_000
TARGETS: Final = {"seconds": 5.0, "predictor_us_for_60_prices": 50.0}
START: Final = datetime(2025, 1, 6, tzinfo=UTC)
PEER: Final = Peer("statsmodels", "0.15.0", "statsmodels_elasticities")
RECIPE: Final = RECIPES["elasticity"]
PARAMETERS: Final = checked_parameters({"test_share": 0.05}, RECIPE.parameters)


def main() -> int:
    """Measure and print."""
    log, truth = sales()
    dataset_seconds, data = _timed(lambda: RECIPE.dataset(log, parameters=PARAMETERS, seed=1))
    fit_seconds, fitted = _timed(lambda: RECIPE.fit(data, parameters=PARAMETERS, seed=1, tell=lambda _share: None))
    predictor = fitted.predictor()
    assert isinstance(predictor, Demand)
    peer = _statsmodels(data)
    seconds = dataset_seconds + fit_seconds
    report: dict[str, Any] = {
        "benchmark": "elasticities",
        "items": ITEMS,
        "days": DAYS,
        "rows": len(log.at),
        "seconds": round(seconds, 3),
        "dataset_seconds": round(dataset_seconds, 3),
        "fit_seconds": round(fit_seconds, 3),
        "root_mean_square_error": round(float(np.sqrt(np.mean((predictor.elasticities - truth) ** 2))), 3),
        "predictor_us_for_60_prices": round(_question_microseconds(predictor), 2),
        "targets": TARGETS,
    }
    if isinstance(peer, str):
        report["statsmodels"] = peer
    else:
        report["statsmodels_seconds_for_all_items"] = round(peer["seconds_of_an_item"] * ITEMS, 2)
        report["times_faster_than_statsmodels"] = round(peer["seconds_of_an_item"] * ITEMS / fit_seconds, 1)
    print(json.dumps(report))
    return 0


def sales() -> tuple[SalesLog, np.ndarray]:
    """Return the sales of a year, and the elasticities behind them."""
    rng = np.random.default_rng(1)
    cluster = np.arange(ITEMS) % CLUSTERS
    truth = -2.0 + rng.normal(0.0, 0.3, CLUSTERS)[cluster] + rng.normal(0.0, 0.3, ITEMS)
    base = rng.uniform(5.0, 50.0, ITEMS)
    price = base * np.repeat(rng.choice([0.8, 0.9, 1.0, 1.1], (DAYS // 7 + 1, ITEMS)), 7, axis=0)[:DAYS]
    week = np.repeat(rng.normal(0.0, 0.2, DAYS // 7 + 1), 7)[:DAYS]
    mean = np.exp(1.0 + rng.normal(0.0, 0.5, ITEMS) + truth * np.log(price / base) + week[:, None])
    units = rng.poisson(mean * rng.gamma(5.0, 0.2, mean.shape)).astype(np.float64).reshape(-1)
    names = tuple(f"item-{place}" for place in range(ITEMS))
    log = SalesLog(
        series=np.tile(np.arange(ITEMS, dtype=np.int32), DAYS),
        at=np.repeat(START.timestamp() + np.arange(DAYS) * 86_400.0, ITEMS),
        units=units,
        price=price.reshape(-1),
        paid=np.where(units > 0.0, price.reshape(-1), np.nan),
        orders=units,
        largest=np.minimum(units, 1.0),
        in_stock=np.ones(len(units)),
        series_ids=names,
        items=names,
        stores=("",) * ITEMS,
        clusters=tuple(f"cluster-{place}" for place in cluster.tolist()),
        categories=("",) * ITEMS,
        costs=np.full(ITEMS, np.nan),
        start=START,
        end=START + timedelta(days=DAYS),
    )
    return log, truth


def _timed(work: Callable[[], Any]) -> tuple[float, Any]:
    """Return the median processor time of some runs, and what the last one returned."""
    taken = []
    for _ in range(REPEATS):
        began = time.process_time()
        found = work()
        taken.append(time.process_time() - began)
    return statistics.median(taken), found


def _statsmodels(data: DemandData) -> dict[str, Any] | str:
    """Return what statsmodels takes for one item, and the slopes that it finds; or why it was left out."""
    panel = data.learnt
    ends = np.append(panel.starts[1:], len(panel))
    items = [slice(panel.starts[place], ends[place]) for place in range(PEER_ITEMS)]
    question = [
        {"units": panel.units[rows].tolist(), "price": panel.price[rows].tolist(), "day": panel.day[rows].tolist()}
        for rows in items
    ]
    folder = state_directory() / "bench"
    folder.mkdir(parents=True, exist_ok=True)
    return times_of(PEER, folder, json.dumps(question))


def _question_microseconds(predictor: Demand) -> float:
    """Return the processor time of one question about the prices of a menu."""
    question = np.concatenate(([5], np.rint(np.linspace(5.0, 50.0, PRICES) * 1e6))).astype(np.int64)
    candidates = np.arange(PRICES, dtype=np.int64)
    began = time.process_time()
    for _ in range(QUESTIONS):
        predictor.score(question, candidates)
    return (time.process_time() - began) / QUESTIONS * 1e6


if __name__ == "__main__":
    sys.exit(main())
