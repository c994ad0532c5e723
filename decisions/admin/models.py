"""Registered models: created here, trained by a button; the registry's own admin knows no domains."""

from datetime import timedelta
from typing import Any, Final

from django import forms
from django.contrib import admin, messages
from django.db.models import Model
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from decisions.actions.training import order_training
from decisions.admin.links import page_link, page_url
from decisions.registry import all_domains
from decisions.reports.domains import domain_name, recipe_words
from foundation.admin_base import (
    ActionVariant,
    DialogForm,
    choice_field,
    decimal_input,
    object_action,
    return_to,
    row_id,
    text_input,
    username,
)
from foundation.queries import project_facts
from models_registry.actions.training import TrainingOrder
from models_registry.admin import RegisteredModelAdmin
from models_registry.queries.versions import ModelUnknown, model_by_id

LONGEST_WINDOW: Final = 400


class TrainForm(DialogForm):
    """What to train: the recipe, on how many days of the log, by which rule the result is accepted."""

    days = forms.IntegerField(
        label=_("Days of the log to learn from"),
        min_value=1,
        max_value=LONGEST_WINDOW,
        initial=28,
        widget=text_input(),
        help_text=_("Those before now. The latest fifth of them is kept to judge by."),
    )
    seed = forms.IntegerField(
        label=_("Seed"),
        min_value=0,
        max_value=2**31 - 1,
        initial=1,
        widget=text_input(),
        help_text=_("Equal data and seed give an equal version."),
    )
    margin = forms.FloatField(
        label=_("Gate margin"),
        min_value=0.0,
        max_value=1.0,
        initial=0.0,
        widget=decimal_input(),
        help_text=_("How far it may fall behind the most popular items in nDCG@10. Zero: it must be better."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["recipe"] = choice_field(label=_("Recipe"), choices=_recipes(self.object_id))
        self.order_fields(["recipe"])

    def order(self, now: Any) -> TrainingOrder:
        """Return the order, its window ending at this time of the project."""
        return TrainingOrder(
            recipe=self.cleaned_data["recipe"],
            data_start=now - timedelta(days=self.cleaned_data["days"]),
            data_end=now,
            seed=self.cleaned_data["seed"],
            margin=self.cleaned_data["margin"],
        )


class TrainableModelAdmin(RegisteredModelAdmin):
    """Models with their pages, and a button that orders a training."""

    list_display = [*RegisteredModelAdmin.list_display, "page"]
    actions_detail = ["train"]

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
        return request.user.has_perm("models_registry.add_trainingrun") and bool(_recipes(object_id))

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


def _recipes(object_id: str | None) -> list[tuple[str, str]]:
    try:
        domain = all_domains().get(model_by_id(row_id(object_id)).domain)
    except ModelUnknown:
        return []
    return [(name, recipe_words(domain.key, name)) for name in domain.recipes] if domain else []


admin.site.register(RegisteredModelAdmin.table, TrainableModelAdmin)
