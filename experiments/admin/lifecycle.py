"""Lifecycle buttons: each asks for a reason in a dialog and makes one call of an action."""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from experiments.actions import lifecycle
from experiments.actions.allocation import change_allocation
from experiments.actions.payable import allow_payable
from experiments.admin.dialogs import AllocationForm, ConcludeForm
from experiments.admin.payable import AllowPayableForm
from experiments.launch_checks import LaunchRefused
from experiments.lifecycle import SERVING, Transition, available
from experiments.models import Experiment
from experiments.vocabulary import PERSONAL_UNITS, Payable, Source, Status
from foundation.admin_base import (
    ActionVariant,
    ConsoleAdmin,
    ReasonForm,
    RequiredReasonForm,
    object_action,
    return_to,
    row_id,
    username,
)


class LifecycleButtons(ConsoleAdmin):
    """The buttons of an experiment's page; only those that its status allows are there."""

    actions_detail = [
        "submit",
        "launch",
        "resume",
        "allocate",
        "allow_payable",
        "pause",
        "send_back",
        "conclude",
        "stop",
    ]

    def _permits(self, request: HttpRequest, object_id: str | None, transition: Transition) -> bool:
        status = self._status(object_id)
        return self.has_lifecycle_permission(request) and status is not None and transition in available(status)

    def _status(self, object_id: str | None) -> Status | None:
        found = Experiment.objects.filter(pk=row_id(object_id)).values_list("status", flat=True).first()
        return Status(found) if found is not None else None

    def has_lifecycle_permission(self, request: HttpRequest) -> bool:
        """Return whether the person may change experiments, whatever the status of one."""
        return request.user.has_perm("experiments.change_experiment")

    def has_submit_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        """Return whether the experiment can be submitted."""
        return self._permits(request, object_id, Transition.SUBMIT)

    def has_send_back_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        """Return whether the experiment can be sent back."""
        return self._permits(request, object_id, Transition.SEND_BACK)

    def has_launch_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        """Return whether the experiment can be launched."""
        return self._permits(request, object_id, Transition.LAUNCH)

    def has_pause_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        """Return whether the experiment can be paused."""
        return self._permits(request, object_id, Transition.PAUSE)

    def has_resume_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        """Return whether the experiment can be resumed."""
        return self._permits(request, object_id, Transition.RESUME)

    def has_stop_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        """Return whether the experiment can be stopped."""
        return self._permits(request, object_id, Transition.STOP)

    def has_conclude_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        """Return whether the experiment can be concluded."""
        return self._permits(request, object_id, Transition.CONCLUDE)

    def has_allocate_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        """Return whether the experiment divides traffic."""
        own = Experiment.objects.filter(pk=row_id(object_id), source=Source.OWN).exists()
        return self.has_lifecycle_permission(request) and own and self._status(object_id) in SERVING

    @object_action(
        label=_("Submit for review"),
        explanation=_("The design is closed until it is launched or sent back."),
        form=ReasonForm,
        permission="submit",
        variant=ActionVariant.PRIMARY,
    )
    def submit(self, request: HttpRequest, form: Any, object_id: str) -> HttpResponse:
        """Submit the draft."""
        return self._take(lifecycle.submit, request, form, object_id, _("The experiment is in review."))

    def has_allow_payable_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        """Return whether it is a draft that changes what persons pay, so that somebody can answer for it."""
        drafts = Experiment.objects.filter(pk=row_id(object_id), status=Status.DRAFT, unit_kind__in=PERSONAL_UNITS)
        return self.has_lifecycle_permission(request) and drafts.exclude(payable=Payable.NOTHING).exists()

    @object_action(
        label=_("Answer for prices by person"),
        explanation=_(
            "Your name stands for it, in the journal and on the readout, that persons pay differently for the same "
            "thing. It lifts this one rule for the countries that you name, never for China."
        ),
        form=AllowPayableForm,
        permission="allow_payable",
        variant=ActionVariant.WARNING,
    )
    def allow_payable(self, request: HttpRequest, form: Any, object_id: str) -> HttpResponse:
        """Let persons pay differently, in the name of who is signed in."""
        return self._take(
            allow_payable,
            request,
            form,
            object_id,
            _("You answer for it that persons pay differently."),
            jurisdictions=form.countries,
            disclosure=form.cleaned_data["disclosure"],
        )

    @object_action(
        label=_("Send back"),
        explanation=_("The experiment becomes a draft again and can be edited."),
        form=RequiredReasonForm,
        permission="send_back",
    )
    def send_back(self, request: HttpRequest, form: Any, object_id: str) -> HttpResponse:
        """Return the experiment to its author."""
        return self._take(lifecycle.send_back, request, form, object_id, _("The experiment is a draft again."))

    @object_action(
        label=_("Launch"),
        explanation=_("Freezes design and plan and begins to enrol units. Neither can be changed afterwards."),
        form=ReasonForm,
        permission="launch",
        variant=ActionVariant.PRIMARY,
    )
    def launch(self, request: HttpRequest, form: Any, object_id: str) -> HttpResponse:
        """Start the experiment, or say that the checklist has open points."""
        try:
            return self._take(lifecycle.launch, request, form, object_id, _("The experiment is running."))
        except LaunchRefused as refused:
            n = len(refused.problems)
            text = ngettext(
                "Not launched: %(n)s point of the checklist is open.",
                "Not launched: %(n)s points of the checklist are open.",
                n,
            )
            messages.error(request, text % {"n": n})
            return return_to(request, self.page_of(object_id))

    @object_action(
        label=_("Pause"),
        explanation=_("Nobody new is enrolled and everyone gets the control until it resumes."),
        form=RequiredReasonForm,
        permission="pause",
        variant=ActionVariant.WARNING,
    )
    def pause(self, request: HttpRequest, form: Any, object_id: str) -> HttpResponse:
        """Pause the experiment."""
        return self._take(lifecycle.pause, request, form, object_id, _("The experiment is paused."))

    @object_action(
        label=_("Resume"),
        explanation=_("Units are enrolled again; those enrolled before keep their variant."),
        form=ReasonForm,
        permission="resume",
        variant=ActionVariant.PRIMARY,
    )
    def resume(self, request: HttpRequest, form: Any, object_id: str) -> HttpResponse:
        """Go on enrolling."""
        return self._take(lifecycle.resume, request, form, object_id, _("The experiment is running again."))

    @object_action(
        label=_("Stop"),
        explanation=_("Ends enrolment for good: everyone gets the control. It cannot be started again."),
        form=RequiredReasonForm,
        permission="stop",
        variant=ActionVariant.DANGER,
    )
    def stop(self, request: HttpRequest, form: Any, object_id: str) -> HttpResponse:
        """End the experiment."""
        return self._take(lifecycle.stop, request, form, object_id, _("The experiment is stopped."))

    @object_action(
        label=_("Conclude"),
        explanation=_("Writes down what came out and gives its part of the layer back."),
        form=ConcludeForm,
        permission="conclude",
        variant=ActionVariant.PRIMARY,
    )
    def conclude(self, request: HttpRequest, form: Any, object_id: str) -> HttpResponse:
        """Write down what was learnt."""
        return self._take(
            lifecycle.conclude,
            request,
            form,
            object_id,
            _("The experiment is concluded."),
            conclusion=form.cleaned_data["conclusion"],
            note=form.cleaned_data["note"],
        )

    @object_action(
        label=_("Change allocation"),
        explanation=_("Opens a new epoch. Results of all epochs are combined without mixing them up."),
        form=AllocationForm,
        permission="allocate",
    )
    def allocate(self, request: HttpRequest, form: Any, object_id: str) -> HttpResponse:
        """Open the next epoch."""
        return self._take(
            change_allocation,
            request,
            form,
            object_id,
            _("A new epoch is open."),
            weights=form.weights,
            states=form.states,
            coverage=form.cleaned_data["coverage"],
        )

    def _take(
        self,
        action: Callable[..., object],
        request: HttpRequest,
        form: Any,
        object_id: str,
        done: object,
        **values: object,
    ) -> HttpResponse:
        """Call the action and return to the experiment's page with a word that it was done."""
        action(
            experiment_id=row_id(object_id),
            acting_user=username(request),
            now=timezone.now(),
            reason=form.cleaned_data["reason"],
            **values,
        )
        messages.success(request, str(done))
        return return_to(request, self.page_of(object_id))
