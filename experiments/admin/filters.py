"""Filters: saving a form makes the next version; experiments keep the version they were launched with."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import Exists, Model, OuterRef
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from experiments.actions.filters import FilterDefinition, create_filter
from experiments.models import Filter, FilteredUnit
from experiments.queries.filters import filter_of
from foundation.admin_base import ConsoleAdmin, return_to, username
from foundation.admin_fields import LinesField


class FilterForm(forms.ModelForm):  # type: ignore[type-arg]
    """A filter's definition, judged by UnitFilter; values and events are written one a line."""

    values = LinesField(
        label=gettext_lazy("Values"),
        required=False,
        help_text=gettext_lazy("Whoever has one of them is left out. One a line, exactly as the shop sends them."),
    )
    events = LinesField(
        label=gettext_lazy("Events"),
        required=False,
        help_text=gettext_lazy("Names as the shop sends them, one a line; they are counted together."),
    )

    class Meta:
        model = Filter
        fields = [
            "project",
            "key",
            "name",
            "description",
            "active",
            "kind",
            "rule",
            "attribute",
            "values",
            "events",
            "hours",
            "limit",
        ]
        help_texts = {
            "attribute": gettext_lazy(
                "As the shop sends it with its exposures. It must be among the project's stored attributes."
            ),
            "hours": gettext_lazy("How far back from the first exposure events are counted."),
            "limit": gettext_lazy("Whoever had more than this many of them is left out."),
        }

    def clean(self) -> dict[str, Any]:
        """Return the values if they make a filter with a meaning that can know anybody."""
        given = super().clean() or {}
        if self.errors:
            return given
        project = given.get("project") or self.instance.project
        draft = Filter(**{"key": self.instance.key, **given, "project": project, "version": 1})
        try:
            rule = filter_of(draft)
        except ValueError as error:
            raise forms.ValidationError(str(error), code="filter") from error
        if draft.active and rule.attribute is not None and rule.attribute not in project.attributes:
            text = _("The project does not store this attribute. Add it to the project's stored attributes first.")
            self.add_error("attribute", forms.ValidationError(text, code="attribute"))
        return given


@admin.register(Filter)
class FilterAdmin(ConsoleAdmin):
    """Who is left out of every figure because nobody shopped there: robots, made-up orders, our own staff."""

    form = FilterForm
    list_display = ["name", "active", "kind", "rule", "version", "key", "project"]
    list_filter = ["project", "active", "kind"]
    list_select_related = ["project"]
    search_fields = ["name", "key"]
    fieldsets = [
        (
            None,
            {
                "fields": ["project", "key", "name", "description", "active"],
                "description": gettext_lazy(
                    "A filter leaves units out of the analysis; it never changes what they see. It looks only at what "
                    "was known before a unit was exposed, and never at its variant, so it cannot favour one. The "
                    "readout shows the result with everybody beside it. Experiments that are launched from now on use "
                    "the filters that are active; those that run keep what they were launched with."
                ),
            },
        ),
        (
            gettext_lazy("Who is left out"),
            {"fields": ["kind", "rule", "attribute", "values", "events", "hours", "limit", "listed"]},
        ),
    ]
    readonly_fields = ["listed"]
    conditional_fields = {
        "attribute": "rule == 'ATTRIBUTE'",
        "values": "rule == 'ATTRIBUTE'",
        "events": "rule == 'EVENT_RATE'",
        "hours": "rule == 'EVENT_RATE'",
        "limit": "rule == 'EVENT_RATE'",
        "listed": "rule == 'UNIT_LIST'",
    }

    def get_queryset(self, request: HttpRequest) -> Any:
        """Return filters, each knowing whether a later version exists; the list shows the newest of each."""
        later = Filter.objects.filter(project=OuterRef("project"), key=OuterRef("key"), version__gt=OuterRef("version"))
        found = super().get_queryset(request).annotate(superseded=Exists(later))
        match = request.resolver_match
        in_list = match is not None and str(match.url_name).endswith("_changelist")
        return found.filter(superseded=False) if in_list else found

    @admin.display(description=gettext_lazy("units on the list"))
    def listed(self, rule: Filter) -> str:
        """Return how many units the list has, and how it is filled."""
        units = FilteredUnit.objects.filter(project_id=rule.project_id, filter_key=rule.key).count() if rule.pk else 0
        text = _("%(units)s. Filled by PUT /api/v1/filters/%(key)s/units or bin/manage filter_units %(key)s FILE.csv.")
        return text % {"units": units, "key": rule.key or "KEY"}

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Refuse for versions that a later one has replaced."""
        return super().has_change_permission(request, obj) and not getattr(obj, "superseded", False)

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> list[str]:
        """Return what makes a version belong to its filter, once there is one."""
        return ["project", "key", "listed"] if obj else ["listed"]

    def save_model(self, request: HttpRequest, obj: Filter, form: Any, change: bool) -> None:
        """Make the first or the next version by the action."""
        obj.pk = create_filter(
            project_id=obj.project_id,
            definition=FilterDefinition(
                key=obj.key,
                name=obj.name,
                description=obj.description,
                kind=obj.kind,
                rule=obj.rule,
                attribute=obj.attribute,
                values=obj.values,
                events=obj.events,
                hours=obj.hours,
                limit=obj.limit,
                active=obj.active,
            ),
            acting_user=username(request),
            now=timezone.now(),
        )
        obj.refresh_from_db()

    def response_change(self, request: HttpRequest, obj: Filter) -> HttpResponse:
        """Lead to the version that was made."""
        text = _("Version %(version)s of “%(name)s” is made. Experiments keep the version they were launched with.")
        messages.success(request, text % {"version": obj.version, "name": obj.name})
        return return_to(request, self.page_of(obj.pk))
