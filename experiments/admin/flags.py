"""Flags: made with a key and a type for good; name, default and layer may change."""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from experiments.actions.flags import FlagDefinition, change_flag, create_flag
from experiments.assignment.flags import value_fault
from experiments.models import Flag
from experiments.vocabulary import FlagKind
from foundation.admin_base import ConsoleAdmin, text_area, username

_MUST_BE: Mapping[FlagKind, object] = {
    FlagKind.BOOLEAN: _("The value must be true or false."),
    FlagKind.STRING: _("The value must be a text in double quotes."),
    FlagKind.INTEGER: _("The value must be a whole number without a decimal point, of at most 16 digits."),
    FlagKind.FLOAT: _("The value must be a number."),
    FlagKind.OBJECT: _("The value must be a JSON object in curly braces."),
}


class _ValueField(forms.JSONField):
    """A value as JSON, in a text that is empty as long as there is none: no flag's value is null."""

    def prepare_value(self, value: Any) -> Any:
        """Return the text that the form shows."""
        return "" if value is None else super().prepare_value(value)


class FlagForm(forms.ModelForm):  # type: ignore[type-arg]
    """A flag; its default is written as JSON."""

    default = _ValueField(
        label=_("Default"),
        required=False,  # An empty text or object is a value, too.
        widget=text_area(rows=2),
        help_text=_('The value outside experiments, as JSON: true, 5, 19.9, "a text" or {"a": 1}.'),
    )

    class Meta:
        model = Flag
        fields = ["project", "key", "name", "kind", "default", "layer"]
        help_texts = {
            "key": _("What the storefront asks for, and the name of the parameter that variants give a value."),
            "kind": _("It can never be changed: storefronts read the value as this type."),
            "layer": _(
                "Experiments of this layer may set the flag. Without a layer one experiment without a layer may, at a "
                "time."
            ),
        }

    def clean(self) -> dict[str, Any]:
        """Return the values if the default is of the type and the layer is of the project."""
        given = super().clean() or {}
        kind = given.get("kind") or self.instance.kind
        if kind and "default" in given and value_fault(FlagKind(kind), given["default"]) is not None:
            self.add_error("default", forms.ValidationError(str(_MUST_BE[FlagKind(kind)]), code="default"))
        project, layer = given.get("project") or getattr(self.instance, "project", None), given.get("layer")
        if layer is not None and project is not None and layer.project_id != project.pk:
            text = _("The layer belongs to another project.")
            self.add_error("layer", forms.ValidationError(text, code="layer"))
        return given


@admin.register(Flag)
class FlagAdmin(ConsoleAdmin):
    """What storefronts ask for by name through OpenFeature."""

    form = FlagForm
    list_display = ["name", "key", "project", "kind", "default", "layer"]
    list_filter = ["project", "kind"]
    list_select_related = ["project", "layer"]
    search_fields = ["name", "key"]

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> list[str]:
        """Return what a flag keeps for good, once there is one."""
        return ["project", "key", "kind"] if obj else []

    def save_model(self, request: HttpRequest, obj: Flag, form: Any, change: bool) -> None:
        """Create or change the flag by the action."""
        if change:
            change_flag(
                flag_id=obj.pk,
                name=obj.name,
                default=obj.default,
                layer_id=obj.layer_id,
                acting_user=username(request),
                now=timezone.now(),
            )
            return
        definition = FlagDefinition(
            key=obj.key, name=obj.name, kind=obj.kind, default=obj.default, layer_id=obj.layer_id
        )
        obj.pk = create_flag(
            project_id=obj.project_id, definition=definition, acting_user=username(request), now=timezone.now()
        )
        obj.refresh_from_db()
