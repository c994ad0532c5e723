"""Learning policies over HTTP."""

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone

from decisions.queries.learner_records import LearnerRecord, learner_record
from decisions.queries.learners import LearnerUnknown, learner_by_key
from decisions.queries.points import points_by_key
from decisions.reports import documents
from decisions.reports.access import console_page, only
from decisions.reports.learner_documents import learner_document
from decisions.reports.learners import learner_page
from decisions.reports.views import asks_which, says_which

_VIEW = "decisions.view_decisionpoint"


@console_page(_VIEW)
@asks_which
def learner(request: HttpRequest, key: str, learner_key: str) -> HttpResponse:
    """Show a learning policy: what it is, what it knows, what it would do."""
    page = learner_page(_record(request, key, learner_key))
    return render(request, "decisions/learner.html", {"page": page, "section": "points"})


@console_page(_VIEW)
@says_which
def learner_json(request: HttpRequest, key: str, learner_key: str) -> HttpResponse:
    """Answer with the facts of a learning policy's page."""
    document = learner_document(_record(request, key, learner_key))
    return HttpResponse(documents.as_json(document), content_type="application/json")


def _record(request: HttpRequest, key: str, learner_key: str) -> LearnerRecord:
    point = only(points_by_key(key, project_key=request.GET.get("project")), key)
    try:
        found = learner_by_key(point.project_id, point.key, learner_key)
    except LearnerUnknown as error:
        raise Http404(error.message) from error
    return learner_record(found, now=timezone.now())
