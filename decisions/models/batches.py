"""Batches of decisions: what was decided for every subject of a decision point, delivered, and acknowledged."""

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from decisions.vocabulary import AppliedState, BatchState

BATCH_STATES = [
    (BatchState.MADE.value, _("Ready to be fetched")),
    (BatchState.DELIVERED.value, _("Delivered")),
    (BatchState.UNDELIVERABLE.value, _("Could not be delivered")),
]
APPLIED_STATES = [
    (AppliedState.PENDING.value, _("Not acknowledged")),
    (AppliedState.APPLIED.value, _("Applied")),
    (AppliedState.OVERRIDDEN.value, _("Overridden")),
    (AppliedState.FAILED.value, _("Failed")),
]


class DecisionBatch(models.Model):
    """Decisions for all subjects of a decision point at one project time.

    due_at: the moment of the point's cadence that it was made for; one batch each. takes_effect_at: from when the shop
    is to do what was decided. sha256: of the delivered document.
    """

    point = models.ForeignKey(
        "decisions.DecisionPoint", models.PROTECT, related_name="batches", verbose_name=_("decision point")
    )
    due_at = models.DateTimeField(_("due"))
    made_at = models.DateTimeField(_("made"))
    takes_effect_at = models.DateTimeField(_("takes effect"))
    bundle_version = models.BigIntegerField(_("bundle"))
    decisions = models.PositiveIntegerField(_("decisions"))
    degraded = models.PositiveIntegerField(_("left to the baseline"), default=0)
    sha256 = models.CharField(max_length=64)
    state = models.CharField(_("state"), max_length=13, choices=BATCH_STATES, default=BatchState.MADE.value)
    delivered_at = models.DateTimeField(_("delivered"), null=True)
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    fault = models.CharField(_("what went wrong"), max_length=500, default="", blank=True)

    class Meta:
        verbose_name = _("batch of decisions")
        verbose_name_plural = _("batches of decisions")
        ordering = ["-id"]
        constraints = [models.UniqueConstraint(name="decision_batch_due", fields=["point", "due_at"])]

    def __str__(self) -> str:
        return f"{self.point} {self.due_at}"


class BatchDecision(models.Model):
    """One decision of a batch. Values are in millionths: of the currency for prices, of a piece for orders.

    subject: an item, or `store|item`. before: what held until then (the price; nothing on order is 0). cell: the unit
    in its period that the decision belongs to, "" outside of experiments. is_enrolled: whether it counts there.
    applied: what the shop did instead of `value`, or exactly that.
    """

    pk = models.CompositePrimaryKey("batch", "subject")
    batch = models.ForeignKey(DecisionBatch, models.CASCADE, related_name="+")
    subject = models.CharField(_("subject"), max_length=401)
    decision_id = models.CharField(_("decision"), max_length=64)
    value = models.BigIntegerField(_("decided"), null=True)
    before = models.BigIntegerField(_("before"), null=True)
    reason = models.CharField(_("reason"), max_length=24)
    experiment = models.ForeignKey("experiments.Experiment", models.PROTECT, null=True, related_name="+")
    variant = models.CharField(_("variant"), max_length=64, default="", blank=True)
    cell = models.TextField(_("unit and period"), default="", blank=True)
    is_enrolled = models.BooleanField(default=False)
    state = models.CharField(_("state"), max_length=10, choices=APPLIED_STATES, default=AppliedState.PENDING.value)
    applied = models.BigIntegerField(_("done"), null=True)
    note = models.CharField(_("note"), max_length=500, default="", blank=True)
    acknowledged_at = models.DateTimeField(_("acknowledged"), null=True)

    class Meta:
        verbose_name = _("decision of a batch")
        verbose_name_plural = _("decisions of batches")
        indexes = [
            models.Index(
                name="batch_decision_of", fields=["experiment", "batch"], condition=Q(experiment__isnull=False)
            )
        ]

    def __str__(self) -> str:
        return self.subject


class ReplacedWord(models.Model):
    """What the shop had said of a decision, from one time until another, before it said something else; wall times.

    So that what was known at a time is known for ever: a look that is derived again finds what it found.
    """

    batch = models.ForeignKey(DecisionBatch, models.CASCADE, related_name="+", db_index=False)
    subject = models.CharField(_("subject"), max_length=401)
    state = models.CharField(_("state"), max_length=10, choices=APPLIED_STATES)
    told_at = models.DateTimeField(_("acknowledged"))
    replaced_at = models.DateTimeField(_("replaced"))

    class Meta:
        verbose_name = _("replaced acknowledgement")
        verbose_name_plural = _("replaced acknowledgements")
        constraints = [
            models.UniqueConstraint(name="replaced_word_once", fields=["batch", "subject", "told_at"]),
            models.CheckConstraint(name="replaced_word_held", condition=Q(replaced_at__gt=F("told_at"))),
        ]

    def __str__(self) -> str:
        return self.subject


class PeriodClosing(models.Model):
    """What became of a cell whose period is over: valued, or left without a figure for a reason.

    change: what the stock on hand and on order was worth more at the end than at the start, at the frozen price, in
    millionths of the currency; None where either count is missing or too old.
    """

    experiment = models.ForeignKey("experiments.Experiment", models.PROTECT, related_name="+")
    cell = models.TextField(_("unit and period"))
    closed_at = models.DateTimeField(_("closed"))
    change = models.BigIntegerField(_("change of stock"), null=True)
    reason = models.CharField(_("reason"), max_length=24, default="", blank=True)

    class Meta:
        verbose_name = _("closing of a period")
        verbose_name_plural = _("closings of periods")
        constraints = [models.UniqueConstraint(name="period_closing_once", fields=["experiment", "cell"])]

    def __str__(self) -> str:
        return self.cell
