"""Variants, metrics and epochs in an experiment's form."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from experiments.admin.forms import ExperimentMetricForm, VariantForm
from experiments.models import AllocationEpoch, Experiment, ExperimentMetric, Metric, Variant
from experiments.reports.figures import percent
from experiments.vocabulary import Status
from foundation.admin_base import ConsoleInline, ReadOnlyInline, row_id


class DesignInline(ConsoleInline):
    """A part of the design: editable in a draft, fixed afterwards and then shown as people read it."""

    columns: Sequence[str] = ()
    shown: Mapping[str, str] = {}

    def get_fields(self, request: HttpRequest, obj: Model | None = None) -> Any:
        """Return the fields, with those that people read otherwise than they are stored replaced where fixed."""
        if self.has_change_permission(request, obj):
            return self.columns
        return [self.shown.get(name, name) for name in self.columns]

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
    columns = ["key", "name", "is_control", "weight", "parameters"]
    readonly_fields = ["weight_shown"]
    verbose_name_plural = _("variants")
    shown = {"weight": "weight_shown"}

    @admin.display(description=_("weight"))
    def weight_shown(self, variant: Variant) -> str:
        """Return the weight as a percentage."""
        return percent(variant.weight / 1_000_000)


class MetricInline(DesignInline):
    """What decides, and what must not get worse."""

    model = ExperimentMetric
    form = ExperimentMetricForm
    columns = ["metric", "role", "margin"]
    readonly_fields = ["margin_shown"]
    verbose_name = _("metric")
    verbose_name_plural = _("metrics")
    shown = {"margin": "margin_shown"}

    @admin.display(description=_("margin"))
    def margin_shown(self, use: ExperimentMetric) -> str:
        """Return the margin as a percentage."""
        return "" if use.margin is None else percent(use.margin)

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Offer the metrics of the experiment's project, the newest version first."""
        if db_field.name == "metric":
            kwargs["queryset"] = self._offered(request)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def _offered(self, request: HttpRequest) -> Any:
        match = request.resolver_match
        experiment_id = row_id(match.kwargs.get("object_id")) if match else 0
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
