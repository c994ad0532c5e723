"""How good predicted demand is: on later weeks of items, beside one elasticity for all, and beside the champion."""

from collections.abc import Mapping
from typing import Final

import numpy as np
from scipy.special import gammaln

from decisions.domains.pricing.training.dataset import DemandData
from decisions.domains.pricing.training.elasticity import pooled_elasticity
from decisions.domains.pricing.training.panel import Floats, Mask
from models_registry.gates import CHAMPION, POPULARITY, Evaluation, sliced
from models_registry.predictors.demand import MICROS, Demand, Doubt
from models_registry.predictors.protocol import Predictor

METRIC: Final = "log_likelihood"
"""Poisson, of the pieces of an item in a week; higher is better."""
LEAST_MEAN: Final = 1e-6
TIMED: Final = 100
MENU: Final = 60
"""Prices of a request that the predictor is timed with."""


def evaluate(predictor: Predictor, data: DemandData, champion: Predictor | None) -> Evaluation:
    """Return the log-likelihood of later item-weeks under the candidate, one elasticity for all, and the champion.

    A user of the gate is an item in a week. POPULARITY is the pooled log-log model: the mean level of each item and one
    elasticity. Of a champion that does not know an item the pooled model speaks for it.
    """
    sold = _by_week(data.judged.units, data)
    pooled = _pooled(data)
    means = {"": daily_means(predictor, data, pooled), POPULARITY: pooled}
    if champion is not None:
        means[CHAMPION] = daily_means(champion, data, pooled)
    expected = {name: np.maximum(_by_week(found * data.judged.open, data), LEAST_MEAN) for name, found in means.items()}
    figures = {name: log_likelihood(sold, mean) for name, mean in expected.items()}
    references: dict[str, Floats] = {name: figures[name] for name in (POPULARITY, CHAMPION) if name in figures}
    return Evaluation(
        metrics=_metrics(predictor, data, sold, expected, figures),
        candidate=figures[""],
        references=references,
        slices=sliced(figures[""], references, _parts(data)),
        requests=_requests(data),
    )


def log_likelihood(sold: Floats, mean: Floats) -> Floats:
    """Return the Poisson log-likelihood of counts; of what is no whole number, with the gamma function."""
    found: Floats = sold * np.log(mean) - mean - gammaln(sold + 1.0)
    return found


def deviance(sold: Floats, mean: Floats) -> Floats:
    """Return the Poisson deviance of each count: 2 (y log(y / mu) - y + mu)."""
    logs = np.log(np.where(sold > 0.0, sold, 1.0) / mean)
    found: Floats = 2.0 * (np.where(sold > 0.0, sold * logs, 0.0) - sold + mean)
    return found


def daily_means(predictor: Predictor, data: DemandData, otherwise: Floats) -> Floats:
    """Return the pieces a day that a predictor expects at the price of each judged row, else those of `otherwise`."""
    found = otherwise.copy()
    places = {item: place for place, item in enumerate(predictor.items)}
    judged = data.judged
    micros = np.rint(np.exp(judged.price) * MICROS).astype(np.int64)
    bounds = np.flatnonzero(np.diff(judged.item, prepend=-1, append=-1))
    for first, last in zip(bounds[:-1].tolist(), bounds[1:].tolist(), strict=True):
        place = places.get(data.item_ids[judged.item[first]])
        if place is not None:
            found[first:last] = predictor.score(np.concatenate(([place], micros[first:last])))
    return found


def _pooled(data: DemandData) -> Floats:
    level, slope = pooled_elasticity(data.learnt)
    found: Floats = np.exp(np.clip(level[data.judged.item] + slope * data.judged.price, -25.0, 25.0))
    return found


def _by_week(values: Floats, data: DemandData) -> Floats:
    return np.bincount(data.weeks, values).astype(np.float64)


def _metrics(
    predictor: Predictor, data: DemandData, sold: Floats, expected: Mapping[str, Floats], figures: Mapping[str, Floats]
) -> dict[str, float]:
    candidate, pooled = (float(deviance(sold, expected[name]).mean()) for name in ("", POPULARITY))
    metrics = {
        METRIC: float(figures[""].mean()),
        f"{POPULARITY}_{METRIC}": float(figures[POPULARITY].mean()),
        "deviance": candidate,
        f"{POPULARITY}_deviance": pooled,
        "deviance_saved": 1.0 - candidate / pooled if pooled > 0.0 else 0.0,
        "expected_over_sold": float(expected[""].sum() / max(sold.sum(), LEAST_MEAN)),
        "item_weeks": float(len(sold)),
        "bulk_share": data.findings.bulk_share,
        "price_follows_demand_t": data.findings.follows_t,
    }
    if CHAMPION in figures:
        metrics[f"{CHAMPION}_{METRIC}"] = float(figures[CHAMPION].mean())
    if isinstance(predictor, Demand):
        metrics["elasticity_median"] = float(np.median(predictor.elasticities))
        for doubt in Doubt:
            metrics[f"items_{str(doubt.name).lower()}"] = float(np.count_nonzero(predictor.doubts & doubt))
    return metrics


def _parts(data: DemandData) -> dict[str, Mask]:
    """Return which item-weeks are of items whose price never changed while it was learnt, and which of the others."""
    item = np.zeros(int(data.weeks.max()) + 1, np.int64)
    item[data.weeks] = data.judged.item
    never = (data.findings.flags[item] & Doubt.NEVER_CHANGED) > 0
    return {"price changed before": ~never, "price never changed before": never}


def _requests(data: DemandData) -> tuple[tuple[np.ndarray, np.ndarray], ...]:
    """Return menus of prices around the last price of some items."""
    candidates = np.arange(MENU, dtype=np.int64)
    ends = np.append(data.learnt.starts[1:], len(data.learnt)) - 1
    found = []
    for place in np.linspace(0, data.learnt.items - 1, min(TIMED, data.learnt.items)).astype(int):
        prices = np.exp(data.learnt.price[ends[place]]) * np.linspace(0.7, 1.3, MENU)
        found.append((np.concatenate(([place], np.rint(prices * MICROS))).astype(np.int64), candidates))
    return tuple(found)
