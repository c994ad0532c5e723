"""Training runs in the admin: read, and cancelled while they have not ended."""

from typing import Any, Final

from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from foundation.admin_base import ActionVariant, ReadOnlyAdmin, ReasonForm, object_action, return_to, row_id, username
from models_registry.actions.cancelling import cancel_run
from models_registry.actions.training import OPEN
from models_registry.admin.shown import indented
from models_registry.models import TrainingRun

WARNINGS: Final[dict[str, str | Promise]] = {
    "ARMS_LEARN_FROM_EACH_OTHER": _(
        "Another variant of its experiment is retrained on the same traffic: each learns from what the other showed."
    ),
}
"""What warnings of a run's data mean, by their codes."""


@admin.register(TrainingRun)
class TrainingRunAdmin(ReadOnlyAdmin):
    """What was asked for, how it went, what came out; one that has not ended can be cancelled."""

    list_display = [
        "id",
        "model",
        "recipe",
        "cause",
        "state",
        "step",
        "progress_shown",
        "requested_by",
        "requested_at",
        "finished_at",
    ]
    list_filter = ["model__project", "state", "cause", "recipe"]
    actions_detail = ["cancel"]
    list_select_related = ["model"]
    search_fields = ["model__name", "model__key", "error"]
    ordering = ["-id"]
    show_full_result_count = False
    fields = [
        "model",
        "recipe",
        "state",
        "step",
        "progress_shown",
        "attempts",
        "error_code",
        "error",
        "data_start",
        "data_end",
        "seed",
        "margin",
        "cause",
        "schedule",
        "data_policy",
        "warnings_shown",
        "trigger_shown",
        "parameters_shown",
        "search_shown",
        "trials_shown",
        "rule_shown",
        "dataset_shown",
        "code_revision",
        "requested_by",
        "requested_at",
        "started_at",
        "finished_at",
    ]
    readonly_fields = [
        "progress_shown",
        "warnings_shown",
        "trigger_shown",
        "parameters_shown",
        "search_shown",
        "trials_shown",
        "rule_shown",
        "dataset_shown",
    ]

    @admin.display(description=_("progress"))
    def progress_shown(self, run: TrainingRun) -> str:
        """Return how far it is as a percentage."""
        return f"{run.progress:.0%}"

    @admin.display(description=_("parameters"))
    def parameters_shown(self, run: TrainingRun) -> SafeString:
        """Return the parameters that were set."""
        return indented(run.parameters)

    @admin.display(description=_("warnings"))
    def warnings_shown(self, run: TrainingRun) -> str:
        """Return what people should know of the data, in words."""
        codes = run.trigger.get("warnings", [])
        return " ".join(str(WARNINGS.get(code, code)) for code in codes) or "–"

    @admin.display(description=_("what caused it"))
    def trigger_shown(self, run: TrainingRun) -> SafeString:
        """Return what caused it."""
        return indented(run.trigger)

    @admin.display(description=_("search"))
    def search_shown(self, run: TrainingRun) -> SafeString:
        """Return the values to try."""
        return indented(run.search)

    @admin.display(description=_("trials"))
    def trials_shown(self, run: TrainingRun) -> SafeString:
        """Return what became of each trial so far: figures of the folds, their mean, and the bound that decides."""
        return indented(run.trials)

    @admin.display(description=_("gate rule"))
    def rule_shown(self, run: TrainingRun) -> SafeString:
        """Return what the candidate must show."""
        return indented(run.rule)

    @admin.display(description=_("dataset"))
    def dataset_shown(self, run: TrainingRun) -> SafeString:
        """Return the facts of the data."""
        return indented(run.dataset)

    def has_cancel_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        """Return whether the run has not ended and the person may change runs."""
        is_open = TrainingRun.objects.filter(pk=row_id(object_id), state__in=OPEN, is_cancelled=False).exists()
        return is_open and request.user.has_perm("models_registry.change_trainingrun")

    @object_action(
        label=_("Cancel the training"),
        explanation=_("It ends within seconds and registers nothing. What serves goes on serving."),
        form=ReasonForm,
        permission="cancel",
        variant=ActionVariant.WARNING,
    )
    def cancel(self, request: HttpRequest, form: Any, object_id: str) -> HttpResponse:
        """Cancel the run."""
        cancel_run(
            run_id=row_id(object_id),
            acting_user=username(request),
            now=timezone.now(),
            reason=form.cleaned_data["reason"],
        )
        messages.success(request, _("The training is being cancelled."))
        return return_to(request, self.page_of(object_id))
