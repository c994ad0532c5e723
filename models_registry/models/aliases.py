"""Aliases: which version of a model is champion, challenger or shadow, and how that came about."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from models_registry.models.versions import ModelVersion, RegisteredModel
from models_registry.vocabulary import AliasName

ALIAS_NAMES = [
    (AliasName.CHAMPION.value, _("Champion")),
    (AliasName.CHALLENGER.value, _("Challenger")),
    (AliasName.SHADOW.value, _("Shadow")),
]


class Alias(models.Model):
    """What an alias points at now.

    `holders` is a list of {version, audience, unit_kind}: the first whose audience admits somebody holds the alias
    for them, so that a version that was tested on an audience serves that audience and the one before it the rest.
    """

    model = models.ForeignKey(RegisteredModel, models.PROTECT, related_name="aliases", verbose_name=_("model"))
    name = models.CharField(_("alias"), max_length=10, choices=ALIAS_NAMES)
    version = models.ForeignKey(
        ModelVersion, models.PROTECT, null=True, related_name="aliases", verbose_name=_("version")
    )
    holders = models.JSONField(_("holders"), default=list)

    class Meta:
        verbose_name = _("alias")
        verbose_name_plural = _("aliases")
        constraints = [models.UniqueConstraint(name="alias_name", fields=["model", "name"])]

    def __str__(self) -> str:
        return f"{self.model}@{self.name}"


class AliasMove(models.Model):
    """One move of an alias: from what, to what, when, by whom and why; append-only by trigger."""

    model = models.ForeignKey(RegisteredModel, models.PROTECT, related_name="moves", verbose_name=_("model"))
    name = models.CharField(_("alias"), max_length=10, choices=ALIAS_NAMES)
    before = models.JSONField(_("before"))
    after = models.JSONField(_("after"))
    at = models.DateTimeField(_("time"))
    actor = models.CharField(_("who"), max_length=150)
    reason = models.TextField(_("reason"))
    undoes = models.OneToOneField(
        "self", models.PROTECT, null=True, related_name="undone_by", verbose_name=_("takes back")
    )

    class Meta:
        verbose_name = _("alias move")
        verbose_name_plural = _("alias moves")
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.model}@{self.name} {self.at}"
