"""What every admin of the console is built from: the one module that knows which admin skin is in use."""

from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import messages
from django.db import models
from django.db.models import Model
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from foundation.errors import DomainError

if TYPE_CHECKING:
    from django.contrib.admin import ModelAdmin as AnyModelAdmin
    from django.contrib.admin import TabularInline as AnyTabularInline
    from django.contrib.auth.forms import AdminPasswordChangeForm as PasswordForm
    from django.contrib.auth.forms import UserChangeForm as PersonForm
    from django.contrib.auth.forms import UserCreationForm as PersonCreationForm

    class DialogForm(forms.Form):
        """A form in a dialog over the page of an object."""

        request: HttpRequest
        object_id: str | None

        def __init__(self, request: HttpRequest, object_id: str | None = None, *args: Any, **kwargs: Any) -> None: ...

    ModelAdmin = AnyModelAdmin[Any]
    TabularInline = AnyTabularInline[Any, Any]
else:
    from unfold.admin import ModelAdmin, TabularInline
    from unfold.forms import AdminPasswordChangeForm as PasswordForm
    from unfold.forms import BaseDialogForm as DialogForm
    from unfold.forms import UserChangeForm as PersonForm
    from unfold.forms import UserCreationForm as PersonCreationForm

from unfold.decorators import action as unfold_action
from unfold.enums import ActionVariant
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminDecimalFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)

__all__ = [
    "ActionVariant",
    "ConsoleAdmin",
    "ConsoleInline",
    "DialogForm",
    "PasswordForm",
    "PeopleAdmin",
    "PersonCreationForm",
    "PersonForm",
    "ReadOnlyAdmin",
    "ReadOnlyInline",
    "ReasonForm",
    "RequiredReasonForm",
    "choice_field",
    "choices_field",
    "decimal_input",
    "object_action",
    "return_to",
    "row_id",
    "tell_error",
    "text_area",
    "text_input",
    "username",
]

DialogAction = Callable[[Any, HttpRequest, Any, str], HttpResponse]


class PeopleAdmin(ModelAdmin):
    """A table of Django's own for people and their permissions."""


class ConsoleAdmin(ModelAdmin):
    """A table in the console: rows are never deleted, and an anticipated error is told instead of raised."""

    list_per_page = 50
    list_fullwidth = True
    warn_unsaved_form = True
    formfield_overrides = {
        models.TextField: {"widget": UnfoldAdminTextareaWidget(attrs={"rows": 3})},
        models.JSONField: {"widget": UnfoldAdminTextareaWidget(attrs={"rows": 3})},
    }

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Refuse: what happened is kept, and keys are never reused."""
        return False

    def page_of(self, object_id: object) -> str:
        """Return the address of an object's page."""
        return reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_change", args=[object_id])

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Show and save the form; a DomainError takes everything back and is told to the user."""
        context = {"show_save_and_add_another": False, **(extra_context or {})}
        try:
            return super().changeform_view(request, object_id, form_url, context)
        except DomainError as error:
            tell_error(request, error)
            return HttpResponseRedirect(request.get_full_path())


class ReadOnlyAdmin(ConsoleAdmin):
    """A table that only actions write."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Refuse."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Refuse."""
        return False


class ConsoleInline(TabularInline):
    """Rows of a record, edited in its form."""

    extra = 0
    tab = True
    hide_title = True


class ReadOnlyInline(ConsoleInline):
    """Rows of a record that only actions write."""

    can_delete = False
    max_num = 0

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Refuse."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Refuse."""
        return False


def text_area(*, rows: int = 3) -> forms.Textarea:
    """Return a text area in the look of the admin."""
    area: forms.Textarea = UnfoldAdminTextareaWidget(attrs={"rows": rows})
    return area


def text_input() -> forms.TextInput:
    """Return an input for a short text in the look of the admin."""
    box: forms.TextInput = UnfoldAdminTextInputWidget()
    return box


def decimal_input() -> forms.TextInput:
    """Return an input for a decimal number in the look of the admin."""
    box: forms.TextInput = UnfoldAdminDecimalFieldWidget(attrs={"inputmode": "decimal"})
    return box


def choice_field(**options: Any) -> forms.ChoiceField:
    """Return a drop-down in the look of the admin."""
    return forms.ChoiceField(widget=UnfoldAdminSelectWidget(), **options)


def choices_field(**options: Any) -> forms.MultipleChoiceField:
    """Return boxes to tick, any number of them, in the look of the admin."""
    return forms.MultipleChoiceField(widget=UnfoldAdminCheckboxSelectMultipleWidget(), **options)


class ReasonForm(DialogForm):
    """Why a person does something; the journal keeps it."""

    reason = forms.CharField(
        label=_("Reason"),
        required=False,
        max_length=2000,
        widget=text_area(),
        help_text=_("For the journal. May be empty."),
    )


class RequiredReasonForm(DialogForm):
    """Why a person does something that readers will ask about."""

    reason = forms.CharField(
        label=_("Reason"),
        max_length=2000,
        widget=text_area(),
        help_text=_("One sentence that explains it to somebody who was not there."),
    )


def object_action(
    *,
    label: object,
    explanation: object,
    form: type[DialogForm],
    permission: str,
    variant: ActionVariant = ActionVariant.DEFAULT,
    icon: str | None = None,
) -> Callable[[DialogAction], Any]:
    """Turn a method(self, request, form, object_id) into a button of an object's page that asks its form first.

    The dialog is posted, so a link alone never changes anything. `permission` names the method
    `has_<permission>_permission(request, object_id)` that decides whether the button is there.
    """

    def decorate(method: DialogAction) -> Any:
        @wraps(method)
        def told(admin: Any, request: HttpRequest, filled: Any, object_id: str) -> HttpResponse:
            try:
                return method(admin, request, filled, object_id)
            except DomainError as error:
                tell_error(request, error)
                return return_to(request, admin.page_of(object_id))

        return unfold_action(
            told,
            description=label,
            permissions=[permission],
            variant=variant,
            icon=icon,
            dialog={
                "title": label,
                "description": explanation,
                "form_class": form,
                "form_submit_text": label,
            },
        )

    return decorate


def row_id(object_id: object) -> int:
    """Return the number of a row as an address names it; 0, which no row has, for anything else."""
    text = str(object_id)
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else 0


def return_to(request: HttpRequest, url: str) -> HttpResponse:
    """Lead the browser to a page, whether a dialog or a plain form asked."""
    if request.headers.get("HX-Request") == "true":
        return HttpResponse(headers={"HX-Redirect": url})
    return HttpResponseRedirect(url)


def tell_error(request: HttpRequest, error: DomainError) -> None:
    """Show an anticipated error with its code and what to do."""
    parts = [part for part in (error.message, error.hint) if part]
    messages.error(request, f"{' '.join(parts)} [{error.code}]")


def username(request: HttpRequest) -> str:
    """Return the name under which the journal knows the person."""
    return request.user.get_username()
