"""What the shop told of its supply: costs, suppliers and stock counts, as they hold at a project time."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from django.db.models import Q, QuerySet

from decisions.models import ItemCluster, ItemCost, StockCount, Supplier
from experiments.queries.order_lines import UnbookedLines, unbooked_lines


@dataclass(frozen=True, slots=True)
class SupplierFacts:
    """A supplier. lead_days, lead_sd: mean and standard deviation of the time from an order to the shelf, in days."""

    supplier_id: str
    name: str
    lead_days: float
    lead_sd: float


@dataclass(frozen=True, slots=True)
class CountFacts:
    """What a store had of an item when it was counted last, in pieces; None where the shop did not say."""

    store_id: str
    item_id: str
    on_hand: int
    on_order: int
    capacity: int | None
    reorder_point: int | None
    order_up_to: int | None
    counted_at: datetime


def costs_at(project_id: int, at: datetime, items: Sequence[str] | None = None) -> dict[str, int]:
    """Return what items cost at a project time, in millionths; of all items, or of these."""
    rows = ItemCost.objects.filter(_holds(at), project_id=project_id)
    return dict((rows if items is None else rows.filter(item_id__in=items)).values_list("item_id", "cost"))


def clusters_at(project_id: int, at: datetime) -> dict[str, str]:
    """Return the cluster of every item that is in one at a project time."""
    return dict(ItemCluster.objects.filter(_holds(at), project_id=project_id).values_list("item_id", "cluster"))


def suppliers_of(project_id: int) -> dict[str, SupplierFacts]:
    """Return the suppliers of a project by their ids."""
    rows = Supplier.objects.filter(project_id=project_id).order_by("supplier_id")
    names = ("supplier_id", "name", "lead_days", "lead_sd")
    return {row[0]: SupplierFacts(*row) for row in rows.values_list(*names)}


def latest_counts(project_id: int, *, at: datetime) -> list[CountFacts]:
    """Return the last count of every item in every store up to a project time, in the order of their ids."""
    return [CountFacts(*row) for row in _latest(project_id, at).values_list(*CountFacts.__dataclass_fields__)]


def unbooked(project_id: int, *, first: date) -> UnbookedLines | None:
    """Return the lines of orders since a day for which no contribution is booked; None in a project without costs."""
    if not ItemCost.objects.filter(project_id=project_id).exists():
        return None
    return unbooked_lines(project_id, first=first)


def _latest(project_id: int, at: datetime) -> QuerySet[StockCount]:
    rows = StockCount.objects.filter(project_id=project_id, counted_at__lte=at)
    return rows.order_by("store_id", "item_id", "-counted_at").distinct("store_id", "item_id")


def _holds(at: datetime) -> Q:
    return Q(valid_from__lte=at) & (Q(valid_until__isnull=True) | Q(valid_until__gt=at))
