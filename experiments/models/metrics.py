"""Metrics: versioned definitions that an experiment pins."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from foundation.fields import validate_key


class Metric(models.Model):
    """One version of a metric; a trigger refuses to change it, an edit makes the next version."""

    class Kind(models.TextChoices):
        CONVERSION = "CONVERSION", _("Conversion (share of units with the event)")
        COUNT = "COUNT", _("Count (events per unit)")
        SUM = "SUM", _("Sum (value per unit)")
        RATIO = "RATIO", _("Ratio (of two totals)")

    class What(models.TextChoices):
        ANY = "ANY", _("At least one event")
        COUNT = "COUNT", _("Number of events")
        SUM_VALUE = "SUM_VALUE", _("Sum of value")
        SUM_QUANTITY = "SUM_QUANTITY", _("Sum of quantity")

    class Direction(models.TextChoices):
        INCREASE = "INCREASE", _("Higher is better")
        DECREASE = "DECREASE", _("Lower is better")

    project = models.ForeignKey("foundation.Project", models.PROTECT, related_name="+", verbose_name=_("project"))
    key = models.CharField(_("key"), max_length=64, validators=[validate_key])
    version = models.PositiveIntegerField(_("version"), default=1, editable=False)
    name = models.CharField(_("name"), max_length=200)
    description = models.TextField(_("description"), default="", blank=True)
    kind = models.CharField(_("kind"), max_length=10, choices=Kind)
    direction = models.CharField(_("direction"), max_length=8, choices=Direction, default=Direction.INCREASE)
    numerator_events = ArrayField(models.CharField(max_length=200), verbose_name=_("events"))
    numerator_what = models.CharField(_("counts"), max_length=12, choices=What)
    denominator_events = ArrayField(
        models.CharField(max_length=200), verbose_name=_("denominator events"), default=list, blank=True
    )
    denominator_what = models.CharField(_("denominator counts"), max_length=12, choices=What, default="", blank=True)
    cap_micros = models.BigIntegerField(
        _("cap per unit"),
        null=True,
        blank=True,
        help_text=_("In millionths; a unit's total above it counts as the cap. Fixed before the start."),
    )
    window_hours = models.PositiveIntegerField(
        _("window in hours"), default=168, help_text=_("From the unit's first exposure; a multiple of 24.")
    )
    maturity_hours = models.PositiveIntegerField(
        _("hours for refunds"),
        default=0,
        help_text=_(
            "How long after the window refunds and cancellations of its orders still count; a multiple of 24. "
            "Units are analysed only once it has passed."
        ),
    )
    covariate_days = models.PositiveIntegerField(
        _("days before exposure"),
        default=0,
        help_text=_("History used to reduce variance (CUPED); 0 for none."),
    )
    created_at = models.DateTimeField(_("created"), db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("metric")
        verbose_name_plural = _("metrics")
        ordering = ["key", "-version"]
        constraints = [
            models.UniqueConstraint(name="metric_version", fields=["project", "key", "version"]),
            models.CheckConstraint(
                name="metric_window_is_whole_days",
                condition=Q(window_hours__gt=0, window_hours__lte=24 * 365),
            ),
            models.CheckConstraint(
                name="metric_ratio_has_a_denominator",
                condition=Q(kind="RATIO", denominator_what__gt="") | (~Q(kind="RATIO") & Q(denominator_what="")),
            ),
            models.CheckConstraint(
                name="metric_cap_is_positive", condition=Q(cap_micros__isnull=True) | Q(cap_micros__gt=0)
            ),
            models.CheckConstraint(
                name="metric_window_multiple_of_24", condition=Q(window_hours=F("window_hours") / 24 * 24)
            ),
            models.CheckConstraint(
                name="metric_maturity_is_whole_days",
                condition=Q(maturity_hours__lte=24 * 365, maturity_hours=F("maturity_hours") / 24 * 24),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} (v{self.version})"
