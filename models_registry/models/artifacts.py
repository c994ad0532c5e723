"""Artifacts that were dropped: the one way in which bytes of the registry go, and the record of it."""

from django.contrib.postgres.functions import TransactionNow
from django.db import models
from django.utils.translation import gettext_lazy as _


class ArtifactDrop(models.Model):
    """An artifact whose bytes were dropped; its versions stay. Append-only by trigger.

    A trigger lets pieces of an artifact go only in the transaction that writes this row for it: `dropped_at` is when
    that transaction began.
    """

    sha256 = models.CharField(_("SHA-256"), max_length=64, db_index=True)
    size = models.PositiveIntegerField(_("bytes"))
    actor = models.CharField(_("who"), max_length=150)
    reason = models.TextField(_("reason"))
    dropped_at = models.DateTimeField(_("dropped"), db_default=TransactionNow(), editable=False)

    class Meta:
        verbose_name = _("dropped artifact")
        verbose_name_plural = _("dropped artifacts")
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.sha256[:12]} {self.dropped_at}"
