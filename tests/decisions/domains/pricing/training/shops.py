"""Sales logs of shops whose demand is known: log-linear in the price, with weekdays, weeks that move all, and noise."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from decisions.domain import SalesLog

START = datetime(2025, 1, 6, tzinfo=UTC)


@dataclass(frozen=True)
class Shop:
    """A log, and the elasticity of each of its items."""

    log: SalesLog
    elasticities: np.ndarray


def shop(
    *,
    items: int = 60,
    days: int = 210,
    clusters: int = 6,
    elasticity: float = -2.0,
    within: float = 0.3,
    between: float = 0.3,
    week_sd: float = 0.2,
    level: float = 3.0,
    size: float = 5.0,
    never: int = 0,
    seed: int = 1,
) -> Shop:
    """Return a shop whose prices change at random every week or so.

    within, between: spreads of elasticities in clusters and between them. level: mean pieces a day. size: of the
    negative binomial, np.inf for Poisson. never: how many items, the last ones, keep their price.
    """
    rng = np.random.default_rng(seed)
    cluster = np.arange(items) % clusters
    elasticities = elasticity + rng.normal(0.0, between, clusters)[cluster] + rng.normal(0.0, within, items)
    base = rng.uniform(5.0, 50.0, items)
    step = rng.choice([0.8, 0.9, 1.0, 1.0, 1.1], size=(days // 7 + 1, items))
    step[:, items - never :] = 1.0
    price = np.round(base * np.repeat(step, 7, axis=0)[:days], 2)
    weekday = np.array([0.0, -0.1, -0.1, 0.0, 0.1, 0.3, 0.2])[np.arange(days) % 7]
    week = np.repeat(rng.normal(0.0, week_sd, days // 7 + 1), 7)[:days]
    log_mean = np.log(level) + rng.normal(0.0, 0.5, items) + elasticities * np.log(price / base)
    mean = np.exp(log_mean + weekday[:, None] + week[:, None])
    units = rng.poisson(mean if np.isinf(size) else mean * rng.gamma(size, 1.0 / size, mean.shape)).astype(np.float64)
    return Shop(of_tables(units, price, clusters=[f"c{code}" for code in cluster]), elasticities)


def of_tables(units: np.ndarray, price: np.ndarray, *, clusters: Sequence[str] = (), **changes: Any) -> SalesLog:
    """Return the log of days x items; each line of an order is one piece, and the price paid is the one offered."""
    days, items = units.shape
    at = START.timestamp() + np.arange(days) * 86_400.0
    sold = units.reshape(-1)
    columns: dict[str, Any] = {
        "series": np.tile(np.arange(items, dtype=np.int32), days),
        "at": np.repeat(at, items),
        "units": sold.astype(np.float64),
        "price": price.reshape(-1).astype(np.float64),
        "paid": np.where(sold > 0, price.reshape(-1), np.nan),
        "orders": sold.astype(np.float64),
        "largest": np.minimum(sold, 1.0),
        "in_stock": np.ones(days * items),
        "series_ids": tuple(f"item-{place}" for place in range(items)),
        "items": tuple(f"item-{place}" for place in range(items)),
        "stores": ("",) * items,
        "clusters": tuple(clusters) or ("",) * items,
        "categories": ("",) * items,
        "costs": np.full(items, np.nan),
        "start": START,
        "end": START + timedelta(days=days),
    }
    return SalesLog(**(columns | changes))


def changed(log: SalesLog, **changes: Any) -> SalesLog:
    """Return a log with other columns."""
    return replace(log, **changes)
