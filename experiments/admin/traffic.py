"""Layers and holdouts: made once, with a salt that never changes."""

from typing import Any

from django.contrib import admin
from django.db.models import Model
from django.forms import ModelForm
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from experiments.actions.design import create_holdout, create_layer
from experiments.models import Holdout, Layer, LayerRange
from foundation.admin_base import ConsoleAdmin, ReadOnlyInline, username
from foundation.admin_fields import SlotField


class FixedAfterCreation(ConsoleAdmin):
    """A record that can be created and read, but not changed."""

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Refuse for a record that exists."""
        return obj is None and super().has_change_permission(request, obj)


class LayerRangeInline(ReadOnlyInline):
    """Who holds which part of a layer."""

    model = LayerRange
    fields = ["experiment", "part"]
    readonly_fields = ["part"]
    verbose_name_plural = _("held parts")

    @admin.display(description=_("part of the layer"))
    def part(self, held: LayerRange) -> str:
        """Return the range as percentages."""
        return f"{held.slots.lower / 10_000:g}% – {held.slots.upper / 10_000:g}%"


@admin.register(Layer)
class LayerAdmin(FixedAfterCreation):
    """Strips of traffic whose experiments exclude each other."""

    list_display = ["name", "key", "project", "taken"]
    list_filter = ["project"]
    list_select_related = ["project"]
    search_fields = ["name", "key"]
    fields = ["project", "key", "name"]
    inlines = [LayerRangeInline]

    @admin.display(description=_("taken"))
    def taken(self, layer: Layer) -> str:
        """Return how much of the layer experiments hold."""
        return f"{sum(held.slots.upper - held.slots.lower for held in layer.ranges.all()) / 10_000:g}%"

    def get_queryset(self, request: HttpRequest) -> Any:
        """Return layers with their ranges."""
        return super().get_queryset(request).prefetch_related("ranges")

    def get_inlines(self, request: HttpRequest, obj: Model | None) -> Any:
        """Return who holds the layer, once it exists."""
        return self.inlines if obj else []

    def save_model(self, request: HttpRequest, obj: Layer, form: Any, change: bool) -> None:
        """Create the layer by the action."""
        obj.pk = create_layer(
            project_id=obj.project_id, key=obj.key, name=obj.name, acting_user=username(request), now=timezone.now()
        )
        obj.refresh_from_db()


class HoldoutForm(ModelForm):  # type: ignore[type-arg]
    """A holdout; its share is a percentage."""

    share = SlotField(
        label=_("Share kept out (%)"),
        help_text=_("Five per cent is usual. These units see no experiment that names it."),
    )

    class Meta:
        model = Holdout
        fields = ["project", "key", "name", "unit_kind", "share"]


@admin.register(Holdout)
class HoldoutAdmin(FixedAfterCreation):
    """Units kept out of experiments to measure their sum over months."""

    form = HoldoutForm
    list_display = ["name", "key", "project", "unit_kind", "kept_out"]
    list_filter = ["project"]
    list_select_related = ["project"]
    search_fields = ["name", "key"]

    @admin.display(description=_("share kept out"), ordering="share")
    def kept_out(self, holdout: Holdout) -> str:
        """Return the share as a percentage."""
        return f"{holdout.share / 10_000:g}%"

    def save_model(self, request: HttpRequest, obj: Holdout, form: Any, change: bool) -> None:
        """Create the holdout by the action."""
        obj.pk = create_holdout(
            project_id=obj.project_id,
            key=obj.key,
            name=obj.name,
            unit_kind=obj.unit_kind,
            share=obj.share,
            acting_user=username(request),
            now=timezone.now(),
        )
        obj.refresh_from_db()
