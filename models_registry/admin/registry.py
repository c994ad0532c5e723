"""Models, versions, aliases and moves: models are registered here, everything else is only read."""

from typing import Any, Final

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from foundation.admin_base import ConsoleAdmin, ReadOnlyAdmin, username
from models_registry.actions.models import create_model
from models_registry.admin.shown import indented
from models_registry.models import Alias, AliasMove, ModelVersion, RegisteredModel


class RegisteredModelAdmin(ConsoleAdmin):
    """Tasks that versions compete for: created once, then fixed.

    The app above registers a subclass of it for `table`, because it knows the domains and can train.
    """

    table: Final = RegisteredModel
    list_display = ["name", "key", "project", "domain", "created_at"]
    list_filter = ["project", "domain"]
    list_select_related = ["project"]
    search_fields = ["name", "key"]
    fields = ["project", "key", "name", "domain", "description"]

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Refuse for a model that exists."""
        return obj is None and super().has_change_permission(request, obj)

    def save_model(self, request: HttpRequest, obj: RegisteredModel, form: Any, change: bool) -> None:
        """Register the model by the action."""
        obj.pk = create_model(
            project_id=obj.project_id,
            key=obj.key,
            name=obj.name,
            domain=obj.domain,
            description=obj.description,
            acting_user=username(request),
            now=timezone.now(),
        )
        obj.refresh_from_db()


@admin.register(ModelVersion)
class ModelVersionAdmin(ReadOnlyAdmin):
    """What was trained and may serve; a version never changes."""

    list_display = ["__str__", "kind", "gate_passed", "data_end", "created_at"]
    list_filter = ["model__project", "kind"]
    list_select_related = ["model"]
    search_fields = ["model__name", "model__key", "sha256"]
    ordering = ["-id"]
    fields = [
        "model",
        "number",
        "kind",
        "gate_passed",
        "sha256",
        "size",
        "run",
        "data_start",
        "data_end",
        "code_revision",
        "created_at",
        "signature_shown",
        "metrics_shown",
        "gate_shown",
    ]
    readonly_fields = ["gate_passed", "signature_shown", "metrics_shown", "gate_shown"]

    @admin.display(boolean=True, description=_("gate passed"))
    def gate_passed(self, version: ModelVersion) -> bool:
        """Return whether the offline gate let it pass."""
        return version.gate.get("passed") is True

    @admin.display(description=_("signature"))
    def signature_shown(self, version: ModelVersion) -> SafeString:
        """Return inputs and arrays."""
        return indented(version.signature)

    @admin.display(description=_("offline metrics"))
    def metrics_shown(self, version: ModelVersion) -> SafeString:
        """Return the offline metrics."""
        return indented(version.metrics)

    @admin.display(description=_("gate"))
    def gate_shown(self, version: ModelVersion) -> SafeString:
        """Return the gate's rule, comparisons and reasons."""
        return indented(version.gate)


@admin.register(Alias)
class AliasAdmin(ReadOnlyAdmin):
    """What each alias points at now."""

    list_display = ["model", "name", "version"]
    list_filter = ["model__project", "name"]
    list_select_related = ["model", "version__model"]
    fields = ["model", "name", "version", "holders_shown"]
    readonly_fields = ["holders_shown"]

    @admin.display(description=_("holders"))
    def holders_shown(self, alias: Alias) -> SafeString:
        """Return who holds the alias for whom."""
        return indented(alias.holders)


@admin.register(AliasMove)
class AliasMoveAdmin(ReadOnlyAdmin):
    """Every move of an alias, with who and why."""

    list_display = ["at", "model", "name", "actor", "reason", "undoes"]
    list_filter = ["model__project", "name"]
    list_select_related = ["model", "undoes__model"]
    search_fields = ["model__name", "model__key", "actor", "reason"]
    ordering = ["-id"]
    show_full_result_count = False
    fields = ["model", "name", "at", "actor", "reason", "undoes", "before_shown", "after_shown"]
    readonly_fields = ["before_shown", "after_shown"]

    @admin.display(description=_("before"))
    def before_shown(self, move: AliasMove) -> SafeString:
        """Return who held the alias before."""
        return indented(move.before)

    @admin.display(description=_("after"))
    def after_shown(self, move: AliasMove) -> SafeString:
        """Return who held the alias afterwards."""
        return indented(move.after)
