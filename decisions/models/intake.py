"""What became of the messages that arrived, what was replayed, and which looks later evidence concerns."""

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _


class IntakeCount(models.Model):
    """How often something happened to messages of a project on a day of receipt (UTC); written by the edge alone.

    `slot` spreads the counts of writers that work at the same time over rows, so that they need not wait for each
    other; figures are sums over it. The example holds no personal ids and at most a kilobyte.
    """

    pk = models.CompositePrimaryKey("project_id", "day", "kind", "reason", "key_kind", "slot")
    project_id = models.BigIntegerField()
    day = models.DateField()
    kind = models.TextField()
    reason = models.TextField()
    key_kind = models.TextField()
    slot = models.SmallIntegerField()
    count = models.BigIntegerField()
    example = models.JSONField(null=True)
    first_at = models.DateTimeField()
    last_at = models.DateTimeField()

    class Meta:
        verbose_name = _("intake count")
        verbose_name_plural = _("intake counts")


class Replay(models.Model):
    """A quarantined message that counts since somebody replayed it: for the projector it was received then."""

    pk = models.CompositePrimaryKey("project_id", "day", "message_id")
    project_id = models.BigIntegerField()
    day = models.DateField()
    message_id = models.TextField()
    replayed_at = models.DateTimeField()

    class Meta:
        verbose_name = _("replayed message")
        verbose_name_plural = _("replayed messages")
        indexes = [models.Index(name="replay_time", fields=["project_id", "replayed_at"])]


class StaleLook(models.Model):
    """A look that later evidence concerns: how much of it, since when, and what the figures are with it.

    The look itself stays what it was. `content` and `verdict_state` are the same look taken again with everything
    received before `restated_before`; empty until it has been.
    """

    scorecard = models.OneToOneField("experiments.Scorecard", models.CASCADE, primary_key=True, related_name="+")
    since = models.DateTimeField(_("stale since"), db_default=Now())
    rows = models.BigIntegerField(_("later rows"))
    newest = models.DateTimeField(_("newest receipt of them"))
    restated_rows = models.BigIntegerField(_("later rows that are restated"), default=0)
    restated_before = models.DateTimeField(_("restated with what was received before"), null=True)
    content = models.TextField(default="")
    verdict_state = models.CharField(_("restated verdict"), max_length=13, default="")

    class Meta:
        verbose_name = _("stale look")
        verbose_name_plural = _("stale looks")

    def __str__(self) -> str:
        return f"{self.scorecard_id}: {self.rows}"
