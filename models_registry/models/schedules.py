"""Training schedules: a recipe that is trained again and again; as an arm, the recipe is what is tested."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from foundation.fields import validate_key
from models_registry.models.versions import RegisteredModel
from models_registry.vocabulary import DataPolicy

DATA_POLICIES = [
    (DataPolicy.POOLED.value, _("All traffic")),
    (DataPolicy.OWN_ARM.value, _("Only what its own arm showed")),
    (DataPolicy.WEIGHTED.value, _("All traffic, weighted by how likely the own arm was to show it")),
]


class TrainingSchedule(models.Model):
    """A recipe with its cadence and data policy. What it trains never changes; it can be switched off.

    parameters, search, gate: as in a training run. window_days: of data before each training. drift: bounds that make
    it train before it is due, {} for none. drift_check: what the newest check found, with its time. due_at: project
    time.
    """

    model = models.ForeignKey(RegisteredModel, models.PROTECT, related_name="schedules", verbose_name=_("model"))
    key = models.CharField(_("key"), max_length=64, validators=[validate_key])
    recipe = models.CharField(_("recipe"), max_length=64)
    parameters = models.JSONField(_("parameters"), default=dict, blank=True)
    search = models.JSONField(_("search"), default=dict, blank=True)
    gate = models.JSONField(_("gate"), default=dict, blank=True)
    data_policy = models.CharField(
        _("training data"), max_length=10, choices=DATA_POLICIES, default=DataPolicy.POOLED.value
    )
    window_days = models.PositiveSmallIntegerField(_("days of data"), default=28)
    every_hours = models.PositiveIntegerField(_("every so many hours"), default=24)
    drift = models.JSONField(_("drift bounds"), default=dict, blank=True)
    drift_check = models.JSONField(_("newest drift check"), default=dict, blank=True, editable=False)
    is_enabled = models.BooleanField(_("enabled"), default=True)
    due_at = models.DateTimeField(_("next due"), null=True, blank=True)
    created_at = models.DateTimeField(_("created"), db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("training schedule")
        verbose_name_plural = _("training schedules")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(name="training_schedule_key", fields=["model", "key"]),
            models.CheckConstraint(
                name="training_schedule_bounds", condition=Q(window_days__gte=1, every_hours__gte=1)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.model}: {self.key}"
