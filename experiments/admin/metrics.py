"""Metrics: saving a form makes the next version; earlier versions stay as they were."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import Exists, Model, OuterRef
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from experiments.actions.design import MetricDefinition, create_metric
from experiments.admin.forms import MetricForm
from experiments.models import Metric
from foundation.admin_base import ConsoleAdmin, return_to, username


@admin.register(Metric)
class MetricAdmin(ConsoleAdmin):
    """What is measured; an experiment keeps the version that it was designed with."""

    form = MetricForm
    list_display = ["name", "key", "version", "is_latest", "kind", "direction", "window", "project"]
    list_filter = ["project", "kind"]
    list_select_related = ["project"]
    search_fields = ["name", "key"]
    fieldsets = [
        (None, {"fields": ["project", "key", "name", "description"]}),
        (
            gettext_lazy("What is counted"),
            {
                "fields": [
                    "kind",
                    "direction",
                    "numerator_events",
                    "numerator_what",
                    "denominator_events",
                    "denominator_what",
                ],
                "description": gettext_lazy(
                    "A conversion counts units with at least one event; a sum adds up values such as revenue; a ratio "
                    "divides two totals, such as clicks by views."
                ),
            },
        ),
        (
            gettext_lazy("Window and variance"),
            {"fields": ["window_hours", "maturity_hours", "cap_micros", "covariate_days"]},
        ),
    ]
    conditional_fields = {
        "denominator_events": "kind == 'RATIO'",
        "denominator_what": "kind == 'RATIO'",
    }

    def get_queryset(self, request: HttpRequest) -> Any:
        """Return metrics, each knowing whether a later version exists."""
        later = Metric.objects.filter(project=OuterRef("project"), key=OuterRef("key"), version__gt=OuterRef("version"))
        return super().get_queryset(request).annotate(superseded=Exists(later))

    @admin.display(boolean=True, description=gettext_lazy("latest"))
    def is_latest(self, metric: Metric) -> bool:
        """Return whether this is the newest version."""
        return not metric.superseded  # type: ignore[attr-defined]

    @admin.display(description=gettext_lazy("window"), ordering="window_hours")
    def window(self, metric: Metric) -> str:
        """Return the window in days."""
        return _("%(days)s days") % {"days": f"{metric.window_hours / 24:g}"}

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Refuse for versions that a later one has replaced."""
        return super().has_change_permission(request, obj) and not getattr(obj, "superseded", False)

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> list[str]:
        """Return what makes a version belong to its metric, once there is one."""
        return ["project", "key"] if obj else []

    def save_model(self, request: HttpRequest, obj: Metric, form: Any, change: bool) -> None:
        """Make the first or the next version by the action."""
        obj.pk = create_metric(
            project_id=obj.project_id,
            definition=MetricDefinition(
                key=obj.key,
                name=obj.name,
                kind=obj.kind,
                numerator_events=obj.numerator_events,
                numerator_what=obj.numerator_what,
                direction=obj.direction,
                denominator_events=obj.denominator_events,
                denominator_what=obj.denominator_what,
                cap_micros=obj.cap_micros,
                window_hours=obj.window_hours,
                maturity_hours=obj.maturity_hours,
                covariate_days=obj.covariate_days,
                description=obj.description,
            ),
            acting_user=username(request),
            now=timezone.now(),
        )
        obj.refresh_from_db()

    def response_change(self, request: HttpRequest, obj: Metric) -> HttpResponse:
        """Lead to the version that was made."""
        text = _("Version %(version)s of “%(name)s” is made. Experiments keep the version they were designed with.")
        messages.success(request, text % {"version": obj.version, "name": obj.name})
        return return_to(request, self.page_of(obj.pk))
