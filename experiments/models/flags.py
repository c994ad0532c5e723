"""Flags: the parameters of a layer that storefronts ask for by name, each with the value for everybody else."""

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from experiments.models.traffic import Layer
from foundation.fields import validate_key


class Flag(models.Model):
    """A parameter with a type and a default; experiments of its layer give other values to the units they enrol.

    A flag without a layer belongs to whichever experiment without a layer sets it, one at a time.
    """

    class Kind(models.TextChoices):
        BOOLEAN = "BOOLEAN", _("On or off")
        STRING = "STRING", _("Text")
        INTEGER = "INTEGER", _("Whole number")
        FLOAT = "FLOAT", _("Number")
        OBJECT = "OBJECT", _("Object")

    project = models.ForeignKey("foundation.Project", models.PROTECT, related_name="+", verbose_name=_("project"))
    key = models.CharField(_("key"), max_length=64, validators=[validate_key])
    name = models.CharField(_("name"), max_length=200)
    kind = models.CharField(_("type"), max_length=7, choices=Kind)
    default = models.JSONField(_("default"), help_text=_("The value outside experiments."))
    layer = models.ForeignKey(
        Layer, models.PROTECT, null=True, blank=True, related_name="flags", verbose_name=_("layer")
    )
    created_at = models.DateTimeField(_("created"), db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("flag")
        verbose_name_plural = _("flags")
        constraints = [models.UniqueConstraint(name="flag_key", fields=["project", "key"])]

    def __str__(self) -> str:
        return self.name
