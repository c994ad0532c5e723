"""Projects, API keys, jobs, the journal and the people of the console."""

from typing import Any

from django.contrib import admin, messages
from django.contrib.auth.admin import GroupAdmin as BaseGroupAdmin
from django.contrib.auth.admin import UserAdmin as BaseUserAdmin
from django.contrib.auth.models import Group, User
from django.db.models import Model, QuerySet
from django.forms import ModelForm
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from foundation.actions.jobs import retry
from foundation.actions.projects import create_project, edit_project, issue_api_key, revoke_api_key
from foundation.admin_base import (
    ActionVariant,
    ConsoleAdmin,
    DialogForm,
    PasswordForm,
    PeopleAdmin,
    PersonCreationForm,
    PersonForm,
    ReadOnlyAdmin,
    RequiredReasonForm,
    object_action,
    return_to,
    row_id,
    username,
)
from foundation.admin_fields import LinesField
from foundation.clock import ClockKind, ProjectClock
from foundation.models import ApiKey, Job, JournalEntry, Project


class ProjectForm(ModelForm):  # type: ignore[type-arg]
    """A project; the event properties to keep are written one a line."""

    attributes = LinesField(
        label=_("Stored attributes"),
        required=False,
        help_text=_(
            "Event properties to keep besides the e-commerce ones, one a line; all others are dropped on receipt."
        ),
    )


@admin.register(Project)
class ProjectAdmin(ConsoleAdmin):
    """Shops; currency, time zone and clock are fixed at creation, because stored numbers depend on them."""

    form = ProjectForm
    list_display = ["name", "key", "currency", "time_zone", "clock_kind", "created_at"]
    search_fields = ["name", "key"]
    conditional_fields = dict.fromkeys(
        ["clock_origin", "clock_started_at", "clock_speed"], "clock_kind == 'SIMULATION'"
    )
    fieldsets = [
        (None, {"fields": ["name", "key", "currency", "time_zone", "attributes"]}),
        (
            _("Clock"),
            {
                "fields": ["clock_kind", "clock_origin", "clock_started_at", "clock_speed"],
                "description": _("Real time, except for a project that only simulates. It can never be changed."),
            },
        ),
    ]

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> list[str]:
        """Return everything but name and attributes once the project exists."""
        fixed = ["key", "currency", "time_zone", "clock_kind", "clock_origin", "clock_started_at", "clock_speed"]
        return fixed if obj else []

    def save_model(self, request: HttpRequest, obj: Project, form: Any, change: bool) -> None:
        """Create or edit by the action."""
        now, who = timezone.now(), username(request)
        if change:
            edit_project(project_id=obj.pk, name=obj.name, attributes=obj.attributes, acting_user=who, now=now)
            return
        obj.pk = create_project(
            key=obj.key,
            name=obj.name,
            currency=obj.currency,
            acting_user=who,
            now=now,
            time_zone=obj.time_zone,
            clock=ProjectClock(
                kind=ClockKind(obj.clock_kind),
                origin=obj.clock_origin,
                speed=obj.clock_speed,
                started_at=obj.clock_started_at,
            ),
        )
        edit_project(project_id=obj.pk, name=obj.name, attributes=obj.attributes, acting_user=who, now=now)
        obj.refresh_from_db()


@admin.register(ApiKey)
class ApiKeyAdmin(ConsoleAdmin):
    """Credentials of storefronts: issued here and shown once, revoked here, never edited."""

    list_display = ["name", "project", "kind", "hint", "created_at", "revoked_at"]
    list_filter = ["project", "kind", ("revoked_at", admin.EmptyFieldListFilter)]
    list_select_related = ["project"]
    search_fields = ["name", "hint"]
    fields = ["project", "name", "kind", "hint", "created_at", "revoked_at"]
    add_fieldsets = [
        (
            None,
            {
                "fields": ["project", "name", "kind"],
                "description": _("The key is shown once, right after it is issued. Only its digest is stored."),
            },
        )
    ]
    actions_detail = ["revoke"]

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> list[str]:
        """Return everything once the key exists."""
        return ["project", "name", "kind", "hint", "created_at", "revoked_at"] if obj else []

    def has_revoke_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        """Return whether the key is still valid and the person may change keys."""
        return (
            self.has_change_permission(request)
            and ApiKey.objects.filter(pk=row_id(object_id), revoked_at=None).exists()
        )

    def save_model(self, request: HttpRequest, obj: ApiKey, form: Any, change: bool) -> None:
        """Issue a key by the action and keep its secret for the answer."""
        if change:
            return
        issued = issue_api_key(
            project_id=obj.project_id, kind=obj.kind, name=obj.name, acting_user=username(request), now=timezone.now()
        )
        obj.pk = issued.id
        obj.refresh_from_db()
        request.issued_secret = issued.secret  # type: ignore[attr-defined]

    def response_add(self, request: HttpRequest, obj: ApiKey, post_url_continue: str | None = None) -> HttpResponse:
        """Show the secret in the answer itself, so that neither a cookie nor a session ever holds it."""
        context = {
            **self.admin_site.each_context(request),
            "title": _("API key issued"),
            "opts": self.opts,
            "key": obj,
            "secret": request.issued_secret,  # type: ignore[attr-defined]
            "list_url": reverse("admin:foundation_apikey_changelist"),
        }
        return TemplateResponse(
            request, "foundation/api_key_issued.html", context, headers={"Cache-Control": "no-store"}
        )

    @object_action(
        label=_("Revoke"),
        explanation=_("Whoever uses this key is refused within seconds. It cannot be undone."),
        form=RequiredReasonForm,
        permission="revoke",
        variant=ActionVariant.DANGER,
    )
    def revoke(self, request: HttpRequest, form: DialogForm, object_id: str) -> HttpResponse:
        """Revoke the key."""
        revoke_api_key(
            key_id=row_id(object_id),
            acting_user=username(request),
            now=timezone.now(),
            reason=form.cleaned_data["reason"],
        )
        messages.success(request, _("The key is revoked."))
        return return_to(request, self.page_of(object_id))


@admin.register(Job)
class JobAdmin(ReadOnlyAdmin):
    """Work that was promised; a dead job can be given another set of attempts."""

    list_display = ["kind", "key", "project", "state", "attempts", "run_after", "finished_at", "error"]
    list_filter = ["state", "kind", "project"]
    list_select_related = ["project"]
    search_fields = ["key", "last_error"]
    ordering = ["-id"]
    show_full_result_count = False
    actions = ["retry_dead"]
    actions_detail = ["retry_one"]

    @admin.display(description=_("last error"))
    def error(self, job: Job) -> str:
        """Return the last line of the error, which names it."""
        lines = job.last_error.strip().splitlines()
        return lines[-1][:120] if lines else ""

    def has_retry_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        """Return whether the person may change jobs and, on an object's page, whether the job is dead."""
        allowed = request.user.has_perm("foundation.change_job")
        return allowed and (
            object_id is None or Job.objects.filter(pk=row_id(object_id), state=Job.State.DEAD).exists()
        )

    @admin.action(description=_("Give dead jobs another set of attempts"), permissions=["retry"])
    def retry_dead(self, request: HttpRequest, queryset: QuerySet[Job]) -> None:
        """Retry those of the chosen jobs that are dead."""
        revived = sum(retry(job_id=job_id) for job_id in queryset.values_list("pk", flat=True))
        text = ngettext("%(n)s job will be tried again.", "%(n)s jobs will be tried again.", revived)
        messages.success(request, text % {"n": revived})

    @object_action(
        label=_("Try again"),
        explanation=_("The job gets another set of attempts at once. Mend what its last error names first."),
        form=DialogForm,
        permission="retry",
        variant=ActionVariant.PRIMARY,
    )
    def retry_one(self, request: HttpRequest, form: DialogForm, object_id: str) -> HttpResponse:
        """Retry the job."""
        retry(job_id=row_id(object_id))
        messages.success(request, _("The job will be tried again."))
        return return_to(request, self.page_of(object_id))


@admin.register(JournalEntry)
class JournalAdmin(ReadOnlyAdmin):
    """Who did what, when and why."""

    list_display = ["at", "project", "actor", "action", "subject", "reason"]
    list_filter = ["project", "action"]
    list_select_related = ["project"]
    search_fields = ["subject", "actor", "reason"]
    date_hierarchy = "at"
    show_full_result_count = False
    fields = ["project", "sequence", "at", "actor", "action", "subject", "reason", "before", "after", "seal"]


admin.site.unregister(User)
admin.site.unregister(Group)


@admin.register(User)
class UserAdmin(BaseUserAdmin, PeopleAdmin):  # type: ignore[type-arg]
    """People who may log in."""

    form = PersonForm
    add_form = PersonCreationForm
    change_password_form = PasswordForm


@admin.register(Group)
class GroupAdmin(BaseGroupAdmin, PeopleAdmin):
    """Sets of permissions."""
