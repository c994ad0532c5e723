"""What can be shown: the shop's items, and the bytes that the edge loads by their SHA-256."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _


class Item(models.Model):
    """An item of the shop, or another action such as a creative, as it was last sent.

    `stock` is in pieces; empty where the shop does not count it. `properties` are the fields that the domain of its
    collection declares; numbers and texts, money as numbers of currency units.
    """

    project = models.ForeignKey("foundation.Project", models.PROTECT, related_name="+", verbose_name=_("project"))
    collection = models.CharField(_("collection"), max_length=32, default="items")
    properties = models.JSONField(_("properties"), default=dict, blank=True)
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
            models.UniqueConstraint(name="item_id", fields=["project", "collection", "item_id"]),
            models.CheckConstraint(
                name="item_stock_is_not_negative", condition=Q(stock__isnull=True) | Q(stock__gte=0)
            ),
            models.CheckConstraint(
                name="item_price_is_not_negative", condition=Q(price__isnull=True) | Q(price__gte=0)
            ),
        ]

    def __str__(self) -> str:
        return self.item_id


class PublishedCatalogue(models.Model):
    """The catalogue of a collection that bundles name now."""

    project = models.ForeignKey("foundation.Project", models.PROTECT, related_name="+", verbose_name=_("project"))
    collection = models.CharField(_("collection"), max_length=32, default="items")
    sha256 = models.CharField(max_length=64)
    size = models.PositiveIntegerField()
    items = models.PositiveIntegerField(_("items"))
    published_at = models.DateTimeField(_("published"))

    class Meta:
        verbose_name = _("published catalogue")
        verbose_name_plural = _("published catalogues")
        constraints = [models.UniqueConstraint(name="published_catalogue", fields=["project", "collection"])]

    def __str__(self) -> str:
        return f"{self.collection} {self.sha256[:12]}"


class CatalogueFreshness(models.Model):
    """When the shop last confirmed the data of a collection (project time): by sending them, or by a pull."""

    project = models.ForeignKey("foundation.Project", models.PROTECT, related_name="+", verbose_name=_("project"))
    collection = models.CharField(_("collection"), max_length=32, default="items")
    fresh_at = models.DateTimeField(_("confirmed"))

    class Meta:
        verbose_name = _("freshness of a catalogue")
        verbose_name_plural = _("freshness of catalogues")
        constraints = [models.UniqueConstraint(name="catalogue_freshness", fields=["project", "collection"])]

    def __str__(self) -> str:
        return f"{self.collection} {self.fresh_at}"


class CatalogueFeed(models.Model):
    """A CSV file at an address of the shop that is pulled again and again into a collection."""

    project = models.ForeignKey("foundation.Project", models.PROTECT, related_name="+", verbose_name=_("project"))
    collection = models.CharField(_("collection"), max_length=32, default="items")
    url = models.URLField(_("address"), max_length=1_000)
    every_minutes = models.PositiveIntegerField(_("every so many minutes"), default=60)
    is_enabled = models.BooleanField(_("enabled"), default=True)
    etag = models.CharField(max_length=500, default="", blank=True, editable=False)
    pulled_at = models.DateTimeField(_("last pulled"), null=True, editable=False)
    outcome = models.JSONField(_("what the last pull gave"), default=dict, blank=True, editable=False)

    class Meta:
        verbose_name = _("catalogue feed")
        verbose_name_plural = _("catalogue feeds")
        constraints = [
            models.UniqueConstraint(name="catalogue_feed", fields=["project", "collection"]),
            models.CheckConstraint(name="catalogue_feed_pace", condition=Q(every_minutes__gte=1)),
        ]

    def __str__(self) -> str:
        return f"{self.collection}: {self.url}"


class PublishedChunk(models.Model):
    """A piece of what the edge loads besides bundles: catalogues and artifacts, named by their SHA-256."""

    pk = models.CompositePrimaryKey("sha256", "position")
    sha256 = models.CharField(max_length=64)
    position = models.PositiveIntegerField()
    content = models.BinaryField()

    class Meta:
        verbose_name = _("published chunk")
        verbose_name_plural = _("published chunks")
