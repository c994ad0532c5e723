"""Batches of decisions and the price ledger: read only, as they were made."""

from django.contrib import admin
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from decisions.admin.links import link_to
from decisions.models import DecisionBatch, PriceOffer
from decisions.reports.addresses import batch_url
from experiments.reports import figures
from experiments.reports.figures import Shape
from foundation.admin_base import ReadOnlyAdmin
from foundation.money import MICROS
from foundation.queries import project_facts


@admin.register(DecisionBatch)
class DecisionBatchAdmin(ReadOnlyAdmin):
    """What was decided for all subjects of a decision point at one time; its page has the decisions."""

    list_display = ["due_at", "point", "state", "decisions", "degraded", "delivered_at", "fault", "page"]
    list_filter = ["point__project", "point", "state"]
    list_select_related = ["point"]
    ordering = ["-id"]
    show_full_result_count = False
    fields = [
        "point",
        "due_at",
        "made_at",
        "takes_effect_at",
        "state",
        "decisions",
        "degraded",
        "delivered_at",
        "attempts",
        "fault",
        "bundle_version",
        "sha256",
        "page",
    ]
    readonly_fields = ["page"]

    @admin.display(description=gettext_lazy("page"))
    def page(self, batch: DecisionBatch) -> SafeString:
        """Return a link to the page of the batch."""
        address = batch_url(batch.pk, batch.point.key, project_facts(batch.point.project_id))
        return link_to(address, _("Decisions"))


@admin.register(PriceOffer)
class PriceOfferAdmin(ReadOnlyAdmin):
    """For how much each item was offered to everybody, from when until when, and who said so."""

    list_display = ["item_id", "price_shown", "valid_from", "valid_until", "origin", "project"]
    list_filter = ["project"]
    list_select_related = ["project", "batch__point"]
    search_fields = ["item_id"]
    ordering = ["-id"]
    show_full_result_count = False
    fields = ["project", "item_id", "price_shown", "valid_from", "valid_until", "origin"]
    readonly_fields = ["price_shown", "origin"]

    @admin.display(description=gettext_lazy("price"), ordering="price")
    def price_shown(self, offer: PriceOffer) -> str:
        """Return the price in the currency of the shop."""
        return figures.total(offer.price / MICROS, Shape.MONEY, offer.project.currency)

    @admin.display(description=gettext_lazy("said by"))
    def origin(self, offer: PriceOffer) -> str | SafeString:
        """Return a link to the batch that decided the price; the shop itself where none did."""
        batch = offer.batch
        if batch is None:
            return _("the shop")
        address = batch_url(batch.pk, batch.point.key, project_facts(offer.project_id))
        return link_to(address, str(batch))
