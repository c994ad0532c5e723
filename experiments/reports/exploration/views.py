"""Explorations over HTTP: a page that shows them and, for those who may, takes the next request."""

import json
from typing import Final

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _

from experiments.actions.exploration import job_prefix, request_exploration
from experiments.queries.designs import ExperimentUnknown
from experiments.queries.explorations import (
    ExplorationUnknown,
    StoredExploration,
    choices_of,
    exploration,
    exploration_lines,
)
from experiments.queries.readouts import ExperimentAmbiguous, Readout, readout
from experiments.reports.exploration.form import ExplorationForm, Filled, ask_form, faults_of
from experiments.reports.exploration.presenter import Places, Waiting, exploration_page
from experiments.reports.scoreboard import Scale
from experiments.reports.views import console_form, console_page, readout_url
from experiments.vocabulary import Source
from foundation.errors import DomainError
from foundation.queries import latest_fault, open_jobs

MAY_ASK: Final = "experiments.add_exploratoryscorecard"
SCHEMA: Final = 1
UNPROCESSABLE: Final = 422


@console_page
def explore_page(request: HttpRequest, key: str) -> HttpResponse:
    """Show the newest exploration of an experiment, or the one that ?number= names, and the form for the next."""
    found = _readout(request, key)
    return _shown(request, found, Filled(), status=200)


@console_page
def explore_json(request: HttpRequest, key: str) -> HttpResponse:
    """Answer with the stored exploration, byte for byte."""
    found = _readout(request, key)
    stored = _stored(request, found)
    if stored is None:
        raise Http404("Nothing has been explored yet.")
    head = {
        "schema": SCHEMA,
        "project": found.project.key,
        "experiment": found.key,
        "exploratory": True,
        "number": stored.line.number,
        "exploration_sha256": stored.sha256,
    }
    opening = json.dumps(head, ensure_ascii=False, allow_nan=False)[:-1]
    return HttpResponse(f'{opening}, "exploration": {stored.text}}}\n', content_type="application/json")


@console_form
def explore_ask(request: HttpRequest, key: str) -> HttpResponse:
    """Promise the exploration that the form asks for and lead back to the page, or say what to correct."""
    if not request.user.has_perm(MAY_ASK):
        raise PermissionDenied
    found = _readout(request, key)
    form = ExplorationForm(request.POST, choices_of(found.id))
    if not form.is_valid():
        return _shown(request, found, Filled.posted(request.POST, faults_of(form)), status=UNPROCESSABLE)
    try:
        promised = request_exploration(
            experiment_id=found.id,
            request=form.request(),
            acting_user=request.user.get_username(),
            now=timezone.now(),
        )
    except DomainError as error:
        faults = (f"{error.message} {error.hint}",)
        return _shown(request, found, Filled.posted(request.POST, faults), status=UNPROCESSABLE)
    if promised:
        messages.success(request, _("The exploration is being computed. Load this page again in a moment."))
    else:
        messages.info(request, _("The same was asked for today: it is in the list, or will be in a moment."))
    return HttpResponseRedirect(readout_url(key, request.GET.get("project"), name="explore"))


def _shown(request: HttpRequest, found: Readout, filled: Filled, *, status: int) -> HttpResponse:
    project, relative = request.GET.get("project"), request.GET.get("effect") != "absolute"
    stored = _stored(request, found)
    lines = exploration_lines(found.id)
    chosen = {"number": str(stored.line.number)} if stored else {}
    has_events = found.source is Source.OWN and found.period_minutes is None and found.started_at is not None
    may_ask = request.user.has_perm(MAY_ASK) and has_events
    page = exploration_page(
        found,
        stored,
        lines,
        waiting=Waiting(open_jobs(key_prefix=job_prefix(found.id)), latest_fault(key_prefix=job_prefix(found.id))),
        places=Places(
            readout=readout_url(found.key, project),
            json=readout_url(found.key, project, name="explore-json", **chosen),
            scale=Scale(
                relative,
                readout_url(found.key, project, name="explore", **chosen),
                readout_url(found.key, project, name="explore", effect="absolute", **chosen),
            ),
            numbers=tuple(readout_url(found.key, project, name="explore", number=str(line.number)) for line in lines),
        ),
        form=ask_form(choices_of(found.id), filled, currency=found.project.currency) if may_ask else None,
    )
    ask_url = readout_url(found.key, project, name="explore-ask")
    context = {"page": page, "ask_url": ask_url, "section": "readouts"}
    return render(request, "reports/explore.html", context, status=status)


def _stored(request: HttpRequest, found: Readout) -> StoredExploration | None:
    number = request.GET.get("number")
    if number is not None and not (number.isascii() and number.isdigit() and len(number) < 10):
        raise Http404("There is no such exploration.")
    try:
        return exploration(found.id, None if number is None else int(number))
    except ExplorationUnknown as error:
        raise Http404(error.message) from error


def _readout(request: HttpRequest, key: str) -> Readout:
    try:
        return readout(key=key, project_key=request.GET.get("project"))
    except ExperimentAmbiguous as error:
        raise Http404(f"{error.message} {error.hint}") from error
    except ExperimentUnknown as error:
        raise Http404(error.message) from error
