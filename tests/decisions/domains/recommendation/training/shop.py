"""A log with known tastes: every unit likes one category, and popularity says nothing about which."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from decisions.domain import InteractionLog

START = datetime(2026, 3, 1, tzinfo=UTC)
END = START + timedelta(days=10)


def shop(
    *, units: int = 300, items: int = 60, categories: int = 6, each: int = 12, loyalty: float = 0.9, seed: int = 1
) -> InteractionLog:
    """Return `each` interactions of every unit, a share `loyalty` of them in its category, spread over ten days."""
    rng = np.random.default_rng(seed)
    taste = np.repeat(rng.integers(0, categories, units), each)
    category = np.where(rng.uniform(size=units * each) < loyalty, taste, rng.integers(0, categories, units * each))
    item = category + categories * rng.integers(0, items // categories, units * each)
    return log_of(
        units=np.repeat(np.arange(units), each),
        items=item,
        at=rng.uniform(0.0, 1.0, units * each),
        kinds=rng.choice(3, units * each, p=[0.8, 0.15, 0.05]),
        item_count=items,
        categories=tuple(f"category {place % categories}" for place in range(items)),
        ratings=rng.uniform(3.0, 5.0, items).astype(np.float32),
    )


def log_of(
    *, units: Any, items: Any, at: Any, item_count: int, kinds: Any = None, categories: Any = None, ratings: Any = None
) -> InteractionLog:
    """Return a log of rows in any order; `at` counts from 0 at the start of the window to 1 at its end."""
    units, items, at = np.asarray(units), np.asarray(items), np.asarray(at, dtype=np.float64)
    kinds = np.zeros(len(units)) if kinds is None else np.asarray(kinds)
    order = np.lexsort((items, units, at)) if len(at) else np.zeros(0, dtype=np.int64)
    seconds = START.timestamp() + at[order] * (END - START).total_seconds()
    return InteractionLog(
        units=units[order].astype(np.int32),
        items=items[order].astype(np.int32),
        kinds=kinds[order].astype(np.int8),
        at=seconds,
        item_ids=tuple(f"item-{place}" for place in range(item_count)),
        categories=categories or ("",) * item_count,
        prices=np.full(item_count, 10.0, dtype=np.float32),
        ratings=np.zeros(item_count, dtype=np.float32) if ratings is None else ratings,
        start=START,
        end=END,
    )


def changed(log: InteractionLog, **changes: Any) -> InteractionLog:
    return replace(log, **changes)
