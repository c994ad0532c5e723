"""Small pieces of markup that several tables of the admin share."""

from django.urls import reverse
from django.utils.html import format_html
from django.utils.http import urlencode
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from experiments.models import Experiment
from experiments.reports.wording import NO_DATA, STATUSES, Words, verdict_words
from experiments.vocabulary import Status, VerdictState


def verdict_badge(state: str | None, winner: str | None = None) -> SafeString:
    """Return a verdict in its colour, with its glyph; `winner` is the name of the variant to ship."""
    return _badge(verdict_words(VerdictState(state), winner) if state else NO_DATA)


def status_text(experiment: Experiment) -> str:
    """Return the status in the language of the page."""
    return str(STATUSES[Status(experiment.status)])


def readout_url(experiment: Experiment) -> str:
    """Return the address of an experiment's readout, with its project, so that no other key can shadow it."""
    return reverse("readout", args=[experiment.key]) + "?" + urlencode({"project": experiment.project.key})


def readout_link(experiment: Experiment) -> SafeString:
    """Return a link to an experiment's readout."""
    return format_html('<a href="{}">{}</a>', readout_url(experiment), _("Readout"))


def _badge(words: Words) -> SafeString:
    markup = '<span class="ty-badge ty-{}"><span aria-hidden="true">{}</span> {}</span>'
    return format_html(markup, words.tone, words.glyph, words.label)
