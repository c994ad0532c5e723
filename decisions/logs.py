"""Parts of the logs that models learn from: before a time, of an arm; and what their rows are distributed like."""

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final, TypeVar

import numpy as np
import numpy.typing as npt

from decisions.domain import INTERACTIONS, DecisionLog, InteractionLog, SalesLog

Mask = npt.NDArray[np.bool_]
Log = InteractionLog | DecisionLog | SalesLog
LogT = TypeVar("LogT", bound=Log)
Columns = dict[str, npt.NDArray[np.float64] | dict[str, int]]

SALES_COLUMNS: Final = ("series", "at", "units", "price", "paid", "orders", "largest", "in_stock")
"""The columns of a SalesLog that have an entry for each row."""
ITEM_BUCKETS: Final = 16
"""Into how many buckets the ids of items are hashed, to see whether interest moves among them."""


def keep(log: LogT, rows: Mask) -> LogT:
    """Return the log with these rows alone; units, items and series keep their codes."""
    weights = None if log.weights is None else log.weights[rows]
    if isinstance(log, SalesLog):
        columns = {name: getattr(log, name)[rows] for name in SALES_COLUMNS}
        return replace(log, weights=weights, **columns)
    if isinstance(log, InteractionLog):
        return replace(
            log, units=log.units[rows], items=log.items[rows], kinds=log.kinds[rows], at=log.at[rows], weights=weights
        )
    picked = np.flatnonzero(rows).tolist()
    return replace(
        log,
        decisions=log.decisions[rows],
        units=log.units[rows],
        items=log.items[rows],
        positions=log.positions[rows],
        propensities=log.propensities[rows],
        at=log.at[rows],
        variants=log.variants[rows],
        versions=log.versions[rows],
        rewards={name: column[rows] for name, column in log.rewards.items()},
        values=log.values[rows],
        context={name: tuple(column[row] for row in picked) for name, column in log.context.items()},
        weights=weights,
    )


def before(log: LogT, at: float) -> LogT:
    """Return the log without the rows at a time (seconds since 1970) or later; its window ends there."""
    return replace(keep(log, log.at < at), end=datetime.fromtimestamp(at, UTC))


def since(log: LogT, at: float) -> LogT:
    """Return the log without the rows before a time (seconds since 1970); its window begins there."""
    return replace(keep(log, log.at >= at), start=datetime.fromtimestamp(at, UTC))


def arm_weights(items: npt.NDArray[np.int32], own: Mask, *, item_count: int) -> npt.NDArray[np.float64]:
    """Return for each row how much more likely the own arm is to show its item than all arms together; the mean is 1.

    w(i) = q(i) / p(i) with p(i) = n(i) / n over all rows and q(i) = (m(i) + s p(i)) / (m + s) over the m own rows, s
    being the number of different items: the item-wise estimate of the arm's chance of a row, which weights pooled data
    in Si 2023, arXiv 2310.17496. Without own rows every weight is 1.
    """
    if not len(items):
        return np.zeros(0)
    counts = np.bincount(items, minlength=item_count)
    pooled = counts / len(items)
    owned, smoothing = np.bincount(items[own], minlength=item_count), np.count_nonzero(counts)
    likely = (owned + smoothing * pooled) / (int(own.sum()) + smoothing)
    weights: npt.NDArray[np.float64] = (likely[items] / pooled[items]).astype(np.float64)
    return weights


def distributions(log: Log) -> tuple[Columns, int]:
    """Return what the rows of a log are distributed like, for comparison with a later log, and how many units it has.

    Texts as counts, numbers as float64 columns; what the log does not know is left out. The units of a SalesLog are its
    series, and their rows count by the pieces sold where items and categories are compared.
    """
    if isinstance(log, SalesLog):
        return _sales_distributions(log)
    units = len(np.unique(log.units))
    per_unit = np.unique(log.units, return_counts=True)[1].astype(np.float64)
    counts = np.bincount(log.items, minlength=len(log.item_ids))
    found: Columns = {"history": per_unit, "items": _bucketed(log.item_ids, counts)}
    if isinstance(log, InteractionLog):
        kinds = np.bincount(log.kinds, minlength=len(INTERACTIONS))
        found["kinds"] = {kind.value: int(count) for kind, count in zip(INTERACTIONS, kinds, strict=True) if count}
        found["categories"] = _summed(log.categories, counts)
        known = log.prices[log.items]
        found["prices"] = known[known > 0.0].astype(np.float64)
    else:
        found["positions"] = log.positions.astype(np.float64)
        found |= {f"context.{name}": _counted(column) for name, column in log.context.items() if any(column)}
    return found, units


def _sales_distributions(log: SalesLog) -> tuple[Columns, int]:
    series, sold = np.unique(log.series), np.bincount(log.series, log.units, minlength=len(log.series_ids))
    pieces = np.rint(sold).astype(np.int64)
    found: Columns = {
        "daily_sales": sold[series] / np.bincount(log.series, minlength=len(log.series_ids))[series],
        "items": _bucketed(log.items, pieces),
        "categories": _summed(log.categories, pieces),
        "prices": log.price[log.price > 0.0],
        "in_stock": log.in_stock.astype(np.float64),
    }
    return found, len(series)


def _bucketed(ids: Sequence[str], counts: npt.NDArray[np.int64]) -> dict[str, int]:
    """Return how many rows fall into each bucket of ids, empty ones left out."""
    buckets: dict[str, int] = {}
    for item, count in zip(ids, counts.tolist(), strict=True):
        bucket = f"{zlib.crc32(item.encode()) % ITEM_BUCKETS:02}"
        buckets[bucket] = buckets.get(bucket, 0) + count
    return {name: buckets[name] for name in sorted(buckets) if buckets[name]}


def _summed(names: Sequence[str], counts: npt.NDArray[np.int64]) -> dict[str, int]:
    """Return how many rows have each name, "" left out."""
    found: dict[str, int] = {}
    for name, count in zip(names, counts.tolist(), strict=True):
        if name and count:
            found[name] = found.get(name, 0) + count
    return found


def _counted(column: Sequence[str]) -> dict[str, int]:
    found: dict[str, int] = {}
    for value in column:
        found[value] = found.get(value, 0) + 1
    return found


def variant_rows(log: DecisionLog, variant: str) -> Mask:
    """Return which rows a variant, named as in `variant_keys`, showed."""
    places: Mapping[str, int] = {key: place for place, key in enumerate(log.variant_keys)}
    shown: Mask = log.variants == places.get(variant, -1)
    return shown
