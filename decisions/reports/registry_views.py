"""Versions side by side, their cards and lineage, and the steps by which one becomes shadow or challenger."""

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _

from decisions.actions.shadow import clear_role, set_role
from decisions.queries.descent import Descent, descent_of
from decisions.queries.model_records import VersionRecord, version_record
from decisions.reports import cards, diffs, documents, lineages
from decisions.reports.access import console_page, console_step, only
from decisions.reports.addresses import model_url, version_url
from decisions.reports.views import asks_which, says_which
from decisions.reports.wording import ALIASES
from foundation.errors import DomainError
from foundation.queries import project_facts
from models_registry.cards import render_card
from models_registry.queries.versions import (
    ModelFacts,
    VersionFacts,
    VersionUnknown,
    models_by_key,
    version_by_number,
)
from models_registry.vocabulary import AliasName

LONGEST_REASON = 500
_VIEW = "models_registry.view_registeredmodel"
_CHANGE = "models_registry.change_alias"


@console_page(_VIEW)
@asks_which
def diff_page(request: HttpRequest, key: str) -> HttpResponse:
    """Show two versions side by side: ?a= and ?b= are their numbers."""
    page = diffs.diff_page(*_sides(request, key))
    return render(request, "decisions/diff.html", {"page": page, "section": "models"})


@console_page(_VIEW)
@says_which
def diff_json(request: HttpRequest, key: str) -> HttpResponse:
    """Answer with what differs between two versions."""
    return _json(diffs.diff_document(*_sides(request, key)))


@console_page(_VIEW)
@asks_which
def lineage_page(request: HttpRequest, key: str, number: int) -> HttpResponse:
    """Show where a version comes from and what came of it."""
    page = lineages.lineage_page(_descent(request, key, number))
    return render(request, "decisions/lineage.html", {"page": page, "section": "models"})


@console_page(_VIEW)
@says_which
def lineage_json(request: HttpRequest, key: str, number: int) -> HttpResponse:
    """Answer with where a version comes from and what came of it."""
    return _json(lineages.lineage_document(_descent(request, key, number)))


@console_page(_VIEW)
@says_which
def card(request: HttpRequest, key: str, number: int) -> HttpResponse:
    """Answer with the version's card as a file of Markdown."""
    text = render_card(cards.card_of(_descent(request, key, number)))
    response = HttpResponse(text, content_type="text/markdown; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{key}-v{number}.md"'
    return response


@console_step(_CHANGE)
@says_which
def give(request: HttpRequest, key: str, number: int) -> HttpResponse:
    """Let a version be the shadow or the challenger of its model, and lead back to its page."""
    version, name = _version(request, key, number), _role(request)
    try:
        set_role(
            version_id=version.id,
            name=name,
            acting_user=request.user.get_username(),
            now=timezone.now(),
            reason=request.POST.get("reason", "")[:LONGEST_REASON],
        )
    except DomainError as error:
        messages.error(request, f"{error.message} {error.hint}")
    else:
        told = {"number": version.number, "alias": ALIASES[name]}
        messages.success(request, _("v%(number)s has the alias %(alias)s now.") % told)
    return redirect(version_url(version, project_facts(version.model.project_id)))


@console_step(_CHANGE)
@says_which
def clear(request: HttpRequest, key: str) -> HttpResponse:
    """Let no version be the shadow or the challenger of a model, and lead back to its page."""
    model, name = _model(request, key), _role(request)
    try:
        clear_role(
            model_id=model.id,
            name=name,
            acting_user=request.user.get_username(),
            now=timezone.now(),
            reason=request.POST.get("reason", "")[:LONGEST_REASON],
        )
    except DomainError as error:
        messages.error(request, f"{error.message} {error.hint}")
    else:
        messages.success(request, _("Nobody has the alias %(alias)s now.") % {"alias": ALIASES[name]})
    return redirect(model_url(model, project_facts(model.project_id)))


def _role(request: HttpRequest) -> AliasName:
    try:
        return AliasName(request.POST.get("alias", ""))
    except ValueError as error:
        raise Http404("There is no such alias.") from error


def _model(request: HttpRequest, key: str) -> ModelFacts:
    return only(models_by_key(key, project_key=request.GET.get("project")), key)


def _version(request: HttpRequest, key: str, number: int) -> VersionFacts:
    try:
        return version_by_number(_model(request, key).id, number)
    except VersionUnknown as error:
        raise Http404(error.message) from error


def _descent(request: HttpRequest, key: str, number: int) -> Descent:
    return descent_of(_version(request, key, number), now=timezone.now())


def _sides(request: HttpRequest, key: str) -> tuple[VersionRecord, VersionRecord]:
    one, other = (_number(request.GET.get(name, "")) for name in ("a", "b"))
    return version_record(_version(request, key, one)), version_record(_version(request, key, other))


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 0 < len(text) < 10):
        raise Http404("Name two versions by their numbers: ?a=1&b=2.")
    return int(text)


def _json(document: dict[str, object]) -> HttpResponse:
    return HttpResponse(documents.as_json(document), content_type="application/json")
