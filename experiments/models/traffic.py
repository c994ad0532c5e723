"""How traffic is divided before any experiment sees it."""

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import IntegerRangeField, RangeOperators
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from experiments.vocabulary import UnitKind
from foundation.fields import random_salt, validate_key

SLOTS = 1_000_000

UNIT_KINDS = [
    (UnitKind.VISITOR.value, _("Visitor")),
    (UnitKind.CUSTOMER.value, _("Customer")),
    (UnitKind.SESSION.value, _("Session")),
    (UnitKind.ITEM.value, _("Item")),
    (UnitKind.STORE.value, _("Store")),
    (UnitKind.CLUSTER.value, _("Cluster")),
    (UnitKind.STORE_ITEM.value, _("Item in a store")),
]


class Layer(models.Model):
    """A strip of traffic whose experiments exclude each other."""

    project = models.ForeignKey("foundation.Project", models.PROTECT, related_name="+", verbose_name=_("project"))
    key = models.CharField(_("key"), max_length=64, validators=[validate_key])
    name = models.CharField(_("name"), max_length=200)
    salt = models.CharField(max_length=32, default=random_salt, editable=False)
    created_at = models.DateTimeField(_("created"), db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("layer")
        verbose_name_plural = _("layers")
        constraints = [models.UniqueConstraint(name="layer_key", fields=["project", "key"])]

    def __str__(self) -> str:
        return self.name


class LayerRange(models.Model):
    """Slots of a layer that an experiment holds while it is alive; the database refuses an overlap."""

    layer = models.ForeignKey(Layer, models.PROTECT, related_name="ranges")
    experiment = models.ForeignKey("experiments.Experiment", models.CASCADE, related_name="layer_ranges")
    slots = IntegerRangeField(_("slots"))

    class Meta:
        verbose_name = _("layer range")
        verbose_name_plural = _("layer ranges")
        constraints = [
            ExclusionConstraint(
                name="layer_slots_are_exclusive",
                expressions=[("layer", RangeOperators.EQUAL), ("slots", RangeOperators.OVERLAPS)],
            ),
            models.CheckConstraint(
                name="layer_slots_in_bounds",
                condition=Q(slots__startswith__gte=0, slots__endswith__lte=SLOTS, slots__isempty=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.layer_id}:{self.slots}"


class Holdout(models.Model):
    """Units kept out of every experiment that names it, to measure their sum over months."""

    project = models.ForeignKey("foundation.Project", models.PROTECT, related_name="+", verbose_name=_("project"))
    key = models.CharField(_("key"), max_length=64, validators=[validate_key])
    name = models.CharField(_("name"), max_length=200)
    salt = models.CharField(max_length=32, default=random_salt, editable=False)
    unit_kind = models.CharField(_("randomization unit"), max_length=10, choices=UNIT_KINDS, default="visitor")
    share = models.PositiveIntegerField(_("slots kept out"), help_text=_("Of 1 000 000; 50 000 is five per cent."))
    created_at = models.DateTimeField(_("created"), db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("holdout")
        verbose_name_plural = _("holdouts")
        constraints = [
            models.UniqueConstraint(name="holdout_key", fields=["project", "key"]),
            models.CheckConstraint(name="holdout_share_in_bounds", condition=Q(share__gt=0, share__lt=SLOTS)),
        ]

    def __str__(self) -> str:
        return self.name
