"""What a batch domain knows of its subjects now: how many there are, and for which of them something is missing."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from decisions.domain import ITEMS, Domain
from decisions.models import DecisionPoint, Item, ItemCluster, ItemCost, StockCount, Supplier
from experiments.vocabulary import UnitKind

_CLUSTER: Final = "cluster"
_SUPPLIER: Final = "supplier"


@dataclass(frozen=True, slots=True)
class BatchDesign:
    """A point that decides in batches, and the items of its subjects, by the newest that the shop has told.

    every_minutes: None while it makes no batches. settings: what was set at the point. longest_lead: days that the
    slowest supplier of these items takes on average, None where no supplier is known.
    """

    every_minutes: int | None
    settings: Mapping[str, Any]
    items: int
    without_cluster: tuple[str, ...]
    without_cost: tuple[str, ...]
    longest_lead: float | None


def batch_design(point_id: int, domain: Domain) -> BatchDesign:
    """Return what a batch point knows of its subjects. Raises DecisionPoint.DoesNotExist."""
    point = DecisionPoint.objects.get(pk=point_id)
    told = _items(point.project_id, domain)
    clusters, costs = (_current(table, point.project_id) for table in (ItemCluster, ItemCost))
    suppliers = {said.get(_SUPPLIER) for said in told.values()}
    leads = Supplier.objects.filter(project_id=point.project_id).values_list("supplier_id", "lead_days")
    return BatchDesign(
        every_minutes=point.every_minutes,
        settings=point.settings,
        items=len(told),
        without_cluster=tuple(item for item, said in told.items() if item not in clusters and not said.get(_CLUSTER)),
        without_cost=tuple(item for item in told if item not in costs),
        longest_lead=max((days for supplier, days in leads if supplier in suppliers), default=None),
    )


def _items(project_id: int, domain: Domain) -> dict[str, Mapping[str, Any]]:
    """Return the properties of the items that the domain decides about, by id: those with a price, or those counted."""
    rows = Item.objects.filter(project_id=project_id, collection=ITEMS).order_by("item_id")
    if domain.subject_kind is not UnitKind.STORE_ITEM:
        return dict(rows.filter(price__isnull=False).values_list("item_id", "properties"))
    told = dict(rows.values_list("item_id", "properties"))
    counted = StockCount.objects.filter(project_id=project_id).order_by("item_id").values_list("item_id", flat=True)
    return {item: told.get(item, {}) for item in counted.distinct()}


def _current(table: type[ItemCluster | ItemCost], project_id: int) -> set[str]:
    rows = table.objects.filter(project_id=project_id, valid_until__isnull=True)
    return set(rows.values_list("item_id", flat=True))
