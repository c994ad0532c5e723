"""Filters: versioned rules of whom an analysis leaves out; an experiment pins the versions it was launched with."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from foundation.fields import validate_key


class Filter(models.Model):
    """One version of a filter; a trigger refuses to change it, an edit makes the next version."""

    class Kind(models.TextChoices):
        BOT = "BOT", _("Robots")
        BRUSHING = "BRUSHING", _("Brushing (made-up orders)")
        INTERNAL = "INTERNAL", _("Our own staff")

    class Rule(models.TextChoices):
        ATTRIBUTE = "ATTRIBUTE", _("An attribute has one of these values")
        EVENT_RATE = "EVENT_RATE", _("Too many events shortly before")
        UNIT_LIST = "UNIT_LIST", _("The unit is on a list")

    project = models.ForeignKey("foundation.Project", models.PROTECT, related_name="+", verbose_name=_("project"))
    key = models.CharField(_("key"), max_length=64, validators=[validate_key])
    version = models.PositiveIntegerField(_("version"), default=1, editable=False)
    name = models.CharField(_("name"), max_length=200)
    description = models.TextField(_("description"), default="", blank=True)
    kind = models.CharField(_("leaves out"), max_length=8, choices=Kind)
    rule = models.CharField(_("rule"), max_length=10, choices=Rule)
    attribute = models.CharField(_("attribute"), max_length=64, default="", blank=True)
    values = ArrayField(models.CharField(max_length=200), verbose_name=_("values"), default=list, blank=True)
    events = ArrayField(models.CharField(max_length=200), verbose_name=_("events"), default=list, blank=True)
    hours = models.PositiveIntegerField(_("hours before exposure"), null=True, blank=True)
    limit = models.PositiveIntegerField(_("most events"), null=True, blank=True)
    active = models.BooleanField(
        _("active"), default=False, help_text=_("Experiments that are launched from now on use it.")
    )
    created_at = models.DateTimeField(_("created"), db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("filter")
        verbose_name_plural = _("filters")
        ordering = ["key", "-version"]
        constraints = [
            models.UniqueConstraint(name="filter_version", fields=["project", "key", "version"]),
            models.CheckConstraint(
                name="filter_rule_is_complete",
                condition=Q(rule="ATTRIBUTE", attribute__gt="", values__len__gt=0)
                | Q(rule="EVENT_RATE", events__len__gt=0, hours__gt=0, limit__isnull=False)
                | Q(rule="UNIT_LIST"),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} (v{self.version})"
