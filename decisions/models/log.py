"""The event log, how far it was projected, and the bundles that the edge serves."""

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _


class EventLog(models.Model):
    """Every message as it was received, once; partitioned by day, written by the edge alone."""

    pk = models.CompositePrimaryKey("project_id", "day", "message_id")
    project_id = models.BigIntegerField()
    day = models.DateField()
    message_id = models.TextField()
    received_at = models.DateTimeField()
    kind = models.TextField()
    event = models.TextField(null=True)
    occurred_at = models.DateTimeField(null=True)
    corrected_at = models.DateTimeField(null=True)
    visitor = models.TextField(null=True)
    customer = models.TextField(null=True)
    session = models.TextField(null=True)
    item = models.TextField(null=True)
    store = models.TextField(null=True)
    properties = models.JSONField()
    enrolments = models.JSONField(null=True)

    class Meta:
        managed = False
        db_table = "decisions_eventlog"


class ProjectionState(models.Model):
    """How far a project's event log has become exposures and outcomes."""

    project = models.OneToOneField("foundation.Project", models.PROTECT, primary_key=True, related_name="+")
    watermark = models.DateTimeField(_("projected up to"))

    class Meta:
        verbose_name = _("projection state")
        verbose_name_plural = _("projection states")

    def __str__(self) -> str:
        return str(self.watermark)


class PublishedBundle(models.Model):
    """A version of everything that the edge needs to answer for a project."""

    project = models.ForeignKey("foundation.Project", models.PROTECT, related_name="+", verbose_name=_("project"))
    version = models.BigIntegerField(_("version"))
    sha256 = models.CharField(max_length=64)
    content = models.TextField(_("content"))
    companion = models.TextField(editable=False)
    published_at = models.DateTimeField(_("published"), db_default=Now())

    class Meta:
        verbose_name = _("published bundle")
        verbose_name_plural = _("published bundles")
        ordering = ["-id"]
        constraints = [models.UniqueConstraint(name="bundle_version", fields=["project", "version"])]

    def __str__(self) -> str:
        return f"{self.project_id}:{self.version}"
