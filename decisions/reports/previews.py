"""The page with the preview tokens of a live experiment's variants, and the link to it."""

from dataclasses import dataclass
from datetime import datetime

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from decisions.actions.preview import PREVIEW_HOURS, NotInBundle, PreviewPays, preview_token
from decisions.queries.live import NothingPublished
from decisions.reports.access import console_page
from experiments.queries.designs import ExperimentUnknown, run_facts, variants_of
from experiments.queries.met import is_served
from experiments.reports.page import RelatedLink
from experiments.reports.related import Related


@dataclass(frozen=True, slots=True)
class PreviewLine:
    """A variant and the token that shows it; `missing` says why there is none."""

    name: str
    token: str | None
    missing: str = ""


@console_page("experiments.view_experiment")
def previews_page(request: HttpRequest, experiment_id: int) -> HttpResponse:
    """Show a fresh token for each variant of an experiment."""
    try:
        run = run_facts(experiment_id)
    except ExperimentUnknown as error:
        raise Http404(error.message) from error
    lines = _lines(experiment_id, run.project_id, run.key, timezone.now())
    return render(request, "decisions/previews.html", {"key": run.key, "lines": lines, "hours": PREVIEW_HOURS})


def related_previews(experiment_id: int) -> Related:
    """Return the link to the previews of an experiment that is running or paused; nothing for any other."""
    if not is_served(experiment_id):
        return Related()
    return Related(
        links=(RelatedLink(_("Preview"), _("Look at a variant"), reverse("previews", args=[experiment_id])),)
    )


def _lines(experiment_id: int, project_id: int, key: str, now: datetime) -> list[PreviewLine]:
    lines = []
    for variant in variants_of(experiment_id):
        try:
            token = preview_token(project_id=project_id, experiment=key, variant=variant.key, now=now)
            lines.append(PreviewLine(variant.name, token))
        except (NotInBundle, NothingPublished):
            missing = _("The live configuration does not have it. Try again in a few seconds.")
            lines.append(PreviewLine(variant.name, None, missing))
        except PreviewPays:
            missing = _("It changes what a person pays: look at it in a project of its own, where nobody pays.")
            lines.append(PreviewLine(variant.name, None, missing))
    return lines
