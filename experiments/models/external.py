"""Experiments that were recorded elsewhere: their units or their totals, as imported."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from experiments.models.design import Experiment, Variant


class RecordedImport(models.Model):
    """Where a recorded experiment came from, and what became of each of its rows."""

    experiment = models.OneToOneField(Experiment, models.CASCADE, related_name="recorded_import")
    manifest = models.JSONField(_("manifest"))
    fingerprint = models.CharField(_("fingerprint of manifest and data"), max_length=64)
    counts = models.JSONField(_("row counts"), help_text=_("Rows read, kept, dropped by reason, quarantined."))
    columns = models.JSONField(_("columns"), help_text=_("Order of totals and covariates in the unit table."))
    imported_at = models.DateTimeField(_("imported"), db_default=Now())

    class Meta:
        verbose_name = _("recorded import")
        verbose_name_plural = _("recorded imports")

    def __str__(self) -> str:
        return self.fingerprint[:12]


class ExternalUnit(models.Model):
    """A unit of a recorded experiment with its totals; its assignment is taken as recorded, never drawn again.

    The database does not check each row's keys, which made writing four times as slow: only an import writes here,
    and variants of an experiment that was launched cannot be deleted.
    """

    pk = models.CompositePrimaryKey("experiment", "unit")
    experiment = models.ForeignKey(Experiment, models.CASCADE, related_name="+", db_constraint=False, db_index=False)
    unit = models.TextField()
    variant = models.ForeignKey(Variant, models.CASCADE, related_name="+", db_constraint=False, db_index=False)
    shown_variant = models.ForeignKey(
        Variant, models.CASCADE, null=True, related_name="+", db_constraint=False, db_index=False
    )
    occurred_at = models.DateTimeField(null=True)
    cluster = models.TextField(null=True)
    dimensions = models.JSONField(null=True)
    totals = ArrayField(models.BigIntegerField(null=True))
    covariates = ArrayField(models.BigIntegerField(null=True))

    class Meta:
        verbose_name = _("external unit")
        verbose_name_plural = _("external units")


class ExternalAggregate(models.Model):
    """Stored moments of a variant, for experiments of which only totals were recorded."""

    experiment = models.ForeignKey(Experiment, models.CASCADE, related_name="aggregates")
    variant = models.ForeignKey(Variant, models.CASCADE, related_name="+")
    metric_key = models.CharField(max_length=64)
    stratum = models.CharField(max_length=100, default="", blank=True)
    checkpoint = models.CharField(max_length=100, default="", blank=True)
    units = models.BigIntegerField()
    moments = models.JSONField(help_text=_("Exact power sums as text: names, sums, products."))

    class Meta:
        verbose_name = _("external aggregate")
        verbose_name_plural = _("external aggregates")
        constraints = [
            models.UniqueConstraint(
                name="external_aggregate",
                fields=["experiment", "variant", "metric_key", "stratum", "checkpoint"],
            )
        ]

    def __str__(self) -> str:
        return f"{self.variant} {self.metric_key}"
