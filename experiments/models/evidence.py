"""What units met and what they did; written in sets by the projector, never by hand."""

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from experiments.models.design import Experiment, Variant


class FirstExposure(models.Model):
    """The earliest known moment at which a unit met a variant.

    A row is added when an exposure arrives that is earlier than every one that arrived before it, and is never
    changed, so the state at any past receipt time can be read back and a rebuild from the log gives equal rows.
    A unit with rows of several variants has crossed over. `attributes` are the plain ones that came with the exposure,
    as text: what was known when the unit met the variant, and nothing later; null where none came.
    """

    pk = models.CompositePrimaryKey("experiment", "unit", "variant", "received_at")
    experiment = models.ForeignKey(Experiment, models.PROTECT, related_name="+", db_index=False)
    unit = models.TextField()
    variant = models.ForeignKey(Variant, models.PROTECT, related_name="+")
    epoch = models.PositiveIntegerField()
    probability = models.FloatField()
    layer_slot = models.IntegerField(null=True)
    coverage_slot = models.IntegerField(null=True)
    variant_slot = models.IntegerField(null=True)
    exposed_at = models.DateTimeField()
    received_at = models.DateTimeField()
    message_id = models.TextField()
    verification = models.CharField(max_length=10)
    attributes = models.JSONField(null=True)

    class Meta:
        verbose_name = _("first exposure")
        verbose_name_plural = _("first exposures")
        indexes = [models.Index(name="exposure_received", fields=["experiment", "received_at"])]


class FilteredUnit(models.Model):
    """A unit on the list of a filter, by its stored id; rows are added and never changed.

    `received_at` is project time, which exposures have too: a unit counts as listed from then on, never before.
    """

    project = models.ForeignKey("foundation.Project", models.PROTECT, related_name="+", verbose_name=_("project"))
    filter_key = models.CharField(_("filter"), max_length=64)
    unit = models.TextField(_("unit"))
    received_at = models.DateTimeField(_("received"))

    class Meta:
        verbose_name = _("unit on a filter's list")
        verbose_name_plural = _("units on filters' lists")
        constraints = [
            models.UniqueConstraint(name="filtered_unit_once", fields=["project", "filter_key", "unit"]),
        ]

    def __str__(self) -> str:
        return f"{self.filter_key} {self.unit}"


class Outcome(models.Model):
    """One thing that happened to a unit: an event, or a line of an order. Partitioned by day."""

    pk = models.CompositePrimaryKey("project_id", "day", "message_id", "line")
    project_id = models.BigIntegerField()
    day = models.DateField()
    message_id = models.TextField()
    line = models.IntegerField()
    event = models.TextField()
    occurred_at = models.DateTimeField()
    received_at = models.DateTimeField()
    visitor = models.TextField(null=True)
    customer = models.TextField(null=True)
    session = models.TextField(null=True)
    item = models.TextField(null=True)
    store = models.TextField(null=True)
    cluster = models.TextField(null=True)
    value = models.BigIntegerField(null=True)
    quantity = models.BigIntegerField(null=True)
    order_id = models.TextField(null=True)

    class Meta:
        managed = False
        db_table = "experiments_outcome"


class Quarantine(models.Model):
    """Input that was understood but cannot count, with the reason and a copy to replay."""

    class Origin(models.TextChoices):
        EVENT = "EVENT", _("Event")
        IMPORT = "IMPORT", _("Import")

    project = models.ForeignKey("foundation.Project", models.PROTECT, related_name="+", verbose_name=_("project"))
    experiment = models.ForeignKey(
        Experiment, models.CASCADE, null=True, related_name="quarantine", verbose_name=_("experiment")
    )
    origin = models.CharField(_("origin"), max_length=6, choices=Origin)
    reference = models.TextField(_("reference"))
    reason = models.CharField(_("reason"), max_length=40)
    detail = models.TextField(_("detail"), default="", blank=True)
    payload = models.JSONField(_("payload"), default=dict)
    received_at = models.DateTimeField(_("received"), db_default=Now())

    class Meta:
        verbose_name = _("quarantined input")
        verbose_name_plural = _("quarantine")
        constraints = [
            models.UniqueConstraint(
                name="quarantine_once",
                fields=["project", "origin", "experiment", "reference", "reason"],
                nulls_distinct=False,
            )
        ]
        indexes = [models.Index(name="quarantine_reason", fields=["project", "reason"])]

    def __str__(self) -> str:
        return f"{self.reason} {self.reference}"
