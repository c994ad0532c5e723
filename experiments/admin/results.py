"""Scorecards and quarantine: read only, as they were written."""

import json

from django.contrib import admin
from django.contrib.admin import ShowFacets
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from experiments.admin.badges import readout_link, verdict_badge
from experiments.models import Quarantine, Scorecard
from foundation.admin_base import ReadOnlyAdmin


@admin.register(Scorecard)
class ScorecardAdmin(ReadOnlyAdmin):
    """Every look at an experiment, kept as it was."""

    list_display = ["experiment", "look", "window_end", "verdict_shown", "created_at"]
    list_filter = ["experiment__project", "verdict_state"]
    list_select_related = ["experiment__project"]
    search_fields = ["experiment__name", "experiment__key"]
    ordering = ["-id"]
    show_full_result_count = False
    fields = [
        "experiment",
        "readout",
        "look",
        "window_end",
        "received_before",
        "verdict_shown",
        "verdict",
        "plan_sha256",
        "sha256",
        "content_shown",
    ]
    readonly_fields = ["readout", "verdict_shown", "content_shown"]

    @admin.display(description=_("verdict"), ordering="verdict_state")
    def verdict_shown(self, card: Scorecard) -> SafeString:
        """Return the verdict with its glyph."""
        names = {variant.key: variant.name for variant in card.experiment.variants.all()}
        winner = card.verdict.get("winner")
        return verdict_badge(card.verdict_state, names.get(winner, winner))

    @admin.display(description=_("readout"))
    def readout(self, card: Scorecard) -> SafeString:
        """Return a link to the experiment's readout."""
        return readout_link(card.experiment)

    @admin.display(description=_("content"))
    def content_shown(self, card: Scorecard) -> SafeString:
        """Return the scorecard, indented."""
        indented = json.dumps(json.loads(card.content), indent=1, ensure_ascii=False)
        return format_html('<pre class="ty-json">{}</pre>', indented)


@admin.register(Quarantine)
class QuarantineAdmin(ReadOnlyAdmin):
    """What arrived and could not count, with the reason and a copy to replay."""

    list_display = ["reason", "detail", "origin", "reference", "experiment", "project", "received_at"]
    list_filter = ["reason", "origin", "project"]
    list_select_related = ["experiment", "project"]
    search_fields = ["reference", "detail"]
    ordering = ["-id"]
    show_full_result_count = False
    show_facets = ShowFacets.ALWAYS
    fields = ["reason", "detail", "origin", "reference", "experiment", "project", "received_at", "payload"]
