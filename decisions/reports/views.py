"""Models, decision points, decisions and promotions over HTTP: each view asks one query and hands it to a presenter."""

from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, Concatenate, ParamSpec, cast

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone

from decisions.ingest.fields import LONGEST_ID
from decisions.queries.ad_figures import ad_record
from decisions.queries.inbox import inbox
from decisions.queries.made import DecisionUnknown
from decisions.queries.model_records import VersionRecord, model_lines, model_record, version_record
from decisions.queries.point_records import DecisionRecord, PointRecord, decision_record, point_lines, point_record
from decisions.queries.points import PointFacts, points_by_key
from decisions.reports import ads, decision, documents, models, points, promotions, versions
from decisions.reports.access import KeyAmbiguous, console_page, only
from decisions.reports.batches import batches_panel
from models_registry.queries.versions import ModelFacts, VersionUnknown, models_by_key, version_by_number

Arguments = ParamSpec("Arguments")
View = Callable[Concatenate[HttpRequest, Arguments], HttpResponse]

_VIEW_MODELS = "models_registry.view_registeredmodel"
_VIEW_POINTS = "decisions.view_decisionpoint"
_VIEW_PROPOSALS = "decisions.view_promotionproposal"


def asks_which(view: View[Arguments]) -> View[Arguments]:
    """Let the page ask which project is meant where several have the key."""

    @wraps(view)
    def asking(request: HttpRequest, *args: Arguments.args, **kwargs: Arguments.kwargs) -> HttpResponse:
        try:
            return view(request, *args, **kwargs)
        except KeyAmbiguous as error:
            links = [(key, f"{request.path}?project={key}") for key in error.projects]
            return render(request, "decisions/choose.html", {"links": links}, status=300)

    return cast("View[Arguments]", asking)


def says_which(view: View[Arguments]) -> View[Arguments]:
    """Let programs know that several projects have the key."""

    @wraps(view)
    def saying(request: HttpRequest, *args: Arguments.args, **kwargs: Arguments.kwargs) -> HttpResponse:
        try:
            return view(request, *args, **kwargs)
        except KeyAmbiguous as error:
            raise Http404(f"{error.message} {error.hint}") from error

    return cast("View[Arguments]", saying)


@console_page(_VIEW_MODELS)
def model_list(request: HttpRequest) -> HttpResponse:
    """Show every model."""
    return _page(request, "models", {"rows": models.model_rows(model_lines())}, section="models")


@console_page(_VIEW_MODELS)
@asks_which
def model_page(request: HttpRequest, key: str) -> HttpResponse:
    """Show a model: who holds its aliases, its versions, training runs and moves."""
    page = models.model_page(model_record(_model(request, key), now=timezone.now()))
    return _page(request, "model", {"page": page}, section="models")


@console_page(_VIEW_MODELS)
@says_which
def model_json(request: HttpRequest, key: str) -> HttpResponse:
    """Answer with the facts of a model's page."""
    return _json(documents.model_document(model_record(_model(request, key), now=timezone.now())))


@console_page(_VIEW_MODELS)
@asks_which
def version_page(request: HttpRequest, key: str, number: int) -> HttpResponse:
    """Show a model version: its card, and its lineage both ways."""
    page = versions.version_page(_version(request, key, number))
    return _page(request, "version", {"page": page}, section="models")


@console_page(_VIEW_MODELS)
@says_which
def version_json(request: HttpRequest, key: str, number: int) -> HttpResponse:
    """Answer with the facts of a model version's page."""
    return _json(documents.version_document(_version(request, key, number)))


@console_page(_VIEW_POINTS)
def point_list(request: HttpRequest) -> HttpResponse:
    """Show every decision point with its last day."""
    return _page(request, "points", {"rows": points.point_rows(point_lines(now=timezone.now()))}, section="points")


@console_page(_VIEW_POINTS)
@asks_which
def point_page(request: HttpRequest, key: str) -> HttpResponse:
    """Show a decision point; ?version= narrows the recent decisions to a version of its model."""
    record, version = _point_record(request, key)
    page = points.point_page(record, version=version)
    panel = ads.ad_panel(record, ad_record(record.point, now=timezone.now()))
    panels = {"ads": panel, "batches": batches_panel(record.batches, record.project)}
    return _page(request, "point", {"page": page, **panels}, section="points")


@console_page(_VIEW_POINTS)
@says_which
def point_json(request: HttpRequest, key: str) -> HttpResponse:
    """Answer with the facts of a decision point's page."""
    return _json(documents.point_document(_point_record(request, key)[0]))


@console_page(_VIEW_POINTS)
@asks_which
def decision_page(request: HttpRequest, key: str, decision_id: str) -> HttpResponse:
    """Show one logged decision and what made it."""
    page = decision.decision_page(_decision(request, key, decision_id))
    return _page(request, "decision", {"page": page}, section="points")


@console_page(_VIEW_POINTS)
@says_which
def decision_json(request: HttpRequest, key: str, decision_id: str) -> HttpResponse:
    """Answer with one logged decision and the lineage of its model version."""
    return _json(documents.decision_document(_decision(request, key, decision_id)))


@console_page(_VIEW_PROPOSALS)
def promotion_inbox(request: HttpRequest) -> HttpResponse:
    """Show what waits for approval, and what was decided."""
    return _page(request, "promotions", {"inbox": promotions.inbox_of(inbox())}, section="promotions")


def _model(request: HttpRequest, key: str) -> ModelFacts:
    return only(models_by_key(key, project_key=request.GET.get("project")), key)


def _point(request: HttpRequest, key: str) -> PointFacts:
    return only(points_by_key(key, project_key=request.GET.get("project")), key)


def _version(request: HttpRequest, key: str, number: int) -> VersionRecord:
    try:
        return version_record(version_by_number(_model(request, key).id, number))
    except VersionUnknown as error:
        raise Http404(error.message) from error


def _point_record(request: HttpRequest, key: str) -> tuple[PointRecord, int | None]:
    point = _point(request, key)
    version = _narrowed(point, request.GET.get("version", ""))
    return point_record(point, now=timezone.now(), version=version), version


def _narrowed(point: PointFacts, number: str) -> int | None:
    """Return the id of the version that ?version= names; None for what names none."""
    if point.model_id is None or not (number.isascii() and number.isdigit() and len(number) < 10):
        return None
    try:
        return version_by_number(point.model_id, int(number)).id
    except VersionUnknown:
        return None


def _decision(request: HttpRequest, key: str, decision_id: str) -> DecisionRecord:
    try:
        return decision_record(decision_id, _point(request, key), item=request.GET.get("item", "").strip()[:LONGEST_ID])
    except DecisionUnknown as error:
        raise Http404(f"{error.message} {error.hint}") from error


def _page(request: HttpRequest, name: str, context: Mapping[str, Any], *, section: str) -> HttpResponse:
    return render(request, f"decisions/{name}.html", {**context, "section": section})


def _json(document: Mapping[str, Any]) -> HttpResponse:
    return HttpResponse(documents.as_json(document), content_type="application/json")
