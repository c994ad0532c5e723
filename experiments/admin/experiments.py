"""Experiments: a form for drafts, a checklist before launch, buttons for every step of their life."""

from typing import Any, Final

from django.contrib import admin, messages
from django.db.models import Model, OuterRef, Subquery
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from experiments.actions.design import (
    ExperimentDraft,
    VariantDraft,
    create_experiment,
    hold_layer,
    record_design_change,
)
from experiments.actions.payable import withdraw_payable
from experiments.admin.badges import readout_link, status_text, verdict_badge
from experiments.admin.forms import ExperimentForm, LayerSlotsField, NewExperimentForm
from experiments.admin.guidance import guide_of
from experiments.admin.inlines import EpochInline, MetricInline, VariantInline, is_draft
from experiments.admin.lifecycle import LifecycleButtons
from experiments.admin.snapshots import snapshot_of
from experiments.models import Experiment, Scorecard
from experiments.queries.plans import filters_of
from experiments.reports import figures
from foundation.admin_base import row_id, username
from foundation.money import format_micros
from foundation.queries import project_facts

SLOTS: Final = 1_000_000
WHOLE_LAYER: Final = ((0, SLOTS),)
_SHOWN: Final = {
    "coverage": "coverage_shown",
    "dimensions": "dimensions_shown",
    "minimum_effect": "minimum_effect_shown",
    "layer_slots": "layer_slots_shown",
    "budget": "budget_shown",
}
_ANSWERED_FOR: Final = ("payable", "unit_kind", "variants")
"""What somebody answers for who lets persons pay differently: changed, it needs another word."""


@admin.register(Experiment)
class ExperimentAdmin(LifecycleButtons):
    """Comparisons of variants; drafts are edited here, everything later is moved by buttons."""

    form = ExperimentForm
    list_display = ["name", "status_shown", "verdict_shown", "days", "variants_shown", "project", "readout"]
    list_filter = ["status", "project", "source"]
    list_select_related = ["project"]
    search_fields = ["name", "key", "hypothesis"]
    ordering = ["-id"]
    inlines = [VariantInline, MetricInline, EpochInline]
    change_form_outer_before_template = "experiments/checklist.html"
    add_fieldsets = [
        (
            None,
            {
                "fields": ["project", "key", "name", "unit_kind", "hypothesis"],
                "description": gettext_lazy(
                    "The draft begins with a control and a treatment at 50% each. Metrics, traffic and plan come next."
                ),
            },
        )
    ]
    fieldsets = [
        (None, {"fields": ["name", ("key", "project", "status_shown"), "hypothesis"]}),
        (
            gettext_lazy("Plan"),
            {"classes": ["tab"], "fields": ["horizon_days", "minimum_effect", "dimensions", "filters_shown"]},
        ),
        (
            gettext_lazy("Traffic"),
            {
                "classes": ["tab"],
                "fields": [
                    "unit_kind",
                    "payable",
                    "coverage",
                    "audience",
                    "layer",
                    "layer_slots",
                    "holdout",
                    "personalised",
                ],
            },
        ),
        (
            gettext_lazy("Periods"),
            {"classes": ["tab"], "fields": ["period_minutes", "period_design", "burn_in_minutes", "budget"]},
        ),
        (gettext_lazy("Testing and analysis"), {"classes": ["tab"], "fields": ["overrides", "plan_overrides"]}),
    ]

    def get_queryset(self, request: HttpRequest) -> Any:
        """Return experiments with their variants and the verdict of their latest look."""
        newest = Scorecard.objects.filter(experiment=OuterRef("pk")).order_by("-look")
        return (
            super()
            .get_queryset(request)
            .prefetch_related("variants")
            .annotate(
                newest_state=Subquery(newest.values("verdict_state")[:1]),
                newest_winner=Subquery(newest.values("verdict__winner")[:1]),
            )
        )

    @admin.display(description=gettext_lazy("status"), ordering="status")
    def status_shown(self, experiment: Experiment) -> str:
        """Return the status in words."""
        return status_text(experiment)

    @admin.display(description=gettext_lazy("verdict"))
    def verdict_shown(self, experiment: Experiment) -> SafeString:
        """Return the verdict of the latest look."""
        names = {variant.key: variant.name for variant in experiment.variants.all()}
        winner = experiment.newest_winner  # type: ignore[attr-defined]
        return verdict_badge(experiment.newest_state, names.get(winner, winner))  # type: ignore[attr-defined]

    @admin.display(description=gettext_lazy("days running"), ordering="started_at")
    def days(self, experiment: Experiment) -> str:
        """Return how many days of the planned ones it has run, by the clock of its project."""
        if experiment.started_at is None:
            return "–"
        end = experiment.stopped_at or project_facts(experiment.project_id).clock.at(timezone.now())
        run = max(0, (end - experiment.started_at).days)
        return f"{run} / {experiment.horizon_days}" if experiment.horizon_days else str(run)

    @admin.display(description=gettext_lazy("variants"))
    def variants_shown(self, experiment: Experiment) -> str:
        """Return the control against the others."""
        control = [variant.name for variant in experiment.variants.all() if variant.is_control]
        others = [variant.name for variant in experiment.variants.all() if not variant.is_control]
        return " · ".join([*control, *others])

    @admin.display(description=gettext_lazy("readout"))
    def readout(self, experiment: Experiment) -> SafeString:
        """Return a link to the readout."""
        return readout_link(experiment)

    def get_form(self, request: HttpRequest, obj: Model | None = None, change: bool = False, **kwargs: Any) -> Any:
        """Return the short form for a new draft, the whole design for an existing one."""
        form = ExperimentForm if obj else NewExperimentForm
        return super().get_form(request, obj, change, **{**kwargs, "form": form})

    def get_inlines(self, request: HttpRequest, obj: Model | None) -> Any:
        """Return the parts of the design, once there is one; epochs once there are any."""
        if not isinstance(obj, Experiment):
            return []
        return self.inlines if obj.started_at else [VariantInline, MetricInline]

    def get_fieldsets(self, request: HttpRequest, obj: Model | None = None) -> Any:
        """Return the fieldsets; where nothing can be edited, shares are shown as people read them."""
        fieldsets = super().get_fieldsets(request, obj)
        if obj is None or self.has_change_permission(request, obj):
            return fieldsets
        return [
            (title, {**options, "fields": [_SHOWN.get(str(name), name) for name in options["fields"]]})
            for title, options in fieldsets
        ]

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> list[str]:
        """Return what never changes once the experiment exists."""
        return ["key", "project", "status_shown", "filters_shown", *_SHOWN.values()] if obj else []

    @admin.display(description=gettext_lazy("coverage"))
    def coverage_shown(self, experiment: Experiment) -> str:
        """Return the coverage at launch as a percentage."""
        return figures.percent(experiment.coverage / SLOTS)

    @admin.display(description=gettext_lazy("dimensions"))
    def dimensions_shown(self, experiment: Experiment) -> str:
        """Return the dimensions in a line."""
        return ", ".join(experiment.dimensions) or "–"

    @admin.display(description=gettext_lazy("filters"))
    def filters_shown(self, experiment: Experiment) -> str:
        """Return the filters that it was launched with, or would be now."""
        names = ", ".join(f"{rule.key} v{rule.version}" for rule in filters_of(experiment.pk))
        return names or _("None: every unit counts.")

    @admin.display(description=gettext_lazy("smallest lift worth finding"))
    def minimum_effect_shown(self, experiment: Experiment) -> str:
        """Return the smallest lift worth finding as a percentage."""
        return figures.percent(experiment.minimum_effect)

    @admin.display(description=gettext_lazy("budget"))
    def budget_shown(self, experiment: Experiment) -> str:
        """Return the budget in the project's currency."""
        if experiment.budget is None:
            return "–"
        return f"{format_micros(experiment.budget)} {experiment.project.currency}"

    @admin.display(description=gettext_lazy("part of the layer"))
    def layer_slots_shown(self, experiment: Experiment) -> str:
        """Return the ranges of the layer as percentages."""
        held = sorted((held.slots.lower, held.slots.upper) for held in experiment.layer_ranges.all())
        return LayerSlotsField.written(held) or "–"

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Return whether the form may be edited: only a draft's."""
        allowed = super().has_change_permission(request, obj)
        return allowed and (obj is None or is_draft(obj))

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Show the form below what the experiment needs next."""
        guide = guide_of(row_id(object_id), now=timezone.now()) if object_id else None
        context = {**(extra_context or {}), "guide": guide}
        return super().changeform_view(request, object_id, form_url, context)

    def save_model(self, request: HttpRequest, obj: Experiment, form: Any, change: bool) -> None:
        """Create a draft by the action, or keep how the edited one was before."""
        if change:
            request.design_before = snapshot_of(obj.pk)  # type: ignore[attr-defined]
            super().save_model(request, obj, form, change)
            return
        obj.pk = create_experiment(
            project_id=obj.project_id,
            draft=ExperimentDraft(
                key=obj.key,
                name=obj.name,
                unit_kind=obj.unit_kind,
                hypothesis=obj.hypothesis,
                variants=(
                    VariantDraft("control", _("Control"), 500_000, control=True),
                    VariantDraft("treatment", _("Treatment"), 500_000),
                ),
                metrics=(),
            ),
            acting_user=username(request),
            now=timezone.now(),
        )
        obj.refresh_from_db()

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        """Save rows as they are ordered in the form; new ones come last."""
        last = max((row.position for row in formset.queryset), default=-1)
        for place, row in enumerate(formset.extra_forms, last + 1):
            row.instance.position = place
        super().save_formset(request, form, formset, change)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Save variants and metrics, hold the layer, and journal what changed, in one transaction."""
        super().save_related(request, form, formsets, change)
        if not change:
            return
        experiment = form.instance
        if {"layer", "layer_slots"} & set(form.changed_data):
            ranges = form.cleaned_data["layer_slots"] or WHOLE_LAYER
            hold_layer(
                experiment_id=experiment.pk,
                layer_id=experiment.layer_id or 0,
                ranges=ranges if experiment.layer_id else (),
            )
        before, after = request.design_before, snapshot_of(experiment.pk)  # type: ignore[attr-defined]
        if before != after:
            if any(before[name] != after[name] for name in _ANSWERED_FOR):
                withdraw_payable(
                    experiment_id=experiment.pk,
                    reason=_("The design changed."),
                    acting_user=username(request),
                    now=timezone.now(),
                )
            record_design_change(
                experiment_id=experiment.pk,
                acting_user=username(request),
                now=timezone.now(),
                before={name: before[name] for name in before if before[name] != after[name]},
                after={name: after[name] for name in after if before[name] != after[name]},
            )

    def response_add(self, request: HttpRequest, obj: Model, post_url_continue: str | None = None) -> HttpResponse:
        """Go on with the draft."""
        messages.success(request, _("The draft is there. Add what decides under Metrics."))
        return HttpResponseRedirect(self.page_of(obj.pk))
