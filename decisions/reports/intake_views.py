"""What arrives and what is wrong with it, over HTTP: each view asks the queries and hands them to the presenter."""

from datetime import UTC, timedelta
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _

from decisions.actions.replaying import replay_quarantine
from decisions.queries.intake import intake_days, noted_at_the_door, set_aside
from decisions.queries.log import projected_until
from decisions.queries.stale_looks import stale_looks
from decisions.queries.supply import unbooked
from decisions.reports.access import console_page, console_step
from decisions.reports.documents import as_json
from decisions.reports.intake import intake_document, intake_page, warnings_of
from foundation.queries import ProjectFacts, ProjectUnknown, all_projects, project_by_key

SHOWN_DAYS = 14
LONGEST_WHY = 500
_VIEW = "experiments.view_quarantine"
_REPLAY = "experiments.change_quarantine"


@console_page(_VIEW)
def intake_list(request: HttpRequest) -> HttpResponse:
    """Show the projects, or the only one's page."""
    projects = all_projects()
    if len(projects) == 1:
        return _page(request, projects[0])
    return render(request, "decisions/intake_projects.html", {"projects": projects, "section": "intake"})


@console_page(_VIEW)
def intake_of_project(request: HttpRequest, key: str) -> HttpResponse:
    """Show what a project received lately, and what is wrong with it."""
    return _page(request, _project(key))


@console_page(_VIEW)
def intake_json(request: HttpRequest, key: str) -> HttpResponse:  # noqa: ARG001
    """Answer with the facts of a project's page."""
    project = _project(key)
    return HttpResponse(as_json(intake_document(project, **_facts(project))), content_type="application/json")


@console_step(_REPLAY)
def replay(request: HttpRequest, key: str) -> HttpResponse:
    """Judge what lies in quarantine with a reason again, and tell what came of it on the page."""
    done = replay_quarantine(
        project_key=_project(key).key,
        reason=request.POST.get("reason") or None,
        why=request.POST.get("why", "")[:LONGEST_WHY],
        acting_user=request.user.get_username(),
        now=timezone.now(),
    )
    told = {"judged": done.judged, "released": done.released}
    messages.success(request, _("%(judged)d messages were judged again; %(released)d count from now on.") % told)
    return redirect("intake", key)


def _page(request: HttpRequest, project: ProjectFacts) -> HttpResponse:
    page = intake_page(project, **_facts(project))
    return render(request, "decisions/intake.html", {"page": page, "section": "intake"})


def _facts(project: ProjectFacts) -> dict[str, Any]:
    last = timezone.now().astimezone(UTC).date()
    first = last - timedelta(days=SHOWN_DAYS - 1)
    return {
        "watermark": projected_until(project.id),
        "warned": warnings_of(
            noted_at_the_door(project.id, first=first),
            set_aside(project.id, first=first),
            unbooked(project.id, first=first),
        ),
        "days": intake_days(project.id, first=first, last=last),
        "stale": stale_looks(project.id),
    }


def _project(key: str) -> ProjectFacts:
    try:
        return project_by_key(key)
    except ProjectUnknown as error:
        raise Http404(error.message) from error
