"""What the shop tells of its items besides the catalogue: costs, suppliers, stock in stores, substitution clusters."""

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

_HOLDS = Q(valid_until__isnull=True) | Q(valid_until__gt=F("valid_from"))


class ItemCost(models.Model):
    """What an item costs the shop, from a project time until the next cost; rows are closed and never changed else."""

    project = models.ForeignKey(
        "foundation.Project", models.PROTECT, related_name="+", db_index=False, verbose_name=_("project")
    )
    item_id = models.CharField(_("item"), max_length=200)
    cost = models.BigIntegerField(_("cost"), help_text=_("In millionths of the currency."))
    valid_from = models.DateTimeField(_("from"))
    valid_until = models.DateTimeField(_("until"), null=True)

    class Meta:
        verbose_name = _("cost of an item")
        verbose_name_plural = _("costs of items")
        constraints = [
            models.UniqueConstraint(name="item_cost_from", fields=["project", "item_id", "valid_from"]),
            models.UniqueConstraint(
                name="item_cost_now", fields=["project", "item_id"], condition=Q(valid_until__isnull=True)
            ),
            models.CheckConstraint(name="item_cost_is_not_negative", condition=Q(cost__gte=0)),
            models.CheckConstraint(name="item_cost_holds_for_a_while", condition=_HOLDS),
        ]

    def __str__(self) -> str:
        return self.item_id


class Supplier(models.Model):
    """Who delivers, and how long that takes: days from an order until the goods can be sold."""

    project = models.ForeignKey(
        "foundation.Project", models.PROTECT, related_name="+", db_index=False, verbose_name=_("project")
    )
    supplier_id = models.CharField(_("supplier"), max_length=200)
    name = models.CharField(_("name"), max_length=500, default="", blank=True)
    lead_days = models.FloatField(_("mean lead time"), help_text=_("Days."))
    lead_sd = models.FloatField(_("spread of the lead time"), default=0.0, help_text=_("Standard deviation, days."))
    updated_at = models.DateTimeField(_("updated"), db_default=Now())

    class Meta:
        verbose_name = _("supplier")
        verbose_name_plural = _("suppliers")
        constraints = [
            models.UniqueConstraint(name="supplier_id", fields=["project", "supplier_id"]),
            models.CheckConstraint(name="supplier_lead_time", condition=Q(lead_days__gte=0, lead_sd__gte=0)),
        ]

    def __str__(self) -> str:
        return self.name or self.supplier_id


class StockCount(models.Model):
    """What a store had of an item at a project time; rows are added and never changed.

    capacity: the most pieces that there is room for. reorder_point, order_up_to: the shop's own rule, where it has one.
    """

    project = models.ForeignKey(
        "foundation.Project", models.PROTECT, related_name="+", db_index=False, verbose_name=_("project")
    )
    store_id = models.CharField(_("store"), max_length=200)
    item_id = models.CharField(_("item"), max_length=200)
    on_hand = models.IntegerField(_("on hand"))
    on_order = models.IntegerField(_("on order"), default=0)
    capacity = models.IntegerField(_("room for"), null=True)
    reorder_point = models.IntegerField(_("reorder point"), null=True)
    order_up_to = models.IntegerField(_("order up to"), null=True)
    counted_at = models.DateTimeField(_("counted"))
    received_at = models.DateTimeField(_("received"), db_default=Now())

    class Meta:
        verbose_name = _("stock count")
        verbose_name_plural = _("stock counts")
        constraints = [
            models.UniqueConstraint(name="stock_count_at", fields=["project", "store_id", "item_id", "counted_at"]),
            models.CheckConstraint(name="stock_count_is_not_negative", condition=Q(on_hand__gte=0, on_order__gte=0)),
        ]

    def __str__(self) -> str:
        return f"{self.store_id}|{self.item_id}"


class ItemCluster(models.Model):
    """To which items one is a substitute, from a project time on: outcomes of a line belong to the cluster of then."""

    class Origin(models.TextChoices):
        GIVEN = "GIVEN", _("Given by the shop")
        DERIVED = "DERIVED", _("Derived from orders and prices")

    project = models.ForeignKey(
        "foundation.Project", models.PROTECT, related_name="+", db_index=False, verbose_name=_("project")
    )
    item_id = models.CharField(_("item"), max_length=200)
    cluster = models.CharField(_("cluster"), max_length=200)
    origin = models.CharField(_("origin"), max_length=7, choices=Origin)
    valid_from = models.DateTimeField(_("from"))
    valid_until = models.DateTimeField(_("until"), null=True)

    class Meta:
        verbose_name = _("cluster of an item")
        verbose_name_plural = _("clusters of items")
        constraints = [
            models.UniqueConstraint(name="item_cluster_from", fields=["project", "item_id", "valid_from"]),
            models.UniqueConstraint(
                name="item_cluster_now", fields=["project", "item_id"], condition=Q(valid_until__isnull=True)
            ),
            models.CheckConstraint(name="item_cluster_holds_for_a_while", condition=_HOLDS),
        ]

    def __str__(self) -> str:
        return f"{self.item_id}: {self.cluster}"


class PriceOffer(models.Model):
    """The price ledger: for how much an item was offered to everybody, from a project time until the next price.

    batch: the batch that decided it; none where the shop set it itself.
    """

    project = models.ForeignKey(
        "foundation.Project", models.PROTECT, related_name="+", db_index=False, verbose_name=_("project")
    )
    item_id = models.CharField(_("item"), max_length=200)
    price = models.BigIntegerField(_("price"), help_text=_("In millionths of the currency."))
    valid_from = models.DateTimeField(_("from"))
    valid_until = models.DateTimeField(_("until"), null=True)
    batch = models.ForeignKey(
        "decisions.DecisionBatch", models.PROTECT, null=True, related_name="+", verbose_name=_("batch")
    )

    class Meta:
        verbose_name = _("price offer")
        verbose_name_plural = _("price ledger")
        constraints = [
            models.UniqueConstraint(name="price_offer_from", fields=["project", "item_id", "valid_from"]),
            models.UniqueConstraint(
                name="price_offer_now", fields=["project", "item_id"], condition=Q(valid_until__isnull=True)
            ),
            models.CheckConstraint(name="price_offer_is_not_negative", condition=Q(price__gte=0)),
            models.CheckConstraint(name="price_offer_holds_for_a_while", condition=_HOLDS),
        ]
        indexes = [models.Index(name="price_offer_until", fields=["project", "valid_until"])]

    def __str__(self) -> str:
        return self.item_id
