"""Costs, suppliers, stock counts and clusters: read only, as the shop sent them or as they were derived."""

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from decisions.models import ItemCluster, ItemCost, StockCount, Supplier
from experiments.reports import figures
from experiments.reports.figures import Shape
from foundation.admin_base import ReadOnlyAdmin
from foundation.money import MICROS


class _SupplyAdmin(ReadOnlyAdmin):
    """A table of the supply, the newest rows first."""

    list_filter = ["project"]
    list_select_related = ["project"]
    ordering = ["-id"]
    show_full_result_count = False


@admin.register(ItemCost)
class ItemCostAdmin(_SupplyAdmin):
    """What items cost the shop; PUT /v1/costs and feeds add rows."""

    list_display = ["item_id", "cost_shown", "valid_from", "valid_until", "project"]
    search_fields = ["item_id"]
    fields = ["project", "item_id", "cost_shown", "valid_from", "valid_until"]
    readonly_fields = ["cost_shown"]

    @admin.display(description=_("cost"), ordering="cost")
    def cost_shown(self, row: ItemCost) -> str:
        """Return the cost in the currency of the shop."""
        return figures.total(row.cost / MICROS, Shape.MONEY, row.project.currency)


@admin.register(Supplier)
class SupplierAdmin(_SupplyAdmin):
    """Who delivers; PUT /v1/suppliers and feeds change them."""

    list_display = ["supplier_id", "name", "lead_days", "lead_sd", "project", "updated_at"]
    search_fields = ["supplier_id", "name"]


@admin.register(StockCount)
class StockCountAdmin(_SupplyAdmin):
    """What stores had of items; PUT /v1/stock and feeds add rows."""

    list_display = ["store_id", "item_id", "on_hand", "on_order", "capacity", "counted_at", "project"]
    search_fields = ["store_id", "item_id"]


@admin.register(ItemCluster)
class ItemClusterAdmin(_SupplyAdmin):
    """Which items replace each other; sent with the items, or derived by `bin/manage derive_clusters`."""

    list_display = ["item_id", "cluster", "origin", "valid_from", "valid_until", "project"]
    list_filter = ["project", "origin"]
    search_fields = ["item_id", "cluster"]
