"""Exploratory scorecards: what people wanted to know besides the plan, kept as it was computed."""

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from experiments.models.design import Experiment


class ExploratoryScorecard(models.Model):
    """An analysis that no verdict may cite; append-only by trigger."""

    experiment = models.ForeignKey(
        Experiment, models.PROTECT, related_name="explorations", verbose_name=_("experiment")
    )
    number = models.PositiveIntegerField(_("number"))
    request = models.JSONField(_("asked for"))
    window_end = models.DateTimeField(_("data up to"))
    received_before = models.DateTimeField(_("received before"))
    content = models.TextField(_("content"))
    sha256 = models.CharField(max_length=64)
    requested_by = models.CharField(_("asked by"), max_length=150)
    created_at = models.DateTimeField(_("created"), db_default=Now())

    class Meta:
        verbose_name = _("exploratory scorecard")
        verbose_name_plural = _("exploratory scorecards")
        ordering = ["-id"]
        constraints = [models.UniqueConstraint(name="exploration_number", fields=["experiment", "number"])]

    def __str__(self) -> str:
        return f"{self.experiment_id}: {self.number}"
