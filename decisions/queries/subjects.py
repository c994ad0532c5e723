"""The subjects of a batch domain as a catalogue: items with a price, or items in stores that were counted."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from django.db.models import Min

from decisions.domain import ITEMS, Domain, FieldKind
from decisions.models import Item, PriceOffer
from decisions.moment import Catalogue, Column
from decisions.queries.freshness import fresh_at
from decisions.queries.placed_orders import pieces_placed
from decisions.queries.prices import own_prices
from decisions.queries.stock_counts import CountColumns, latest_count_columns
from decisions.queries.supply import clusters_at, costs_at, holds_at, not_over, suppliers_of
from decisions.strike_through import LOOK_BACK
from experiments.assignment.unit_ids import store_item_id
from experiments.queries.sold import pieces_sold, pieces_sold_by_store
from experiments.vocabulary import UnitKind
from foundation.money import MICROS

SALES_DAYS: Final = 28
CLUSTER: Final = "cluster"

Floats = npt.NDArray[np.float64]
_Text = tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class _Items:
    """The shop's items in the order of their ids, in columns: NaN and "" where unknown."""

    ids: _Text
    places: Mapping[str, int]
    texts: Mapping[str, _Text]
    numbers: Mapping[str, Floats]


def subjects_of(project_id: int, domain: Domain, *, at: datetime) -> Catalogue:
    """Return what a batch domain decides for at a project time, in the order of the ids.

    Subjects of domains by item are the items with a price; those of domains by item in a store are the pairs that were
    counted. Columns: item, store, cluster, category (texts, "" unknown), price, cost (currency units), daily_sales
    (pieces a day over the last 28 days) and every field that the domain declares on items; by item moreover changed_at
    (seconds since 1970), reference (lowest price of the last 30 days) and own_price (what the shop itself set last); by
    item in a store on_hand, on_order (with what batches have ordered since the count), counted_at (seconds), capacity,
    reorder_point, order_up_to, lead_days and lead_sd. Numbers are float64, NaN where unknown. `fresh_at` is when the
    shop last confirmed its items where subjects are items, None else: counts have times of their own.
    """
    items = _items(project_id, domain, at)
    if domain.subject_kind is UnitKind.STORE_ITEM:
        return _store_items(project_id, domain, items, at)
    return _priced_items(project_id, items, at)


def _priced_items(project_id: int, items: _Items, at: datetime) -> Catalogue:
    priced = np.flatnonzero(np.isfinite(items.numbers["price"]))
    sold = pieces_sold(project_id, start=at - timedelta(days=SALES_DAYS), end=at)
    ids = _taken(items.ids, priced)
    columns: dict[str, Column] = {
        "item": ids,
        "store": ("",) * len(ids),
        **_at_items(items, priced),
        "daily_sales": np.array([sold.get(item, 0.0) for item in ids], np.float64) / SALES_DAYS,
        "own_price": _numbers(ids, own_prices(project_id, at=at), unit=MICROS),
        "changed_at": _numbers(ids, _changes(project_id, at)),
        "reference": _numbers(ids, _lowest(project_id, at)),
    }
    confirmed = fresh_at(project_id, ITEMS)
    return _catalogue(ids, columns, None if confirmed is None else confirmed.timestamp())


def _store_items(project_id: int, domain: Domain, items: _Items, at: datetime) -> Catalogue:
    counts = latest_count_columns(project_id, at=at)
    pairs = list(zip(counts.stores, counts.items, strict=True))
    subjects = tuple(store_item_id(store, item) for store, item in pairs)
    placed = pieces_placed(project_id, domain.key, subjects=subjects, counted_at=counts.counted_at, at=at)
    sold = pieces_sold_by_store(project_id, start=at - timedelta(days=SALES_DAYS), end=at)
    places = np.array([items.places.get(item, -1) for item in counts.items], np.int64)
    columns: dict[str, Column] = {
        "item": counts.items,
        "store": counts.stores,
        **_at_items(items, places),
        "daily_sales": np.array([sold.get(pair, 0.0) for pair in pairs], np.float64) / SALES_DAYS,
        **_counted(counts, placed),
        **_lead_times(project_id, items, places),
    }
    return _catalogue(subjects, columns, None)


def _items(project_id: int, domain: Domain, at: datetime) -> _Items:
    """Return the shop's items with the fields that the domain declares on them."""
    rows = list(
        Item.objects.filter(project_id=project_id, collection=ITEMS)
        .order_by("item_id")
        .values_list("item_id", "category", "price", "properties")
    )
    ids = tuple(row[0] for row in rows)
    clusters = clusters_at(project_id, at)
    offers = _offered(project_id, at, "price")
    said: Sequence[Mapping[str, Any]] = [row[3] for row in rows]
    fields = domain.fields if domain.collection == ITEMS else {}
    texts = {name: _said_texts(said, name) for name, field in fields.items() if field.kind is FieldKind.TEXT}
    numbers = {name: _said_numbers(said, name) for name, field in fields.items() if field.kind is not FieldKind.TEXT}
    given = texts.get(CLUSTER, ("",) * len(ids))
    texts[CLUSTER] = tuple(clusters.get(item) or own for item, own in zip(ids, given, strict=True))
    texts["category"] = tuple(row[1] for row in rows)
    numbers["price"] = _money([offers.get(row[0], row[2]) for row in rows])
    numbers["cost"] = _numbers(ids, costs_at(project_id, at), unit=MICROS)
    return _Items(ids, {item: place for place, item in enumerate(ids)}, texts, numbers)


def _at_items(items: _Items, places: npt.NDArray[np.int64]) -> dict[str, Column]:
    """Return the columns of items at these places; -1 stands for an item that the shop has not told of."""
    columns: dict[str, Column] = {name: _taken(column, places) for name, column in items.texts.items()}
    for name, column in items.numbers.items():
        columns[name] = np.append(column, np.nan)[places]
    return columns


def _counted(counts: CountColumns, placed: Floats) -> dict[str, Column]:
    return {
        "on_hand": counts.on_hand,
        "on_order": counts.on_order + placed,
        "counted_at": counts.counted_at,
        "capacity": counts.capacity,
        "reorder_point": counts.reorder_point,
        "order_up_to": counts.order_up_to,
    }


def _lead_times(project_id: int, items: _Items, places: npt.NDArray[np.int64]) -> dict[str, Column]:
    """Return mean and spread of the lead time of each subject's supplier, days."""
    known = {supplier: (facts.lead_days, facts.lead_sd) for supplier, facts in suppliers_of(project_id).items()}
    suppliers = items.texts.get("supplier", ("",) * len(items.ids))
    unknown = (np.nan, np.nan)
    of_items = np.array([*(known.get(supplier, unknown) for supplier in suppliers), unknown], np.float64)
    found = of_items[places]
    return {"lead_days": found[:, 0].copy(), "lead_sd": found[:, 1].copy()}


def _offered(project_id: int, at: datetime, value: str) -> dict[str, Any]:
    """Return a column of each item's offer that holds at a time."""
    return dict(PriceOffer.objects.filter(holds_at(at), project_id=project_id).values_list("item_id", value))


def _changes(project_id: int, at: datetime) -> dict[str, float]:
    """Return when each item's present price took the place of another, seconds since 1970."""
    first = PriceOffer.objects.filter(project_id=project_id).values_list("item_id").annotate(first=Min("valid_from"))
    begun = dict(first)
    changes = _offered(project_id, at, "valid_from")
    return {item: since.timestamp() for item, since in changes.items() if since != begun[item]}


def _lowest(project_id: int, at: datetime) -> dict[str, float]:
    """Return the lowest price at which each item was offered in the last 30 days, currency units."""
    rows = PriceOffer.objects.filter(not_over(at - LOOK_BACK), project_id=project_id, valid_from__lte=at)
    return {item: low / MICROS for item, low in rows.values_list("item_id").annotate(low=Min("price"))}


def _numbers(ids: Sequence[str], found: Mapping[str, float], *, unit: float = 1.0) -> Floats:
    return np.array([found.get(item, np.nan) for item in ids], np.float64) / unit


def _money(micros: Sequence[int | None]) -> Floats:
    return np.array([np.nan if amount is None else amount for amount in micros], np.float64) / MICROS


def _said_texts(said: Sequence[Mapping[str, Any]], name: str) -> _Text:
    return tuple(_of_kind(entry.get(name), str, "") for entry in said)


def _said_numbers(said: Sequence[Mapping[str, Any]], name: str) -> Floats:
    return np.array([_of_kind(entry.get(name), float, np.nan) for entry in said], np.float64)


def _of_kind(value: Any, kind: Callable[[Any], Any], unknown: Any) -> Any:
    return unknown if value is None else kind(value)


def _taken(column: _Text, places: npt.NDArray[np.int64]) -> _Text:
    longer = (*column, "")
    return tuple(map(longer.__getitem__, places.tolist()))


def _catalogue(ids: _Text, columns: Mapping[str, Column], confirmed: float | None) -> Catalogue:
    return Catalogue(
        items=ids,
        places=MappingProxyType({subject: place for place, subject in enumerate(ids)}),
        in_stock=np.ones(len(ids), np.bool_),
        baseline=np.zeros(len(ids), np.float32),
        fields=MappingProxyType(dict(columns)),
        fresh_at=confirmed,
    )
