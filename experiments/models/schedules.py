"""Schedules that were handed out: for which units and which periods of an experiment."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from experiments.models.design import Experiment


class PeriodSchedule(models.Model):
    """The units and periods of a schedule; its variants follow from the experiment's salt and are stored nowhere."""

    experiment = models.OneToOneField(Experiment, models.CASCADE, related_name="schedule", verbose_name=_("experiment"))
    units = ArrayField(models.TextField(), verbose_name=_("units"))
    periods = models.PositiveIntegerField(_("periods"))
    made_at = models.DateTimeField(_("made"))

    class Meta:
        verbose_name = _("schedule")
        verbose_name_plural = _("schedules")
        constraints = [models.CheckConstraint(name="schedule_has_periods", condition=Q(periods__gt=0))]

    def __str__(self) -> str:
        return str(self.experiment)
