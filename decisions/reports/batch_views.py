"""Batches over HTTP, for people of the console: the page of one, and its decisions as files."""

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render

from decisions.queries.batch_documents import batch_document
from decisions.queries.batch_records import BatchRecord, batch_of, batch_record
from decisions.queries.batches import BatchFacts, BatchUnknown
from decisions.queries.points import PointFacts, points_by_key
from decisions.reports.access import console_page, only
from decisions.reports.batch_files import batch_csv
from decisions.reports.batches import batch_page
from decisions.reports.views import asks_which, says_which

_VIEW_POINTS = "decisions.view_decisionpoint"
_CHANGED = "changed"
_LONGEST_SUBJECT = 401


@console_page(_VIEW_POINTS)
@asks_which
def batch(request: HttpRequest, key: str, batch_id: int) -> HttpResponse:
    """Show a batch; ?after= turns the page, ?only=changed leaves out decisions that change nothing."""
    page = batch_page(_record(request, key, batch_id))
    return render(request, "decisions/batch.html", {"page": page, "section": "points"})


@console_page(_VIEW_POINTS)
@says_which
def batch_as_json(request: HttpRequest, key: str, batch_id: int) -> HttpResponse:
    """Answer with the document of a batch; that a person looks at it does not deliver it to the shop."""
    found = _batch(request, key, batch_id)
    return _file(HttpResponse(batch_document(found), content_type="application/json"), found, "json")


@console_page(_VIEW_POINTS)
@says_which
def batch_as_csv(request: HttpRequest, key: str, batch_id: int) -> HttpResponse:
    """Answer with the decisions of a batch as a table; that does not deliver it to the shop either."""
    found = _batch(request, key, batch_id)
    return _file(HttpResponse(batch_csv(found), content_type="text/csv; charset=utf-8"), found, "csv")


def _record(request: HttpRequest, key: str, batch_id: int) -> BatchRecord:
    after = request.GET.get("after", "").replace("\0", "")[:_LONGEST_SUBJECT]
    try:
        return batch_record(_point(request, key), batch_id, after=after, changed=request.GET.get("only") == _CHANGED)
    except BatchUnknown as error:
        raise Http404(error.message) from error


def _batch(request: HttpRequest, key: str, batch_id: int) -> BatchFacts:
    try:
        return batch_of(_point(request, key), batch_id)
    except BatchUnknown as error:
        raise Http404(error.message) from error


def _point(request: HttpRequest, key: str) -> PointFacts:
    return only(points_by_key(key, project_key=request.GET.get("project")), key)


def _file(answer: HttpResponse, found: BatchFacts, ending: str) -> HttpResponse:
    answer["Content-Disposition"] = f'attachment; filename="batch-{found.id}.{ending}"'
    return answer
