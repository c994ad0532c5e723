"""Experiments at decision points: bound while they are drafts, then shown as they were frozen."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import Model
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from decisions.actions.points import bind_experiment
from decisions.admin.policies import NewBindingForm, fields_of, first_policies, policies_in_words, policy_form
from decisions.models import PointExperiment
from decisions.queries.points import point_by_id
from experiments.lifecycle import EDITABLE
from experiments.queries.standing import standing_of
from experiments.reports.wording import STATUSES
from foundation.admin_base import ConsoleAdmin, username


@admin.register(PointExperiment)
class PointExperimentAdmin(ConsoleAdmin):
    """Which experiment decides at which decision point, and what its variants do there."""

    list_display = ["experiment", "point", "status", "policies"]
    list_filter = ["point__project", "point"]
    list_select_related = ["experiment", "point"]
    search_fields = ["experiment__name", "experiment__key"]
    ordering = ["-id"]

    @admin.display(description=gettext_lazy("status"), ordering="experiment__status")
    def status(self, bound: PointExperiment) -> str:
        """Return where the experiment stands."""
        return str(STATUSES[standing_of(bound.experiment_id).status])

    @admin.display(description=gettext_lazy("policies"))
    def policies(self, bound: PointExperiment) -> SafeString:
        """Return what each variant does."""
        return format_html_join(SafeString("<br>"), "{}", ((line,) for line in policies_in_words(bound.experiment_id)))

    @admin.display(description=gettext_lazy("experiment"))
    def design(self, bound: PointExperiment) -> SafeString:
        """Return a link to the experiment's form, where it is submitted and launched."""
        url = reverse("admin:experiments_experiment_change", args=[bound.experiment_id])
        return format_html('<a href="{}">{}</a>', url, bound.experiment)

    def get_form(self, request: HttpRequest, obj: Model | None = None, change: bool = False, **kwargs: Any) -> Any:
        """Return the choice of an experiment, or the policies of the chosen one."""
        form: Any = NewBindingForm
        if isinstance(obj, PointExperiment):
            form = policy_form(obj.experiment_id, point_by_id(obj.point_id))
        return super().get_form(request, obj, change, **{**kwargs, "form": form})

    def get_fieldsets(self, request: HttpRequest, obj: Model | None = None) -> Any:
        """Return one group of fields for each variant."""
        if not isinstance(obj, PointExperiment):
            return [(None, {"fields": ["experiment", "point"]})]
        if not self.has_change_permission(request, obj):
            return [(None, {"fields": ["design", "point", "status", "policies"]})]
        groups = [(name, {"fields": list(fields)}) for name, fields in fields_of(obj.experiment_id)]
        return [(None, {"fields": ["design", "point", "status"]}), *groups]

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> list[str]:
        """Return what is shown only."""
        return ["design", "status", "policies"] if obj else []

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Return whether the policies may be edited: only while the experiment has not started."""
        allowed = super().has_change_permission(request, obj)
        if not allowed or not isinstance(obj, PointExperiment):
            return allowed
        return standing_of(obj.experiment_id).status in EDITABLE

    def save_model(self, request: HttpRequest, obj: PointExperiment, form: Any, change: bool) -> None:
        """Bind by the action; a new binding begins with what a person most likely wants."""
        drafts = form.drafts if change else first_policies(obj.experiment_id, point_by_id(obj.point_id))
        bind_experiment(
            experiment_id=obj.experiment_id,
            point_id=obj.point_id,
            policies=drafts,
            acting_user=username(request),
            now=timezone.now(),
        )
        obj.pk = PointExperiment.objects.get(experiment_id=obj.experiment_id).pk

    def response_add(self, request: HttpRequest, obj: Model, post_url_continue: str | None = None) -> HttpResponse:
        """Go on with what each variant does."""
        messages.success(request, _("The experiment is bound. Check what each variant does."))
        return HttpResponseRedirect(self.page_of(obj.pk))
