"""Items, and actions of other collections: read only, as the shop sent them."""

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from decisions.models import Item
from experiments.reports import figures
from experiments.reports.figures import Shape
from foundation.admin_base import ReadOnlyAdmin
from foundation.money import MICROS


@admin.register(Item)
class ItemAdmin(ReadOnlyAdmin):
    """What can be shown; PUT /v1/<collection> and feeds change it."""

    list_display = ["item_id", "title", "category", "price_shown", "stock", "collection", "project", "updated_at"]
    list_filter = ["project", "collection"]
    list_select_related = ["project"]
    search_fields = ["item_id", "title"]
    ordering = ["-id"]
    show_full_result_count = False
    fields = [
        "project",
        "collection",
        "item_id",
        "title",
        "category",
        "price_shown",
        "rating",
        "stock",
        "properties",
        "updated_at",
    ]
    readonly_fields = ["price_shown"]

    @admin.display(description=_("price"), ordering="price")
    def price_shown(self, item: Item) -> str:
        """Return the price in the currency of the shop."""
        return "–" if item.price is None else figures.total(item.price / MICROS, Shape.MONEY, item.project.currency)
