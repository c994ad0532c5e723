"""Readouts over HTTP: each view asks one query and hands its answer to a presenter or a writer."""

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec, cast
from urllib.parse import urlencode

from django.contrib.admin.views.decorators import staff_member_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.cache import patch_cache_control, patch_vary_headers
from django.views.decorators.http import require_POST, require_safe

from experiments.queries.designs import ExperimentUnknown
from experiments.queries.readout_lists import experiment_page
from experiments.queries.readouts import ExperimentAmbiguous, Readout, readout
from experiments.queries.schedules import schedule_facts, schedule_of
from experiments.reports.listing import listing_of
from experiments.reports.presenter import Addresses, page_of
from experiments.reports.related import related_to
from experiments.reports.schedule import schedule_csv
from experiments.reports.segment_tables import segments_csv_of
from experiments.reports.tables import csv_of, json_of
from experiments.vocabulary import Status

Arguments = ParamSpec("Arguments")
View = Callable[Concatenate[HttpRequest, Arguments], HttpResponse]


def console_page(view: View[Arguments]) -> View[Arguments]:
    """Let people of the console who may view experiments read the page, and nobody keep a copy of it."""

    return require_safe(_guarded(view))


def console_form(view: View[Arguments]) -> View[Arguments]:
    """Let the same people send a form to the page; what they may ask for is for the view to say."""
    return require_POST(_guarded(view))


def _guarded(view: View[Arguments]) -> View[Arguments]:
    @wraps(view)
    def guarded(request: HttpRequest, *args: Arguments.args, **kwargs: Arguments.kwargs) -> HttpResponse:
        if not request.user.has_perm("experiments.view_experiment"):
            raise PermissionDenied
        response = view(request, *args, **kwargs)
        patch_cache_control(response, private=True, no_cache=True)
        patch_vary_headers(response, ["Cookie", "Accept-Language"])
        return response

    return cast("View[Arguments]", staff_member_required(guarded, login_url="admin:login"))


@console_page
def experiment_list(request: HttpRequest) -> HttpResponse:
    """Show the experiments with their verdicts, filtered by ?q= and ?status=."""
    search = request.GET.get("q", "").replace("\0", "").strip()[:200]
    status = request.GET.get("status", "")
    number = request.GET.get("page", "1")
    found = experiment_page(
        search=search,
        status=Status(status) if status in Status.__members__ else None,
        page=int(number) if number.isascii() and number.isdigit() and len(number) < 7 else 1,
    )
    listing = listing_of(found, search=search, status=status, url=readout_url, now=timezone.now())
    return render(request, "reports/list.html", {"listing": listing, "section": "readouts"})


@console_page
def readout_page(request: HttpRequest, key: str) -> HttpResponse:
    """Show the readout of an experiment; ?effect=absolute shows differences in place of lifts."""
    project = request.GET.get("project")
    try:
        found = _readout(key, project)
    except ExperimentAmbiguous as error:
        links = [(name, readout_url(key, name)) for name in error.projects]
        return render(request, "reports/choose.html", {"key": key, "links": links}, status=300)
    page = page_of(
        found,
        relative=request.GET.get("effect") != "absolute",
        addresses=_addresses(found, project),
        now=timezone.now(),
        related=related_to(found.id),
    )
    return render(request, "reports/readout.html", {"page": page, "section": "readouts"})


@console_page
def readout_json(request: HttpRequest, key: str) -> HttpResponse:
    """Answer with the stored scorecard, byte for byte, and its verdict."""
    found = _unambiguous(key, request.GET.get("project"))
    return HttpResponse(json_of(found), content_type="application/json")


@console_page
def readout_csv(request: HttpRequest, key: str) -> HttpResponse:
    """Answer with the comparisons of the latest scorecard, one a line, headed in the language of the request."""
    found = _unambiguous(key, request.GET.get("project"))
    response = HttpResponse(csv_of(found), content_type="text/csv; charset=utf-8")
    response.headers["Content-Disposition"] = f'attachment; filename="{found.project.key}-{found.key}.csv"'
    return response


@console_page
def readout_segments_csv(request: HttpRequest, key: str) -> HttpResponse:
    """Answer with the segments of the latest scorecard, one level a line, headed in the language of the request."""
    found = _unambiguous(key, request.GET.get("project"))
    response = HttpResponse(segments_csv_of(found), content_type="text/csv; charset=utf-8")
    name = f"{found.project.key}-{found.key}-segments.csv"
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


@console_page
def readout_schedule_csv(request: HttpRequest, key: str) -> HttpResponse:
    """Answer with the schedule that was handed out: one line for each unit in each period."""
    found = _unambiguous(key, request.GET.get("project"))
    if not found.has_schedule:
        raise Http404("No schedule of this experiment was handed out.")
    facts = schedule_facts(found.id)
    content = schedule_csv(schedule_of(facts, facts.units, facts.periods).cells, zone=facts.zone)
    response = HttpResponse(content, content_type="text/csv; charset=utf-8")
    name = f"{found.project.key}-{found.key}-schedule.csv"
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def readout_url(key: str, project: str | None, *, name: str = "readout", **options: str) -> str:
    """Return the address of a readout; `project` is named where the key alone is not enough."""
    query = {**({"project": project} if project else {}), **options}
    address = reverse(name, args=[key])
    return f"{address}?{urlencode(query)}" if query else address


def _readout(key: str, project: str | None) -> Readout:
    try:
        return readout(key=key, project_key=project)
    except ExperimentUnknown as error:
        raise Http404(error.message) from error


def _unambiguous(key: str, project: str | None) -> Readout:
    try:
        return _readout(key, project)
    except ExperimentAmbiguous as error:
        raise Http404(f"{error.message} {error.hint}") from error


def _addresses(found: Readout, project: str | None) -> Addresses:
    return Addresses(
        relative=readout_url(found.key, project),
        absolute=readout_url(found.key, project, effect="absolute"),
        csv=readout_url(found.key, project, name="readout-csv"),
        json=readout_url(found.key, project, name="readout-json"),
        segments_csv=readout_url(found.key, project, name="readout-segments-csv"),
        schedule_csv=readout_url(found.key, project, name="readout-schedule-csv"),
        explore=readout_url(found.key, project, name="explore"),
        admin=reverse("admin:experiments_experiment_change", args=[found.id]),
    )
