"""Sales of made-up series whose demand is known: negative binomial, with weekdays, drift and sold-out days."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from decisions.domain import SalesLog
from decisions.domains.restock.training.panel import Panel, complete_panel

START = datetime(2026, 1, 1, tzinfo=UTC)
WEEKDAYS = np.array([0.8, 0.8, 0.9, 1.0, 1.2, 1.4, 0.9])
SIZE = 3.0
"""Of the negative binomial: the variance of a day's demand m is m + m^2 / 3."""


@dataclass(frozen=True, slots=True, eq=False)
class World:
    """A log of what was sold, and the expected demand behind it, series x days."""

    log: SalesLog
    means: np.ndarray


def world(series: int = 60, days: int = 200, *, seed: int = 1, sells_out: bool = False, drift: float = 0.02) -> World:
    rng = np.random.default_rng(seed)
    rates = np.exp(rng.normal(0.5, 1.2, series))[:, None]
    season = WEEKDAYS[(START.weekday() + np.arange(days)) % 7]
    means = rates * season * np.exp(np.cumsum(rng.normal(0.0, drift, (series, days)), axis=1))
    demand = rng.negative_binomial(SIZE, SIZE / (SIZE + means)).astype(np.float64)
    capacity = np.ceil(rates * 1.5) if sells_out else np.full_like(rates, np.inf)
    in_stock = np.where(demand >= capacity, 0.7, 1.0)
    return World(log_of(np.minimum(demand, capacity), in_stock), means)


def log_of(units: np.ndarray, in_stock: np.ndarray | None = None) -> SalesLog:
    """Return the log of series x days of pieces sold."""
    series, days = units.shape
    flat = units.T.ravel().astype(np.float64)
    rows, ids = len(flat), tuple(f"s|{place}" for place in range(series))
    return SalesLog(
        series=np.tile(np.arange(series, dtype=np.int32), days),
        at=np.repeat(START.timestamp() + 86_400.0 * np.arange(days), series),
        units=flat,
        price=np.full(rows, 5.0),
        paid=np.where(flat > 0.0, 5.0, np.nan),
        orders=np.minimum(flat, 1.0),
        largest=flat,
        in_stock=np.ones(rows) if in_stock is None else in_stock.T.ravel(),
        series_ids=ids,
        items=tuple(name.partition("|")[2] for name in ids),
        stores=("s",) * series,
        clusters=("",) * series,
        categories=("",) * series,
        costs=np.full(series, 2.0),
        start=START,
        end=START + timedelta(days=days),
    )


def changed(log: SalesLog, **columns: Any) -> SalesLog:
    return replace(log, **columns)


def panel(*rows: list[float], season: int = 1, horizons: tuple[int, ...] = (1, 2, 4)) -> Panel:
    """Return a panel of series that were always in stock."""
    ids = tuple(f"s|{place}" for place in range(len(rows)))
    return complete_panel(ids, np.array(rows, dtype=np.float64), season=season, horizons=horizons)
