"""What the shop told of its supply: costs, clusters and suppliers, as they hold at a project time."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from django.db.models import Q

from decisions.models import ItemCluster, ItemCost, Supplier
from experiments.queries.order_lines import UnbookedLines, unbooked_lines


@dataclass(frozen=True, slots=True)
class SupplierFacts:
    """A supplier. lead_days, lead_sd: mean and standard deviation of the time from an order to the shelf, in days."""

    supplier_id: str
    name: str
    lead_days: float
    lead_sd: float


def not_over(at: datetime) -> Q:
    """Return what finds rows that hold beyond a project time, also those that have not begun by then."""
    return Q(valid_until__isnull=True) | Q(valid_until__gt=at)


def holds_at(at: datetime) -> Q:
    """Return what finds the rows of costs, clusters or price offers that hold at a project time."""
    return Q(valid_from__lte=at) & not_over(at)


def costs_at(project_id: int, at: datetime, items: Sequence[str] | None = None) -> dict[str, int]:
    """Return what items cost at a project time, in millionths; of all items, or of these."""
    rows = ItemCost.objects.filter(holds_at(at), project_id=project_id)
    return dict((rows if items is None else rows.filter(item_id__in=items)).values_list("item_id", "cost"))


def clusters_at(project_id: int, at: datetime) -> dict[str, str]:
    """Return the cluster of every item that is in one at a project time."""
    return dict(ItemCluster.objects.filter(holds_at(at), project_id=project_id).values_list("item_id", "cluster"))


def suppliers_of(project_id: int) -> dict[str, SupplierFacts]:
    """Return the suppliers of a project by their ids."""
    rows = Supplier.objects.filter(project_id=project_id).order_by("supplier_id")
    names = ("supplier_id", "name", "lead_days", "lead_sd")
    return {row[0]: SupplierFacts(*row) for row in rows.values_list(*names)}


def unbooked(project_id: int, *, first: date) -> UnbookedLines | None:
    """Return the lines of orders since a day for which no contribution is booked; None in a project without costs."""
    if not ItemCost.objects.filter(project_id=project_id).exists():
        return None
    return unbooked_lines(project_id, first=first)
