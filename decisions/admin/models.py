"""Registered models: created here, trained by buttons; the registry's own admin knows no domains."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import Model
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from decisions.actions.schedules import plan_trainings
from decisions.actions.training import order_training
from decisions.admin.links import page_link, page_url
from decisions.admin.trainings import ScheduleForm, TrainForm, recipes
from decisions.registry import all_domains
from decisions.reports.domains import domain_name
from foundation.admin_base import ActionVariant, choice_field, object_action, return_to, row_id, username
from foundation.queries import project_facts
from models_registry.admin import RegisteredModelAdmin
from models_registry.queries.versions import model_by_id


class TrainableModelAdmin(RegisteredModelAdmin):
    """Models with their pages, and a button that orders a training."""

    list_display = [*RegisteredModelAdmin.list_display, "page"]
    actions_detail = ["train", "plan"]

    @admin.display(description=_("page"))
    def page(self, model: Any) -> SafeString:
        """Return a link to the model's page."""
        return page_link("model", model.key, model.project_id, _("Versions and training"))

    def get_fields(self, request: HttpRequest, obj: Model | None = None) -> Any:
        """Return the fields, with the link to the page once there is one."""
        return [*super().get_fields(request, obj), *(["page"] if obj else [])]

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> list[str]:
        """Return what is shown only."""
        return ["page"] if obj else []

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Offer the domains that there are."""
        if db_field.name == "domain":
            return choice_field(label=_("Domain"), choices=[(key, domain_name(key)) for key in all_domains()])
        return super().formfield_for_dbfield(db_field, request, **kwargs)

    def has_train_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        """Return whether there is such a model and the person may order trainings."""
        return request.user.has_perm("models_registry.add_trainingrun") and bool(recipes(object_id))

    @object_action(
        label=_("Train a version"),
        explanation=_("A worker trains on the shop's own log. Nothing is served before an experiment and an approval."),
        form=TrainForm,
        permission="train",
        variant=ActionVariant.PRIMARY,
    )
    def train(self, request: HttpRequest, form: Any, object_id: str) -> HttpResponse:
        """Order a training and lead to the model's page, which shows how far it is."""
        model, now = model_by_id(row_id(object_id)), timezone.now()
        run_id = order_training(
            model_id=model.id,
            order=form.order(project_facts(model.project_id).clock.at(now)),
            acting_user=username(request),
            now=now,
        )
        messages.success(request, _("Training run %(number)s waits for a worker.") % {"number": run_id})
        return return_to(request, page_url("model", model.key, model.project_id))

    def has_plan_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        """Return whether there is such a model and the person may add schedules."""
        return request.user.has_perm("models_registry.add_trainingschedule") and bool(recipes(object_id))

    @object_action(
        label=_("Train again and again"),
        explanation=_(
            "A schedule trains by a clock, and earlier where the data drift. It can be the recipe of a variant."
        ),
        form=ScheduleForm,
        permission="plan",
    )
    def plan(self, request: HttpRequest, form: Any, object_id: str) -> HttpResponse:
        """Create a schedule and lead to its page."""
        schedule_id = plan_trainings(
            model_id=row_id(object_id), draft=form.draft(), acting_user=username(request), now=timezone.now()
        )
        messages.success(request, _("The schedule is there; its first training begins within seconds."))
        return return_to(request, reverse("admin:models_registry_trainingschedule_change", args=[schedule_id]))


admin.site.register(RegisteredModelAdmin.table, TrainableModelAdmin)
