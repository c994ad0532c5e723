"""Training schedules in the admin: read, switched on and off. The app above, which knows the recipes, makes them."""

from typing import Any

from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from foundation.admin_base import ActionVariant, ReadOnlyAdmin, ReasonForm, object_action, return_to, row_id, username
from models_registry.actions.schedules import disable_schedule, enable_schedule
from models_registry.admin.shown import indented
from models_registry.models import TrainingSchedule


@admin.register(TrainingSchedule)
class TrainingScheduleAdmin(ReadOnlyAdmin):
    """What is trained again and again, when it is due next, and what the newest check found."""

    list_display = ["key", "model", "recipe", "data_policy", "every_hours", "window_days", "due_at", "is_enabled"]
    list_filter = ["model__project", "is_enabled", "data_policy"]
    list_select_related = ["model"]
    search_fields = ["key", "model__name", "model__key"]
    ordering = ["-id"]
    actions_detail = ["enable", "disable"]
    fields = [
        "model",
        "key",
        "is_enabled",
        "due_at",
        "recipe",
        "every_hours",
        "window_days",
        "data_policy",
        "parameters_shown",
        "search_shown",
        "gate_shown",
        "drift_shown",
        "check_shown",
        "created_at",
    ]
    readonly_fields = ["parameters_shown", "search_shown", "gate_shown", "drift_shown", "check_shown"]

    @admin.display(description=_("parameters"))
    def parameters_shown(self, schedule: TrainingSchedule) -> SafeString:
        """Return the parameters that every training has."""
        return indented(schedule.parameters)

    @admin.display(description=_("search"))
    def search_shown(self, schedule: TrainingSchedule) -> SafeString:
        """Return the values to try."""
        return indented(schedule.search)

    @admin.display(description=_("gate rule"))
    def gate_shown(self, schedule: TrainingSchedule) -> SafeString:
        """Return what each candidate must show."""
        return indented(schedule.gate)

    @admin.display(description=_("drift bounds"))
    def drift_shown(self, schedule: TrainingSchedule) -> SafeString:
        """Return what makes it train before it is due."""
        return indented(schedule.drift)

    @admin.display(description=_("newest drift check"))
    def check_shown(self, schedule: TrainingSchedule) -> SafeString:
        """Return what the newest check found, and what of it was beyond its bound."""
        return indented(schedule.drift_check)

    def has_enable_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        """Return whether the schedule rests and the person may switch it."""
        return self._may_switch(request, object_id, is_enabled=False)

    def has_disable_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        """Return whether the schedule trains and the person may switch it."""
        return self._may_switch(request, object_id, is_enabled=True)

    @object_action(
        label=_("Switch it on"),
        explanation=_("It trains at once, and then by its clock."),
        form=ReasonForm,
        permission="enable",
        variant=ActionVariant.PRIMARY,
    )
    def enable(self, request: HttpRequest, form: Any, object_id: str) -> HttpResponse:
        """Let the schedule train again."""
        enable_schedule(
            schedule_id=row_id(object_id),
            acting_user=username(request),
            now=timezone.now(),
            reason=form.cleaned_data["reason"],
        )
        messages.success(request, _("The schedule trains again."))
        return return_to(request, self.page_of(object_id))

    @object_action(
        label=_("Switch it off"),
        explanation=_("What it made goes on serving; nothing new is trained until it is switched on again."),
        form=ReasonForm,
        permission="disable",
        variant=ActionVariant.WARNING,
    )
    def disable(self, request: HttpRequest, form: Any, object_id: str) -> HttpResponse:
        """Let the schedule rest."""
        disable_schedule(
            schedule_id=row_id(object_id),
            acting_user=username(request),
            now=timezone.now(),
            reason=form.cleaned_data["reason"],
        )
        messages.success(request, _("The schedule rests."))
        return return_to(request, self.page_of(object_id))

    def _may_switch(self, request: HttpRequest, object_id: str | None, *, is_enabled: bool) -> bool:
        is_there = TrainingSchedule.objects.filter(pk=row_id(object_id), is_enabled=is_enabled).exists()
        return is_there and request.user.has_perm("models_registry.change_trainingschedule")
