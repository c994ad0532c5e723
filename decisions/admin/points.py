"""Decision points: created and edited through actions; a button lets a champion serve everybody."""

from collections.abc import Mapping
from typing import Any

from django.contrib import admin, messages
from django.db.models import Model
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.http import urlencode
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from decisions.actions.metrics import create_domain_metrics
from decisions.actions.points import PointDraft, PointEdit, create_point, edit_point
from decisions.actions.promotion import widen
from decisions.admin.links import learner_link, link_to, page_link
from decisions.admin.point_forms import NEW, PointForm, point_form, said_fields, setting_fields
from decisions.domain import Domain, PolicyKind
from decisions.models import DecisionPoint
from decisions.queries.learners import learners_of
from decisions.queries.points import PointUnknown, point_by_id
from decisions.registry import all_domains, domain_of
from decisions.reports.domains import domain_name
from decisions.reports.setting_wording import settings_in_words
from experiments.queries.metrics import metric_ids
from foundation.admin_base import (
    ActionVariant,
    ConsoleAdmin,
    DialogForm,
    RequiredReasonForm,
    choice_field,
    object_action,
    return_to,
    row_id,
    username,
)
from models_registry.queries.aliases import holders_of
from models_registry.vocabulary import AliasName


@admin.register(DecisionPoint)
class DecisionPointAdmin(ConsoleAdmin):
    """Places in the shop where a decision is asked for."""

    form = PointForm
    list_display = ["name", "key", "project", "model", "learner", "slate_size", "deadline_ms", "page"]
    list_filter = ["project", "domain"]
    list_select_related = ["project", "model", "learner"]
    search_fields = ["name", "key"]
    actions_detail = ["widen", "metrics"]

    def get_form(self, request: HttpRequest, obj: Model | None = None, change: bool = False, **kwargs: Any) -> Any:
        """Return the form, with the settings of the domain once there is one."""
        domain = _domain(obj)
        form: Any = self.form if domain is None else point_form(domain, _said(obj))
        return super().get_form(request, obj, change, **{**kwargs, "form": form})

    def get_fieldsets(self, request: HttpRequest, obj: Model | None = None) -> Any:
        """Return the fields, then what the domain lets be set; who may only look reads that in words."""
        if not isinstance(obj, DecisionPoint):
            return [(None, {"fields": list(NEW)})]
        domain = _domain(obj)
        learns = domain is not None and PolicyKind.LEARNED in domain.policies
        common = [*said_fields(domain), *(["policies"] if learns else []), "page"]
        settings = setting_fields(domain)
        if settings and not self.has_change_permission(request, obj):
            settings = ["settings_told"]
        return [(None, {"fields": common}), *([(_("Settings"), {"fields": settings})] if settings else [])]

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> list[str]:
        """Return what never changes once the decision point exists."""
        return ["project", "key", "domain", "policies", "page", "settings_told"] if obj else []

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Offer the domains that there are; an address without a scheme is meant to be https."""
        if db_field.name == "domain":
            return choice_field(label=_("Domain"), choices=[(key, domain_name(key)) for key in all_domains()])
        if db_field.name == "webhook":
            kwargs["assume_scheme"] = "https"
        return super().formfield_for_dbfield(db_field, request, **kwargs)

    @admin.display(description=gettext_lazy("page"))
    def page(self, point: DecisionPoint) -> SafeString:
        """Return a link to the decision point's page."""
        return page_link("decision-point", point.key, point.project_id, _("Allocation and decisions"))

    @admin.display(description=gettext_lazy("settings"))
    def settings_told(self, point: DecisionPoint) -> SafeString:
        """Return what is set, a line each."""
        domain = _domain(point)
        lines = () if domain is None else settings_in_words(domain, point.settings)
        return format_html_join(SafeString("<br>"), "{}: {}", lines)

    @admin.display(description=gettext_lazy("learning policies"))
    def policies(self, point: DecisionPoint) -> SafeString:
        """Return links to the pages of the learning policies, and to the form of a new one."""
        links = [
            learner_link(point.key, learner.key, point.project_id, learner.name)
            for learner in learners_of(point.project_id, point_id=point.pk)
        ]
        new = reverse("admin:decisions_learner_add") + "?" + urlencode({"point": point.pk})
        listed = format_html_join(", ", "{}", ((link,) for link in links))
        return format_html("{}{}{}", listed, " · " if links else "", link_to(new, _("Add a learning policy")))

    def save_model(self, request: HttpRequest, obj: DecisionPoint, form: Any, change: bool) -> None:
        """Create or edit by the action."""
        now, who = timezone.now(), username(request)
        if change:
            edit = PointEdit(
                name=obj.name,
                model_id=obj.model_id,
                slate_size=obj.slate_size,
                deadline_ms=obj.deadline_ms,
                learner_id=obj.learner_id,
                most_age_minutes=obj.most_age_minutes,
                settings=form.settings if form.domain else obj.settings,
                every_minutes=obj.every_minutes,
                webhook=obj.webhook,
            )
            edit_point(point_id=obj.pk, edit=edit, acting_user=who, now=now)
            return
        draft = PointDraft(
            key=obj.key,
            name=obj.name,
            domain=obj.domain,
            model_id=obj.model_id,
            slate_size=obj.slate_size,
            deadline_ms=obj.deadline_ms,
            every_minutes=obj.every_minutes,
        )
        obj.pk = create_point(project_id=obj.project_id, draft=draft, acting_user=who, now=now)
        obj.refresh_from_db()

    def response_add(self, request: HttpRequest, obj: Model, post_url_continue: str | None = None) -> HttpResponse:
        """Go on with what the domain lets be set, where it does."""
        domain = _domain(obj)
        if domain is None or not domain.settings:
            return super().response_add(request, obj, post_url_continue)
        messages.success(request, _("The decision point was added. Check its settings."))
        return HttpResponseRedirect(self.page_of(obj.pk))

    def has_widen_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        """Return whether the champion serves an audience alone, and the person may promote."""
        try:
            point = point_by_id(row_id(object_id))
        except PointUnknown:
            return False
        held = () if point.model_id is None else holders_of(point.model_id, AliasName.CHAMPION)
        is_narrow = bool(held) and held[0].audience is not None
        return is_narrow and request.user.has_perm("decisions.change_promotionproposal")

    @object_action(
        label=gettext_lazy("Serve everybody"),
        explanation=gettext_lazy(
            "The champion was tested on an audience alone. It will serve everybody outside experiments, which goes "
            "beyond the evidence: say why."
        ),
        form=RequiredReasonForm,
        permission="widen",
        variant=ActionVariant.WARNING,
    )
    def widen(self, request: HttpRequest, form: Any, object_id: str) -> HttpResponse:
        """Let the champion serve beyond its audience."""
        widen(
            point_id=row_id(object_id),
            acting_user=username(request),
            now=timezone.now(),
            reason=form.cleaned_data["reason"],
        )
        messages.success(request, _("The champion serves everybody now."))
        return return_to(request, self.page_of(object_id))

    def has_metrics_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        """Return whether the domain brings metrics along, and the person may add some."""
        try:
            domain = all_domains().get(point_by_id(row_id(object_id)).domain)
        except PointUnknown:
            return False
        return bool(domain and domain.metrics) and request.user.has_perm("experiments.add_metric")

    @object_action(
        label=gettext_lazy("Add this domain's metrics"),
        explanation=gettext_lazy(
            "What experiments of the domain are usually judged by. Metrics that the project has stay as they are."
        ),
        form=DialogForm,
        permission="metrics",
    )
    def metrics(self, request: HttpRequest, form: Any, object_id: str) -> HttpResponse:
        """Make the metrics that the project lacks, and say which these were."""
        point = point_by_id(row_id(object_id))
        templates = domain_of(point.domain).metrics
        before = metric_ids(point.project_id, keys=[template.key for template in templates])
        create_domain_metrics(
            project_id=point.project_id, domain_key=point.domain, acting_user=username(request), now=timezone.now()
        )
        made = [template.name for template in templates if template.key not in before]
        if made:
            messages.success(request, _("These metrics were added: %(names)s.") % {"names": ", ".join(made)})
        else:
            messages.info(request, _("The project has them all already; nothing was changed."))
        return return_to(request, self.page_of(object_id))


def _domain(point: Model | None) -> Domain | None:
    return all_domains().get(point.domain) if isinstance(point, DecisionPoint) else None


def _said(point: Model | None) -> Mapping[str, object]:
    return point.settings if isinstance(point, DecisionPoint) else {}
