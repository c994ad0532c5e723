"""What can be shown: the shop's items, and the bytes that the edge loads by their SHA-256."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _


class Item(models.Model):
    """An item of the shop as it was last sent. `stock` is in pieces; empty where the shop does not count it."""

    project = models.ForeignKey("foundation.Project", models.PROTECT, related_name="+", verbose_name=_("project"))
    item_id = models.CharField(_("item"), max_length=200)
    title = models.CharField(_("title"), max_length=500, default="", blank=True)
    category = models.CharField(_("category"), max_length=200, default="", blank=True)
    price = models.BigIntegerField(_("price"), null=True, help_text=_("In millionths of the currency."))
    rating = models.FloatField(_("rating"), null=True, help_text=_("Mean stars, 0 to 5."))
    stock = models.IntegerField(_("stock"), null=True)
    updated_at = models.DateTimeField(_("updated"), db_default=Now())

    class Meta:
        verbose_name = _("item")
        verbose_name_plural = _("items")
        constraints = [
            models.UniqueConstraint(name="item_id", fields=["project", "item_id"]),
            models.CheckConstraint(
                name="item_stock_is_not_negative", condition=Q(stock__isnull=True) | Q(stock__gte=0)
            ),
            models.CheckConstraint(
                name="item_price_is_not_negative", condition=Q(price__isnull=True) | Q(price__gte=0)
            ),
        ]

    def __str__(self) -> str:
        return self.item_id


class CatalogueState(models.Model):
    """The catalogue that bundles name now."""

    project = models.OneToOneField("foundation.Project", models.PROTECT, primary_key=True, related_name="+")
    sha256 = models.CharField(max_length=64)
    size = models.PositiveIntegerField()
    items = models.PositiveIntegerField(_("items"))
    published_at = models.DateTimeField(_("published"))

    class Meta:
        verbose_name = _("published catalogue")
        verbose_name_plural = _("published catalogues")

    def __str__(self) -> str:
        return self.sha256[:12]


class PublishedChunk(models.Model):
    """A piece of what the edge loads besides bundles: catalogues and artifacts, named by their SHA-256."""

    pk = models.CompositePrimaryKey("sha256", "position")
    sha256 = models.CharField(max_length=64)
    position = models.PositiveIntegerField()
    content = models.BinaryField()

    class Meta:
        verbose_name = _("published chunk")
        verbose_name_plural = _("published chunks")
