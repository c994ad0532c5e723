"""What the shop sold day by day, in columns, as training reads it: order lines of the event log, prices and stock."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
from django.db import connection, transaction

from decisions.domain import ITEMS, SalesLog
from decisions.models import Item
from decisions.queries.sales_days import in_stock_shares, offered_prices
from decisions.queries.supply import clusters_at, costs_at
from experiments.vocabulary import UnitKind
from foundation.money import MICROS
from foundation.queries import ProjectFacts, project_facts

ROWS_AT_ONCE: Final = 50_000

Floats = npt.NDArray[np.float64]

NUMBER: Final = r"^[+-]?[0-9]{1,12}(\.[0-9]{1,18})?([eE][+-]?[0-9])?$"
"""Prices and quantities that are read; a line with another quantity is left out, one with another price has none."""

# An order counts once, by its own id, as it was received first; a day more is read, for what was told before that.
# What is ordered is demand, whatever is sent back later. Orders in another currency are quarantined, and so not here.
# An order of one item may name it itself, and is then a line.
_SOLD = """
WITH told AS (
    SELECT log.store, log.corrected_at,
        log.properties || jsonb_build_object('product_id', coalesce(log.item, log.properties->>'product_id')) AS itself,
        CASE jsonb_typeof(log.properties->'products') WHEN 'array' THEN log.properties->'products' ELSE '[]' END
            AS products,
        row_number() OVER (
            PARTITION BY coalesce(log.properties->>'order_id', log.message_id)
            ORDER BY log.received_at, log.message_id, log.day
        ) AS place
    FROM decisions_eventlog log
    WHERE log.project_id = %(project)s AND log.day BETWEEN %(start)s::date - 2 AND %(end)s::date + 1
        AND log.kind IN ('track', 'history') AND log.event = 'Order Completed'
        AND coalesce(log.properties->>'currency', %(currency)s) = %(currency)s
        AND log.corrected_at >= %(start)s - interval '1 day' AND log.corrected_at < %(end)s
), line AS (
    SELECT listed.line->>'product_id' AS item, coalesce(told.store, '') AS store,
        (told.corrected_at AT TIME ZONE %(zone)s)::date AS day,
        coalesce(listed.line->>'quantity', '1') AS quantity, listed.line->>'price' AS price
    FROM told, jsonb_array_elements(CASE products WHEN '[]' THEN jsonb_build_array(itself) ELSE products END)
        AS listed(line)
    WHERE told.place = 1 AND told.corrected_at >= %(start)s
), piece AS (
    SELECT item, CASE WHEN %(by_store)s THEN store ELSE '' END AS store, day, quantity::numeric AS quantity,
        CASE WHEN price ~ %(number)s AND price NOT LIKE '-%%' THEN price::numeric END AS price
    FROM (SELECT * FROM line WHERE item IS NOT NULL AND quantity ~ %(number)s OFFSET 0) readable
)
SELECT item, store, day, sum(quantity)::float8, count(*)::float8, max(quantity)::float8,
    (sum(price * quantity) / sum(quantity) FILTER (WHERE price IS NOT NULL))::float8
FROM piece WHERE quantity > 0 AND (store <> '' OR NOT %(by_store)s)
GROUP BY item, store, day ORDER BY item, store, day
"""


@dataclass(frozen=True, slots=True, eq=False)
class _Sold:
    """Days with a sale: columns of equal length. series, days: places in `keys` (item, store) and in the days."""

    keys: tuple[tuple[str, str], ...]
    series: npt.NDArray[np.int64]
    days: npt.NDArray[np.int64]
    units: Floats
    orders: Floats
    largest: Floats
    paid: Floats


def sales_log(project_id: int, *, start: datetime, end: datetime, by: UnitKind = UnitKind.ITEM) -> SalesLog:
    """Return what was sold in [start, end), project time, of each item, or with STORE_ITEM of each item in a store.

    The window is told in the project's zone, so that what is learnt by weekday has the right name. Days are whole days
    of that zone; what the window begins or ends with of one is left out, for half a day would pass for a day of little
    demand. Series are those that sold something, in the order of (item, store); orders that name no store are in no
    series of STORE_ITEM. What a piece was offered for is the price ledger's, the mean over a day on which it changed. A
    count of stock holds until the next one, for a week at most; an item in several stores has the mean of those that
    count. Cluster and cost are those at the end. Raises ProjectUnknown.
    """
    project = project_facts(project_id)
    zone = ZoneInfo(project.time_zone)
    start, end = start.astimezone(zone), end.astimezone(zone)
    days = _whole_days(start, end, zone)
    if not days:
        return _empty(start, end)
    edges = _edges(days, zone)
    sold = _sold(project, days, edges, by_store=by is UnitKind.STORE_ITEM)
    return _log(project_id, sold, edges, start=start, end=end)


def _whole_days(start: datetime, end: datetime, zone: ZoneInfo) -> list[date]:
    """Return the days of a zone that lie in [start, end) from midnight to midnight."""
    first, last = start.astimezone(zone), end.astimezone(zone)
    day = first.date() if _midnight(first.date(), zone) >= start else first.date() + timedelta(days=1)
    return [day + timedelta(days=n) for n in range(max(0, (last.date() - day).days))]


def _edges(days: Sequence[date], zone: ZoneInfo) -> Floats:
    """Return when each day begins and, last, when the last one ends, in seconds since 1970."""
    bounds = [*days, days[-1] + timedelta(days=1)]
    return np.array([_midnight(day, zone).timestamp() for day in bounds])


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=zone)


def _sold(project: ProjectFacts, days: Sequence[date], edges: Floats, *, by_store: bool) -> _Sold:
    parameters: dict[str, Any] = {
        "project": project.id,
        "currency": project.currency,
        "zone": project.time_zone,
        "start": datetime.fromtimestamp(edges[0], ZoneInfo("UTC")),
        "end": datetime.fromtimestamp(edges[-1], ZoneInfo("UTC")),
        "by_store": by_store,
        "number": NUMBER,
    }
    keys: dict[tuple[str, str], int] = {}
    parts: list[np.ndarray] = [np.zeros((0, 6))]
    with transaction.atomic(), connection.chunked_cursor() as cursor:
        cursor.execute(_SOLD, parameters)
        while rows := cursor.fetchmany(ROWS_AT_ONCE):
            parts.append(
                np.array(
                    [
                        (
                            keys.setdefault((item, store), len(keys)),
                            (day - days[0]).days,
                            *figures[:3],
                            _or_nan(figures[3]),
                        )
                        for item, store, day, *figures in rows
                    ],
                    dtype=np.float64,
                )
            )
    table = np.concatenate(parts)
    return _Sold(
        tuple(keys), table[:, 0].astype(np.int64), table[:, 1].astype(np.int64), *(table[:, n] for n in range(2, 6))
    )


def _log(project_id: int, sold: _Sold, edges: Floats, *, start: datetime, end: datetime) -> SalesLog:
    """Return the log of what was sold: from its first sale on, each series has a row for each day."""
    days, count = len(edges) - 1, len(sold.keys)
    items, stores = tuple(item for item, _ in sold.keys), tuple(store for _, store in sold.keys)
    first = np.full(count, days, np.int64)
    np.minimum.at(first, sold.series, sold.days)
    day, series = np.nonzero(np.arange(days)[:, None] >= first[None, :])
    sales = {name: _table(sold, name, days) for name in ("units", "orders", "largest")}
    paid = _table(sold, "paid", days, nothing=np.nan)[day, series]
    offered = offered_prices(project_id, items, edges)[day, series]
    return SalesLog(
        series=series.astype(np.int32),
        at=edges[day],
        units=sales["units"][day, series],
        price=np.where(np.isnan(offered), paid, offered),
        paid=paid,
        orders=sales["orders"][day, series],
        largest=sales["largest"][day, series],
        in_stock=in_stock_shares(project_id, sold.keys, edges)[day, series],
        series_ids=tuple(f"{store}|{item}" if store else item for item, store in sold.keys),
        items=items,
        stores=stores,
        clusters=_clusters(project_id, items, at=end),
        categories=_categories(project_id, items),
        costs=_costs(project_id, items, at=end),
        start=start,
        end=end,
    )


def _table(sold: _Sold, name: str, days: int, *, nothing: float = 0.0) -> Floats:
    """Return days x series."""
    table = np.full((days, len(sold.keys)), nothing)
    table[sold.days, sold.series] = getattr(sold, name)
    return table


def _clusters(project_id: int, items: Sequence[str], *, at: datetime) -> tuple[str, ...]:
    """Return the cluster of each item at a time, "" where it has none."""
    known = clusters_at(project_id, at)
    return tuple(known.get(item, "") for item in items)


def _costs(project_id: int, items: Sequence[str], *, at: datetime) -> Floats:
    """Return what each item costs the shop at a time, currency units, NaN where that is unknown."""
    known = costs_at(project_id, at)
    return np.array([known[item] / MICROS if item in known else np.nan for item in items], dtype=np.float64)


def _categories(project_id: int, items: Sequence[str]) -> tuple[str, ...]:
    rows = Item.objects.filter(project_id=project_id, collection=ITEMS)
    known = dict(rows.values_list("item_id", "category").iterator(ROWS_AT_ONCE))
    return tuple(known.get(item, "") for item in items)


def _or_nan(value: float | None) -> float:
    return np.nan if value is None else value


def _empty(start: datetime, end: datetime) -> SalesLog:
    nothing = np.zeros(0)
    return SalesLog(
        series=np.zeros(0, np.int32),
        at=nothing,
        units=nothing,
        price=nothing,
        paid=nothing,
        orders=nothing,
        largest=nothing,
        in_stock=nothing,
        series_ids=(),
        items=(),
        stores=(),
        clusters=(),
        categories=(),
        costs=nothing,
        start=start,
        end=end,
    )
