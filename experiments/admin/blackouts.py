"""The blackout calendar: days are added and removed, never changed; experiments that were launched keep theirs."""

from typing import Any

from django.contrib import admin
from django.db import transaction
from django.db.models import Model
from django.forms import ModelForm
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from experiments.actions.blackouts import add_blackout, remove_blackout
from experiments.admin.traffic import FixedAfterCreation
from experiments.models import Blackout
from foundation.admin_base import username


class BlackoutForm(ModelForm):  # type: ignore[type-arg]
    """Days to keep out."""

    class Meta:
        model = Blackout
        fields = ["project", "name", "first_day", "last_day"]
        help_texts = {
            "name": _("Such as a sale or a holiday: what makes these days unlike others."),
            "first_day": _("In the time zone of the project."),
            "last_day": _("It is kept out too."),
        }


@admin.register(Blackout)
class BlackoutAdmin(FixedAfterCreation):
    """Days that experiments by period leave out."""

    form = BlackoutForm
    list_display = ["name", "first_day", "last_day", "project"]
    list_filter = ["project"]
    list_select_related = ["project"]
    search_fields = ["name"]

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Return whether the person may remove days."""
        return request.user.has_perm("experiments.delete_blackout")

    def save_model(self, request: HttpRequest, obj: Blackout, form: Any, change: bool) -> None:
        """Add the days by the action."""
        obj.pk = add_blackout(
            project_id=obj.project_id,
            name=obj.name,
            first_day=obj.first_day,
            last_day=obj.last_day,
            acting_user=username(request),
            now=timezone.now(),
        )
        obj.refresh_from_db()

    def delete_model(self, request: HttpRequest, obj: Blackout) -> None:
        """Remove the days by the action."""
        remove_blackout(blackout_id=obj.pk, acting_user=username(request), now=timezone.now())

    def delete_queryset(self, request: HttpRequest, queryset: Any) -> None:
        """Remove each of them by the action; all or none."""
        with transaction.atomic():
            for row in queryset:
                self.delete_model(request, row)
