"""Scorecards: every look at an experiment, kept as it was."""

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from experiments.models.design import Experiment


class Scorecard(models.Model):
    """An immutable analysis at a time and the verdict on it; append-only by trigger."""

    experiment = models.ForeignKey(Experiment, models.PROTECT, related_name="scorecards", verbose_name=_("experiment"))
    look = models.PositiveIntegerField(_("look"))
    window_end = models.DateTimeField(_("data up to"))
    received_before = models.DateTimeField(_("received before"))
    plan_sha256 = models.CharField(max_length=64)
    content = models.TextField(_("content"))
    sha256 = models.CharField(max_length=64)
    verdict_state = models.CharField(_("verdict"), max_length=13)
    verdict = models.JSONField(_("verdict and reasons"))
    created_at = models.DateTimeField(_("created"), db_default=Now())

    class Meta:
        verbose_name = _("scorecard")
        verbose_name_plural = _("scorecards")
        ordering = ["-window_end"]
        constraints = [
            models.UniqueConstraint(name="scorecard_window", fields=["experiment", "window_end"]),
            models.UniqueConstraint(name="scorecard_look", fields=["experiment", "look"]),
        ]

    def __str__(self) -> str:
        return f"{self.experiment_id}: {self.verdict_state}"
