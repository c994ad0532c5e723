"""Learning policies: made for a decision point, then read only but for their name; buttons stop and start them."""

from typing import Any, Final

from django.contrib import admin, messages
from django.db.models import Model
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from decisions.actions.learners import LearnerDraft, create_learner, rename_learner, start_learning, stop_learning
from decisions.admin.learner_forms import LearnerForm
from decisions.admin.links import learner_link
from decisions.learning import LearnerKind
from decisions.models import Learner
from decisions.queries.learners import LearnerUnknown, learner_by_id
from decisions.queries.points import point_by_id
from experiments.reports import figures
from foundation.admin_base import ActionVariant, ConsoleAdmin, ReasonForm, object_action, return_to, row_id, username

SHOWN: Final = ["point", "key", "name", "kind", "reward", "floor_shown", "holdback_shown", "update_minutes", "settings"]
FIXED: Final = ["point", "key", "kind", "reward", "floor", "holdback", "update_minutes", "settings"]
"""What never changes once there is a state, which there is from the beginning."""


@admin.register(Learner)
class LearnerAdmin(ConsoleAdmin):
    """Policies that learn from rewards which actions to show."""

    form = LearnerForm
    list_display = ["name", "key", "point", "kind", "reward", "is_learning", "page"]
    list_filter = ["point__project", "point", "is_learning"]
    list_select_related = ["point"]
    search_fields = ["name", "key"]
    ordering = ["-id"]
    actions_detail = ["stop", "start"]

    def get_fields(self, request: HttpRequest, obj: Model | None = None) -> Any:
        """Return the fields of a new one, or what there is to read."""
        if obj is None:
            return ["point", "name", "key", "kind", "reward", "floor", "holdback", "update_minutes", "settings"]
        return ["name", *[name for name in SHOWN if name != "name"], "is_learning", "page"]

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> list[str]:
        """Return everything but the name, once it exists."""
        return [] if obj is None else [*FIXED, "floor_shown", "holdback_shown", "is_learning", "page"]

    @admin.display(description=gettext_lazy("exploration floor"))
    def floor_shown(self, learner: Learner) -> str:
        """Return the floor as a percentage."""
        return figures.percent(learner.floor)

    @admin.display(description=gettext_lazy("control holdback"))
    def holdback_shown(self, learner: Learner) -> str:
        """Return the holdback as a percentage."""
        return figures.percent(learner.holdback)

    @admin.display(description=gettext_lazy("page"))
    def page(self, learner: Learner) -> SafeString:
        """Return a link to what it has learnt."""
        point = point_by_id(learner.point_id)
        return learner_link(point.key, learner.key, point.project_id, _("What it has learnt"))

    def save_model(self, request: HttpRequest, obj: Learner, form: Any, change: bool) -> None:
        """Create or rename by the action."""
        now, who = timezone.now(), username(request)
        if change:
            rename_learner(learner_id=obj.pk, name=obj.name, acting_user=who, now=now)
            return
        draft = LearnerDraft(
            key=obj.key,
            name=obj.name,
            kind=LearnerKind(obj.kind),
            reward=obj.reward,
            floor=obj.floor,
            holdback=obj.holdback,
            update_minutes=obj.update_minutes,
            settings=obj.settings,
        )
        obj.pk = create_learner(point_id=obj.point_id, draft=draft, acting_user=who, now=now)
        obj.refresh_from_db()

    def response_add(self, request: HttpRequest, obj: Model, post_url_continue: str | None = None) -> HttpResponse:
        """Say how it comes to decide."""
        told = _(
            "The learning policy is there. It decides once a variant has it, or once its decision point names it for "
            "all traffic outside experiments."
        )
        messages.success(request, told)
        return HttpResponseRedirect(self.page_of(obj.pk))

    def has_stop_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        """Return whether it learns and the person may change it."""
        return self._may(request, object_id, learning=True)

    def has_start_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        """Return whether it does not learn and the person may change it."""
        return self._may(request, object_id, learning=False)

    @object_action(
        label=gettext_lazy("Stop learning"),
        explanation=gettext_lazy("It goes on to decide with what it knows now. The holdback stays."),
        form=ReasonForm,
        permission="stop",
        variant=ActionVariant.WARNING,
    )
    def stop(self, request: HttpRequest, form: Any, object_id: str) -> HttpResponse:
        """Let it stay as it is."""
        stop_learning(
            learner_id=row_id(object_id),
            acting_user=username(request),
            now=timezone.now(),
            reason=form.cleaned_data["reason"],
        )
        messages.success(request, _("It learns no more. Its decisions go on as they are."))
        return return_to(request, self.page_of(object_id))

    @object_action(
        label=gettext_lazy("Start learning"),
        explanation=gettext_lazy("It learns on, also from what was decided while it was stopped."),
        form=ReasonForm,
        permission="start",
        variant=ActionVariant.PRIMARY,
    )
    def start(self, request: HttpRequest, form: Any, object_id: str) -> HttpResponse:
        """Let it learn again."""
        start_learning(
            learner_id=row_id(object_id),
            acting_user=username(request),
            now=timezone.now(),
            reason=form.cleaned_data["reason"],
        )
        messages.success(request, _("It learns again."))
        return return_to(request, self.page_of(object_id))

    def _may(self, request: HttpRequest, object_id: str | None, *, learning: bool) -> bool:
        try:
            learner = learner_by_id(row_id(object_id))
        except LearnerUnknown:
            return False
        return learner.is_learning is learning and request.user.has_perm("decisions.change_learner")
