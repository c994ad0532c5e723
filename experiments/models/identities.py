"""Who is who: the visitors that a customer was before logging in."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class IdentityLink(models.Model):
    """A customer known to be a visitor, by their stored ids; written by the projector from `alias` messages alone.

    The earliest message of a pair makes the row; rows are never changed. Times are project time.
    """

    project = models.ForeignKey(
        "foundation.Project", models.PROTECT, related_name="+", verbose_name=_("project"), db_index=False
    )
    customer = models.TextField()
    visitor = models.TextField()
    linked_at = models.DateTimeField(_("linked"))
    received_at = models.DateTimeField(_("received"))
    message_id = models.TextField()

    class Meta:
        verbose_name = _("identity")
        verbose_name_plural = _("identities")
        constraints = [models.UniqueConstraint(name="identity_once", fields=["project", "customer", "visitor"])]
        indexes = [
            models.Index(name="identity_visitor", fields=["project", "visitor"]),
            models.Index(name="identity_received", fields=["project", "received_at"]),
        ]

    def __str__(self) -> str:
        return f"{self.customer[:12]} {self.visitor[:12]}"
