"""Tables that every app stands on: projects, API keys, jobs and the journal."""

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from foundation.fields import random_secret, validate_currency, validate_key, validate_time_zone


class Project(models.Model):
    """One shop: its currency, time zone, clock and the secret that hides its shoppers' ids."""

    class ClockKind(models.TextChoices):
        REAL = "REAL", _("Real time")
        SIMULATION = "SIMULATION", _("Simulation")

    key = models.CharField(_("key"), max_length=64, unique=True, validators=[validate_key])
    name = models.CharField(_("name"), max_length=200)
    currency = models.CharField(_("currency"), max_length=3, validators=[validate_currency])
    time_zone = models.CharField(_("time zone"), max_length=64, default="UTC", validators=[validate_time_zone])
    pepper = models.BinaryField(default=random_secret, editable=False)
    signing_key = models.BinaryField(default=random_secret, editable=False)
    attributes = models.JSONField(
        _("stored attributes"),
        default=list,
        blank=True,
        help_text=_("Event properties to keep besides the e-commerce ones; all others are dropped on receipt."),
    )
    clock_kind = models.CharField(_("clock"), max_length=10, choices=ClockKind, default=ClockKind.REAL)
    clock_origin = models.DateTimeField(_("simulated start"), null=True, blank=True)
    clock_speed = models.FloatField(_("simulation speed"), default=1.0)
    clock_started_at = models.DateTimeField(_("real start of the simulation"), null=True, blank=True)
    revision = models.BigIntegerField(_("revision"), default=0, editable=False)
    created_at = models.DateTimeField(_("created"), db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("project")
        verbose_name_plural = _("projects")
        constraints = [
            models.CheckConstraint(
                name="project_clock_is_complete",
                condition=Q(
                    clock_kind="REAL",
                    clock_origin__isnull=True,
                    clock_started_at__isnull=True,
                    clock_speed=1.0,
                )
                | Q(
                    clock_kind="SIMULATION",
                    clock_origin__isnull=False,
                    clock_started_at__isnull=False,
                    clock_speed__gt=0,
                ),
            ),
        ]

    def __str__(self) -> str:
        return self.name


class ApiKey(models.Model):
    """A storefront's credential; only its digest is stored."""

    class Kind(models.TextChoices):
        CLIENT = "client", _("Client (browsers: evaluate and send events)")
        SERVER = "server", _("Server (back ends)")

    project = models.ForeignKey(Project, models.PROTECT, related_name="api_keys", verbose_name=_("project"))
    name = models.CharField(_("name"), max_length=200)
    kind = models.CharField(_("kind"), max_length=6, choices=Kind)
    hint = models.CharField(_("starts with"), max_length=20, editable=False)
    digest = models.CharField(max_length=64, unique=True, editable=False)
    created_at = models.DateTimeField(_("created"), db_default=Now(), editable=False)
    revoked_at = models.DateTimeField(_("revoked"), null=True, blank=True, editable=False)

    class Meta:
        verbose_name = _("API key")
        verbose_name_plural = _("API keys")

    def __str__(self) -> str:
        return f"{self.name} ({self.hint}…)"


class Job(models.Model):
    """A piece of work that was promised in the transaction that needs it; Celery only carries its id."""

    class State(models.TextChoices):
        READY = "READY", _("Ready")
        RUNNING = "RUNNING", _("Running")
        DONE = "DONE", _("Done")
        DEAD = "DEAD", _("Dead")

    kind = models.CharField(_("kind"), max_length=40)
    key = models.CharField(_("key"), max_length=200, unique=True)
    project = models.ForeignKey(Project, models.PROTECT, null=True, related_name="+", verbose_name=_("project"))
    payload = models.JSONField(_("payload"), default=dict)
    state = models.CharField(_("state"), max_length=8, choices=State, db_default=State.READY, default=State.READY)
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    max_attempts = models.PositiveSmallIntegerField(_("attempts allowed"), default=5)
    run_after = models.DateTimeField(_("not before"), db_default=Now())
    lease_until = models.DateTimeField(_("lease until"), null=True)
    lease_owner = models.CharField(_("lease owner"), max_length=100, default="", blank=True)
    last_error = models.TextField(_("last error"), default="", blank=True)
    created_at = models.DateTimeField(_("created"), db_default=Now())
    finished_at = models.DateTimeField(_("finished"), null=True)

    class Meta:
        verbose_name = _("job")
        verbose_name_plural = _("jobs")
        indexes = [
            models.Index(name="job_open", fields=["run_after"], condition=Q(state__in=["READY", "RUNNING"])),
            models.Index(name="job_kind", fields=["kind", "project", "state"]),
        ]
        constraints = [
            models.CheckConstraint(
                name="job_running_has_a_lease",
                condition=~Q(state="RUNNING") | Q(lease_until__isnull=False, lease_owner__gt=""),
            ),
            models.CheckConstraint(name="job_attempts_are_bounded", condition=Q(attempts__lte=F("max_attempts"))),
        ]

    def __str__(self) -> str:
        return self.key


class JournalEntry(models.Model):
    """Who did what, when and why; append-only, each entry sealed over the one before it."""

    project = models.ForeignKey(Project, models.PROTECT, related_name="journal", verbose_name=_("project"))
    sequence = models.BigIntegerField(_("number"))
    at = models.DateTimeField(_("time"))
    actor = models.CharField(_("who"), max_length=150)
    action = models.CharField(_("action"), max_length=60)
    subject = models.CharField(_("subject"), max_length=120)
    reason = models.TextField(_("reason"), default="", blank=True)
    before = models.JSONField(_("before"), default=dict)
    after = models.JSONField(_("after"), default=dict)
    previous_seal = models.CharField(max_length=64)
    seal = models.CharField(max_length=64)

    class Meta:
        verbose_name = _("journal entry")
        verbose_name_plural = _("journal")
        ordering = ["-id"]
        constraints = [models.UniqueConstraint(name="journal_sequence", fields=["project", "sequence"])]
        indexes = [models.Index(name="journal_subject", fields=["project", "subject"])]

    def __str__(self) -> str:
        return f"{self.sequence} {self.action} {self.subject}"
