"""Allocation epochs: stretches of time in which traffic was divided in one way."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from experiments.models.design import Experiment, Variant
from experiments.models.traffic import SLOTS


class AllocationEpoch(models.Model):
    """A stretch of constant allocation; append-only by trigger."""

    experiment = models.ForeignKey(Experiment, models.CASCADE, related_name="epochs", verbose_name=_("experiment"))
    number = models.PositiveIntegerField(_("number"))
    opened_at = models.DateTimeField(_("opened"))
    coverage = models.PositiveIntegerField(_("coverage"))

    class Meta:
        verbose_name = _("epoch")
        verbose_name_plural = _("epochs")
        ordering = ["number"]
        constraints = [
            models.UniqueConstraint(name="epoch_number", fields=["experiment", "number"]),
            models.CheckConstraint(name="epoch_coverage_in_bounds", condition=Q(coverage__lte=SLOTS)),
        ]

    def __str__(self) -> str:
        return str(self.number)


class EpochAllocation(models.Model):
    """A variant's share in an epoch: its weight, the slots it owns and whether it takes new units."""

    class State(models.TextChoices):
        OPEN = "OPEN", _("Open")
        CLOSED = "CLOSED", _("Closed to new units")
        EMPTY = "EMPTY", _("Empty")

    epoch = models.ForeignKey(AllocationEpoch, models.CASCADE, related_name="allocations")
    variant = models.ForeignKey(Variant, models.CASCADE, related_name="+", verbose_name=_("variant"))
    weight = models.PositiveIntegerField(_("weight"))
    state = models.CharField(_("state"), max_length=6, choices=State, default=State.OPEN)
    ranges = models.JSONField(_("slots"))

    class Meta:
        verbose_name = _("allocation")
        verbose_name_plural = _("allocations")
        constraints = [models.UniqueConstraint(name="epoch_variant", fields=["epoch", "variant"])]

    def __str__(self) -> str:
        return f"{self.variant}: {self.weight}"
