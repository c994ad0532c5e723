"""Experiments as they are designed: who is randomised, between what, judged by which plan."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from experiments.models.metrics import Metric
from experiments.models.traffic import SLOTS, UNIT_KINDS, Holdout, Layer
from experiments.vocabulary import Payable
from foundation.fields import random_salt, validate_key


class Experiment(models.Model):
    """A comparison of variants on randomised units."""

    class Source(models.TextChoices):
        OWN = "OWN", _("Randomised here")
        EXTERNAL = "EXTERNAL", _("Recorded elsewhere, unit by unit")
        AGGREGATE = "AGGREGATE", _("Recorded elsewhere, as totals")

    class Status(models.TextChoices):
        DRAFT = "DRAFT", _("Draft")
        IN_REVIEW = "IN_REVIEW", _("In review")
        RUNNING = "RUNNING", _("Running")
        PAUSED = "PAUSED", _("Paused")
        STOPPED = "STOPPED", _("Stopped")
        CONCLUDED = "CONCLUDED", _("Concluded")

    class Conclusion(models.TextChoices):
        WON = "WON", _("Won")
        LOST = "LOST", _("Lost")
        FLAT = "FLAT", _("Flat")
        INVALID = "INVALID", _("Not trustworthy")
        STOPPED_EARLY = "STOPPED_EARLY", _("Stopped early")

    class PeriodDesign(models.TextChoices):
        INDEPENDENT = "INDEPENDENT", _("Each period on its own")
        BALANCED = "BALANCED", _("Every variant equally often")

    class PayableChoices(models.TextChoices):
        NOTHING = Payable.NOTHING.value, _("Nothing")
        PRICE = Payable.PRICE.value, _("Prices")
        COUPON = Payable.COUPON.value, _("Coupons")
        SHIPPING = Payable.SHIPPING.value, _("Shipping fees")
        BENEFIT = Payable.BENEFIT.value, _("Other benefits")

    project = models.ForeignKey("foundation.Project", models.PROTECT, related_name="+", verbose_name=_("project"))
    key = models.CharField(_("key"), max_length=64, validators=[validate_key])
    name = models.CharField(_("name"), max_length=200)
    hypothesis = models.TextField(_("hypothesis"), default="", blank=True)
    source = models.CharField(_("source"), max_length=9, choices=Source, default=Source.OWN, editable=False)
    status = models.CharField(_("status"), max_length=9, choices=Status, default=Status.DRAFT, editable=False)
    unit_kind = models.CharField(_("randomization unit"), max_length=10, choices=UNIT_KINDS, default="visitor")
    period_minutes = models.PositiveIntegerField(
        _("period"),
        null=True,
        blank=True,
        help_text=_("Minutes after which items, stores or clusters are randomised anew; empty for once and for all."),
    )
    periods_from = models.DateTimeField(_("first period begins"), null=True, editable=False)
    period_design = models.CharField(
        _("design of periods"), max_length=11, choices=PeriodDesign, default="", blank=True
    )
    burn_in_minutes = models.PositiveIntegerField(
        _("burn-in"), default=0, help_text=_("Minutes at the start of each period that count for nothing.")
    )
    budget = models.BigIntegerField(
        _("budget"),
        null=True,
        blank=True,
        help_text=_("Millionths of the currency, divided between the variants by their weights; empty for none."),
    )
    salt = models.CharField(max_length=32, default=random_salt, editable=False)
    layer = models.ForeignKey(
        Layer, models.PROTECT, null=True, blank=True, related_name="experiments", verbose_name=_("layer")
    )
    holdout = models.ForeignKey(
        Holdout, models.PROTECT, null=True, blank=True, related_name="experiments", verbose_name=_("holdout")
    )
    audience = models.JSONField(
        _("audience"),
        null=True,
        blank=True,
        help_text=_("Empty for everyone. See the documentation for the form."),
    )
    coverage = models.PositiveIntegerField(
        _("coverage"), default=SLOTS, help_text=_("Slots of 1 000 000 that take part at launch.")
    )
    overrides = models.JSONField(
        _("test visitors"),
        default=dict,
        blank=True,
        help_text=_("Unit id to variant key; never part of an analysis."),
    )
    personalised = models.BooleanField(
        _("uses personal data"),
        default=False,
        help_text=_("Shoppers who switch personalisation off see the control."),
    )
    horizon_days = models.PositiveIntegerField(
        _("planned days"),
        null=True,
        blank=True,
        default=28,
        help_text=_("Empty: no planned end, wider intervals."),
    )
    minimum_effect = models.FloatField(
        _("smallest lift worth finding"), default=0.05, help_text=_("Relative; 0.05 is five per cent.")
    )
    plan_overrides = models.JSONField(
        _("plan overrides"),
        default=dict,
        blank=True,
        help_text=_("For analysts: defaults of the plan to change."),
    )
    dimensions = ArrayField(
        models.CharField(max_length=64),
        verbose_name=_("dimensions"),
        default=list,
        blank=True,
        help_text=_("Attributes whose levels are compared in the readout, such as country."),
    )
    payable = models.CharField(
        _("changes what a person pays"),
        max_length=8,
        choices=PayableChoices,
        default=Payable.NOTHING.value,
        blank=True,
        help_text=_("Prices, coupons, shipping and benefits are tried on items, stores or clusters, never on persons."),
    )
    blackouts = models.JSONField(
        default=list, blank=True, editable=False, help_text="Days kept out, as frozen at launch: [from, until) in UTC."
    )
    started_at = models.DateTimeField(_("started"), null=True, editable=False)
    stopped_at = models.DateTimeField(_("stopped"), null=True, editable=False)
    concluded_at = models.DateTimeField(_("concluded"), null=True, editable=False)
    conclusion = models.CharField(
        _("conclusion"), max_length=13, choices=Conclusion, default="", blank=True, editable=False
    )
    conclusion_note = models.TextField(_("what was learnt"), default="", blank=True, editable=False)
    created_at = models.DateTimeField(_("created"), db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("experiment")
        verbose_name_plural = _("experiments")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(name="experiment_key", fields=["project", "key"]),
            models.UniqueConstraint(name="experiment_salt", fields=["salt"]),
            models.CheckConstraint(name="experiment_coverage_in_bounds", condition=Q(coverage__lte=SLOTS)),
            models.CheckConstraint(
                name="experiment_started_when_it_runs",
                condition=Q(status__in=["DRAFT", "IN_REVIEW"], started_at__isnull=True)
                | Q(status__in=["RUNNING", "PAUSED", "STOPPED", "CONCLUDED"], started_at__isnull=False),
            ),
            models.CheckConstraint(
                name="experiment_concluded_with_a_conclusion",
                condition=~Q(status="CONCLUDED") | (~Q(conclusion="") & Q(concluded_at__isnull=False)),
            ),
            models.CheckConstraint(
                name="experiment_periods_are_whole",
                condition=Q(period_minutes__isnull=True, period_design="", burn_in_minutes=0)
                | (
                    Q(period_minutes__gt=0, period_design__in=["INDEPENDENT", "BALANCED"])
                    & Q(burn_in_minutes__lt=F("period_minutes"))
                    & ~Q(unit_kind__in=["visitor", "customer", "session"])
                ),
            ),
            models.CheckConstraint(
                name="experiment_periods_begin_when_it_runs",
                condition=Q(period_minutes__isnull=True) | Q(started_at__isnull=True) | Q(periods_from__isnull=False),
            ),
            models.CheckConstraint(name="experiment_budget_is_positive", condition=Q(budget=None) | Q(budget__gt=0)),
            models.CheckConstraint(
                name="experiment_recorded_has_no_traffic",
                condition=Q(source="OWN") | Q(layer__isnull=True, holdout__isnull=True),
            ),
        ]

    def __str__(self) -> str:
        return self.name


class PayableOverride(models.Model):
    """Somebody's word that persons may pay differently: who, why, in which countries, and what shoppers are told."""

    experiment = models.OneToOneField(
        Experiment, models.CASCADE, related_name="payable_override", verbose_name=_("experiment")
    )
    acting_user = models.CharField(_("who"), max_length=200)
    reason = models.TextField(_("reason"))
    jurisdictions = ArrayField(
        models.CharField(max_length=2), verbose_name=_("jurisdictions"), help_text=_("Countries, two letters each.")
    )
    disclosure = models.TextField(_("what shoppers are told"))
    made_at = models.DateTimeField(_("made"))

    class Meta:
        verbose_name = _("override of the legal unit")
        verbose_name_plural = _("overrides of the legal unit")
        constraints = [
            models.CheckConstraint(
                name="payable_override_is_complete",
                condition=~Q(acting_user="") & ~Q(reason="") & ~Q(disclosure="") & Q(jurisdictions__len__gt=0),
            ),
            models.CheckConstraint(
                name="payable_override_never_for_china", condition=~Q(jurisdictions__contains=["CN"])
            ),
        ]

    def __str__(self) -> str:
        return str(self.experiment)


class Blackout(models.Model):
    """Days of the project that are kept out of experiments by period, such as a sale or a holiday."""

    project = models.ForeignKey("foundation.Project", models.PROTECT, related_name="+", verbose_name=_("project"))
    name = models.CharField(_("name"), max_length=200)
    first_day = models.DateField(_("first day"))
    last_day = models.DateField(_("last day"))

    class Meta:
        verbose_name = _("blackout")
        verbose_name_plural = _("blackout calendar")
        ordering = ["first_day", "id"]
        constraints = [
            models.CheckConstraint(name="blackout_has_days", condition=Q(last_day__gte=F("first_day"))),
        ]

    def __str__(self) -> str:
        return self.name


class Variant(models.Model):
    """Named parameters that a share of the units gets; exactly one variant is the control."""

    experiment = models.ForeignKey(Experiment, models.CASCADE, related_name="variants", verbose_name=_("experiment"))
    key = models.CharField(_("key"), max_length=64, validators=[validate_key])
    name = models.CharField(_("name"), max_length=200)
    is_control = models.BooleanField(_("control"), default=False)
    weight = models.PositiveIntegerField(_("weight"), help_text=_("Slots of 1 000 000; all variants together fill it."))
    parameters = models.JSONField(_("parameters"), default=dict, blank=True)
    position = models.PositiveSmallIntegerField(_("order"), default=0)

    class Meta:
        verbose_name = _("variant")
        verbose_name_plural = _("variants")
        ordering = ["position", "id"]
        constraints = [
            models.UniqueConstraint(name="variant_key", fields=["experiment", "key"]),
            models.UniqueConstraint(name="variant_one_control", fields=["experiment"], condition=Q(is_control=True)),
            models.CheckConstraint(name="variant_weight_in_bounds", condition=Q(weight__lte=SLOTS)),
        ]

    def __str__(self) -> str:
        return self.name


class ExperimentMetric(models.Model):
    """The part that a metric version plays in an experiment."""

    class Role(models.TextChoices):
        DECISION = "DECISION", _("Decision")
        GUARDRAIL = "GUARDRAIL", _("Guardrail")
        SECONDARY = "SECONDARY", _("Secondary")
        DIAGNOSTIC = "DIAGNOSTIC", _("Diagnostic")

    experiment = models.ForeignKey(Experiment, models.CASCADE, related_name="metrics", verbose_name=_("experiment"))
    metric = models.ForeignKey(Metric, models.PROTECT, related_name="uses", verbose_name=_("metric"))
    role = models.CharField(_("role"), max_length=10, choices=Role)
    margin = models.FloatField(
        _("margin"),
        null=True,
        blank=True,
        help_text=_("Guardrails: the relative loss that is still acceptable, 0.02 is two per cent."),
    )
    position = models.PositiveSmallIntegerField(_("order"), default=0)

    class Meta:
        verbose_name = _("metric of the experiment")
        verbose_name_plural = _("metrics of the experiment")
        ordering = ["position", "id"]
        constraints = [
            models.UniqueConstraint(name="experiment_metric", fields=["experiment", "metric"]),
            models.CheckConstraint(
                name="guardrail_has_a_margin",
                condition=(Q(role="GUARDRAIL", margin__gt=0, margin__lt=1)) | ~Q(role="GUARDRAIL"),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.metric} ({self.role})"


class AnalysisPlan(models.Model):
    """The frozen rule of judgment; written at launch, refused any change by a trigger."""

    experiment = models.OneToOneField(Experiment, models.CASCADE, related_name="plan", verbose_name=_("experiment"))
    content = models.TextField(_("content"))
    sha256 = models.CharField(max_length=64)
    frozen_at = models.DateTimeField(_("frozen"))

    class Meta:
        verbose_name = _("analysis plan")
        verbose_name_plural = _("analysis plans")

    def __str__(self) -> str:
        return self.sha256[:12]
