"""Training runs: what was asked for, how it went, what came out."""

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from models_registry.models.schedules import DATA_POLICIES, TrainingSchedule
from models_registry.models.versions import RegisteredModel
from models_registry.vocabulary import DataPolicy, RunCause, RunState

RUN_STATES = [
    (RunState.QUEUED.value, _("Waiting")),
    (RunState.RUNNING.value, _("Training")),
    (RunState.SUCCEEDED.value, _("Registered")),
    (RunState.REFUSED.value, _("Refused by the gate")),
    (RunState.FAILED.value, _("Failed")),
    (RunState.CANCELLED.value, _("Cancelled")),
]

CAUSES = [
    (RunCause.PERSON.value, _("Asked for")),
    (RunCause.SCHEDULE.value, _("Scheduled")),
    (RunCause.DRIFT.value, _("Drift")),
]


class TrainingRun(models.Model):
    """One training of a model. What was asked for never changes; a trigger keeps its states in order."""

    model = models.ForeignKey(RegisteredModel, models.PROTECT, related_name="runs", verbose_name=_("model"))
    recipe = models.CharField(_("recipe"), max_length=64)
    parameters = models.JSONField(_("parameters"), default=dict)
    seed = models.PositiveIntegerField(_("seed"), default=1)
    data_start = models.DateTimeField(_("data from"))
    data_end = models.DateTimeField(_("data up to"))
    margin = models.FloatField(
        _("gate margin"), default=0.0, help_text=_("How much worse than the reference a candidate may be offline.")
    )
    search = models.JSONField(
        _("search"), default=dict, blank=True, help_text=_("Values to try of each parameter; empty for none.")
    )
    rule = models.JSONField(_("gate rule"), default=dict, blank=True)
    data_policy = models.CharField(
        _("training data"), max_length=10, choices=DATA_POLICIES, default=DataPolicy.POOLED.value
    )
    schedule = models.ForeignKey(
        TrainingSchedule, models.PROTECT, null=True, blank=True, related_name="runs", verbose_name=_("schedule")
    )
    cause = models.CharField(_("cause"), max_length=10, choices=CAUSES, default=RunCause.PERSON.value)
    trigger = models.JSONField(_("what caused it"), default=dict, blank=True)
    is_cancelled = models.BooleanField(_("to be cancelled"), default=False, editable=False)
    trials = models.JSONField(_("trials"), default=list, blank=True, editable=False)
    state = models.CharField(_("state"), max_length=9, choices=RUN_STATES, default=RunState.QUEUED.value)
    step = models.CharField(_("step"), max_length=100, default="", blank=True)
    progress = models.FloatField(_("progress"), default=0.0)
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    dataset = models.JSONField(_("dataset"), default=dict)
    metrics = models.JSONField(_("offline metrics"), default=dict)
    gate = models.JSONField(_("gate"), default=dict)
    code_revision = models.CharField(_("code revision"), max_length=100, default="", blank=True)
    error_code = models.CharField(_("error"), max_length=60, default="", blank=True)
    error = models.TextField(_("what went wrong"), default="", blank=True)
    requested_by = models.CharField(_("requested by"), max_length=150)
    requested_at = models.DateTimeField(_("requested"), db_default=Now())
    started_at = models.DateTimeField(_("started"), null=True)
    finished_at = models.DateTimeField(_("finished"), null=True)

    class Meta:
        verbose_name = _("training run")
        verbose_name_plural = _("training runs")
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(name="run_window_is_not_empty", condition=Q(data_start__lt=F("data_end"))),
            models.CheckConstraint(
                name="run_finished_when_it_ended",
                condition=Q(state__in=["QUEUED", "RUNNING"], finished_at__isnull=True)
                | Q(state__in=["SUCCEEDED", "REFUSED", "FAILED", "CANCELLED"], finished_at__isnull=False),
            ),
            models.CheckConstraint(name="run_progress_is_a_share", condition=Q(progress__gte=0.0, progress__lte=1.0)),
            models.UniqueConstraint(
                name="one_open_run_of_schedule", fields=["schedule"], condition=Q(state__in=["QUEUED", "RUNNING"])
            ),
        ]

    def __str__(self) -> str:
        return f"{self.model} {self.recipe} #{self.pk}"
