"""Day by day: for how much items were offered, and for which part of the day they could be bought."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

import numpy as np
import numpy.typing as npt

from decisions.models import PriceOffer, StockCount
from decisions.queries.supply import not_over
from foundation.money import MICROS

COUNT_HOLDS: Final = timedelta(days=7)
"""How long a count of stock says something, unless another one comes."""
ROWS_AT_ONCE: Final = 50_000

Floats = npt.NDArray[np.float64]


def offered_prices(project_id: int, items: Sequence[str], edges: Floats) -> Floats:
    """Return the price that the ledger has of each item on each day, days x len(items), currency units, else NaN.

    items: may repeat. edges: when each day begins and, last, when the last one ends, seconds since 1970. A day on which
    the price changed has the mean over the part of it that the ledger covers, each price by how long it held.
    """
    places: dict[str, list[int]] = {}
    for place, item in enumerate(items):
        places.setdefault(item, []).append(place)
    seconds, amounts = (np.zeros((len(edges) - 1, len(items))) for _ in range(2))
    rows = PriceOffer.objects.filter(
        not_over(_moment(edges[0])), project_id=project_id, valid_from__lt=_moment(edges[-1])
    )
    wanted = ("item_id", "price", "valid_from", "valid_until")
    for item, price, valid_from, valid_until in rows.values_list(*wanted).iterator(ROWS_AT_ONCE):
        if item in places:
            until = edges[-1] if valid_until is None else valid_until.timestamp()
            days, held = _overlaps(edges, valid_from.timestamp(), until)
            cells = np.ix_(days, np.array(places[item], np.int64))
            seconds[cells] += held[:, None]
            amounts[cells] += held[:, None] * (price / MICROS)
    return np.divide(amounts, seconds, out=np.full_like(amounts, np.nan), where=seconds > 0.0)


def in_stock_shares(project_id: int, keys: Sequence[tuple[str, str]], edges: Floats) -> Floats:
    """Return for which share of each day each (item, store) could be bought, days x len(keys); 1 where nobody counted.

    A store of "" stands for all stores: the mean of those that count the item. edges: as above.
    """
    missing = _missing(project_id, {item for item, _ in keys}, edges)
    by_item: dict[str, list[Floats]] = {}
    for (item, _store), shares in missing.items():
        by_item.setdefault(item, []).append(shares)
    found = np.ones((len(edges) - 1, len(keys)))
    for place, (item, store) in enumerate(keys):
        parts = [missing[item, store]] if (item, store) in missing else [] if store else by_item.get(item, [])
        if parts:
            found[:, place] -= np.mean(parts, axis=0)
    return found


def _missing(project_id: int, items: set[str], edges: Floats) -> dict[tuple[str, str], Floats]:
    """Return for which share of each day nothing was there, by (item, store) of those that were counted."""
    rows = StockCount.objects.filter(
        project_id=project_id,
        counted_at__gte=_moment(edges[0]) - COUNT_HOLDS,
        counted_at__lt=_moment(edges[-1]),
    ).order_by("item_id", "store_id", "counted_at")
    wanted = ("item_id", "store_id", "on_hand", "counted_at")
    counts: dict[tuple[str, str], list[tuple[float, int]]] = {}
    for item, store, on_hand, counted_at in rows.values_list(*wanted).iterator(ROWS_AT_ONCE):
        if item in items:
            counts.setdefault((item, store), []).append((counted_at.timestamp(), on_hand))
    return {key: _shares_without(series, edges) for key, series in counts.items()}


def _shares_without(counts: Sequence[tuple[float, int]], edges: Floats) -> Floats:
    """Return the share of each day that lies in stretches that began with a count of nothing. counts: (at, pieces)."""
    empty = np.zeros(len(edges) - 1)
    ends = [at for at, _ in counts[1:]] + [np.inf]
    for (at, on_hand), end in zip(counts, ends, strict=True):
        if on_hand == 0:
            days, held = _overlaps(edges, at, min(end, at + COUNT_HOLDS.total_seconds()))
            empty[days] += held
    shares: Floats = empty / np.diff(edges)
    return shares


def _overlaps(edges: Floats, start: float, end: float) -> tuple[npt.NDArray[np.int64], Floats]:
    """Return the days that a stretch of time touches, and how many seconds of each."""
    first = max(0, int(np.searchsorted(edges, start, side="right")) - 1)
    last = min(len(edges) - 1, int(np.searchsorted(edges, end, side="left")))
    days = np.arange(first, max(first, last), dtype=np.int64)
    held = np.minimum(edges[days + 1], end) - np.maximum(edges[days], start)
    return days[held > 0.0], held[held > 0.0]


def _moment(at: float) -> datetime:
    return datetime.fromtimestamp(at, UTC)
