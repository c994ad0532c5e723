"""Variants, metrics and epochs in an experiment's form."""

from typing import Any

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from experiments.admin.forms import ExperimentMetricForm, VariantForm
from experiments.models import AllocationEpoch, Experiment, ExperimentMetric, Metric, Variant
from experiments.vocabulary import Status
from foundation.admin_base import ConsoleInline, ReadOnlyInline


class DesignInline(ConsoleInline):
    """A part of the design: editable in a draft, fixed afterwards."""

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Return whether the experiment is still a draft."""
        return super().has_add_permission(request, obj) and is_draft(obj)

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Return whether the experiment is still a draft."""
        return super().has_change_permission(request, obj) and is_draft(obj)

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Return whether the experiment is still a draft."""
        return super().has_delete_permission(request, obj) and is_draft(obj)


class VariantInline(DesignInline):
    """What is compared."""

    model = Variant
    form = VariantForm
    fields = ["key", "name", "is_control", "weight", "parameters"]
    verbose_name_plural = _("variants")


class MetricInline(DesignInline):
    """What decides, and what must not get worse."""

    model = ExperimentMetric
    form = ExperimentMetricForm
    fields = ["metric", "role", "margin"]
    verbose_name_plural = _("metrics")

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Offer the metrics of the experiment's project, the newest version first."""
        if db_field.name == "metric":
            kwargs["queryset"] = self._offered(request)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def _offered(self, request: HttpRequest) -> Any:
        match = request.resolver_match
        experiment_id = match.kwargs.get("object_id") if match else None
        project = Experiment.objects.filter(pk=experiment_id).values("project")[:1]
        return Metric.objects.filter(project__in=project)


class EpochInline(ReadOnlyInline):
    """Stretches of constant allocation."""

    model = AllocationEpoch
    fields = ["number", "opened_at", "covered", "shares"]
    readonly_fields = ["covered", "shares"]

    @admin.display(description=_("coverage"))
    def covered(self, epoch: AllocationEpoch) -> str:
        """Return the coverage as a percentage."""
        return f"{epoch.coverage / 10_000:g}%"

    @admin.display(description=_("weights"))
    def shares(self, epoch: AllocationEpoch) -> str:
        """Return each variant with its weight, and its state where it is not open."""
        rows = epoch.allocations.select_related("variant").order_by("variant__position", "variant_id")
        parts = []
        for held in rows:
            state = "" if held.state == "OPEN" else f" ({held.get_state_display()})"
            parts.append(f"{held.variant.name} {held.weight / 10_000:g}%{state}")
        return ", ".join(parts)


def is_draft(experiment: Model | None) -> bool:
    """Return whether the experiment may still be edited."""
    return isinstance(experiment, Experiment) and experiment.status == Status.DRAFT
