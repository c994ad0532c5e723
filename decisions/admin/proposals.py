"""Promotion proposals: read, then approved, rejected or rolled back by a person, with a reason."""

from collections.abc import Callable
from typing import Any

from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from decisions.actions import promotion
from decisions.models import PromotionProposal
from decisions.promotion import STEPS, ProposalState, ProposalStep, StepIllegal
from decisions.queries.inbox import proposal_record
from decisions.queries.promotions import ProposalUnknown, proposal_by_id
from decisions.reports.promotions import card_of, stale_words
from decisions.reports.wording import PROPOSALS
from foundation.admin_base import (
    ActionVariant,
    ReadOnlyAdmin,
    RequiredReasonForm,
    object_action,
    return_to,
    row_id,
    username,
)


@admin.register(PromotionProposal)
class PromotionProposalAdmin(ReadOnlyAdmin):
    """What experiments propose, and what people made of it."""

    list_display = ["__str__", "point", "state", "created_at", "decided_by", "decided_at"]
    list_filter = ["point__project", "state", "point"]
    list_select_related = ["experiment", "point", "challenger__model"]
    search_fields = ["experiment__name", "experiment__key", "decided_by"]
    ordering = ["-id"]
    change_form_outer_before_template = "decisions/proposal_admin.html"
    actions_detail = ["approve", "reject", "roll_back"]
    fields = ["experiment", "point", "state", "decided_by", "decided_at", "decision_reason"]

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Show the evidence above the facts."""
        try:
            card = card_of(proposal_record(proposal_by_id(row_id(object_id))))
        except ProposalUnknown:
            card = None
        return super().changeform_view(request, object_id, form_url, {**(extra_context or {}), "card": card})

    def has_approve_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        """Return whether the proposal can be approved."""
        return self._permits(request, object_id, ProposalStep.APPROVE)

    def has_reject_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        """Return whether the proposal can be rejected."""
        return self._permits(request, object_id, ProposalStep.REJECT)

    def has_roll_back_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        """Return whether the promotion can be taken back."""
        return self._permits(request, object_id, ProposalStep.ROLL_BACK)

    @object_action(
        label=gettext_lazy("Approve"),
        explanation=gettext_lazy(
            "The challenger serves the tested audience within seconds, and the experiment is concluded as won. It can "
            "be rolled back."
        ),
        form=RequiredReasonForm,
        permission="approve",
        variant=ActionVariant.PRIMARY,
    )
    def approve(self, request: HttpRequest, form: Any, object_id: str) -> HttpResponse:
        """Make the challenger the champion, or say why that is no longer what was tested."""

        def step(**values: Any) -> None:
            if promotion.approve(**values) is ProposalState.STALE:
                record = proposal_record(proposal_by_id(row_id(object_id)))
                text = _("Not promoted, nothing was changed. %(why)s")
                messages.warning(request, text % {"why": stale_words(record)})
            else:
                messages.success(request, _("Promoted. The shop serves it within seconds."))

        return self._take(step, request, form, object_id)

    @object_action(
        label=gettext_lazy("Reject"),
        explanation=gettext_lazy("The champion stays. The proposal is kept with your reason."),
        form=RequiredReasonForm,
        permission="reject",
    )
    def reject(self, request: HttpRequest, form: Any, object_id: str) -> HttpResponse:
        """Turn the proposal down."""

        def step(**values: Any) -> None:
            promotion.reject(**values)
            messages.success(request, _("Rejected. The champion stays."))

        return self._take(step, request, form, object_id)

    @object_action(
        label=gettext_lazy("Roll back"),
        explanation=gettext_lazy("What served before the promotion serves again within seconds."),
        form=RequiredReasonForm,
        permission="roll_back",
        variant=ActionVariant.DANGER,
    )
    def roll_back(self, request: HttpRequest, form: Any, object_id: str) -> HttpResponse:
        """Restore what served before."""

        def step(**values: Any) -> None:
            promotion.roll_back(**values)
            messages.success(request, _("Rolled back. What served before serves again within seconds."))

        return self._take(step, request, form, object_id)

    def _permits(self, request: HttpRequest, object_id: str | None, step: ProposalStep) -> bool:
        """Return whether the step is offered on the proposal's page, or may be asked for at its own address.

        A page that was open while somebody else decided still has the button: the action tells who came first.
        """
        if not request.user.has_perm("decisions.change_promotionproposal"):
            return False
        found = PromotionProposal.objects.filter(pk=row_id(object_id)).values_list("state", flat=True).first()
        if found is None:
            return False
        match = request.resolver_match
        is_asked_for = match is not None and match.url_name == f"decisions_promotionproposal_{step.value}"
        return is_asked_for or (ProposalState(found), step) in STEPS

    def _take(self, step: Callable[..., None], request: HttpRequest, form: Any, object_id: str) -> HttpResponse:
        """Take the step and return to the proposal; where somebody was faster, tell who."""
        try:
            step(
                proposal_id=row_id(object_id),
                acting_user=username(request),
                now=timezone.now(),
                reason=form.cleaned_data["reason"],
            )
        except StepIllegal:
            proposal = proposal_by_id(row_id(object_id))
            told = {"state": PROPOSALS[proposal.state].label, "who": proposal.decided_by or "–"}
            messages.warning(
                request, _("Nothing was changed: it has been decided already (%(state)s, %(who)s).") % told
            )
        return return_to(request, self.page_of(object_id))
