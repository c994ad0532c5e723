"""Published bundles: what the edge serves, read only; the private companion is never shown."""

import json
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from decisions.models import PublishedBundle
from decisions.queries.edges import edge_processes
from decisions.queries.publication import Publication, publications
from decisions.serving.heartbeat import EdgeRole
from foundation.admin_base import ReadOnlyAdmin


@admin.register(PublishedBundle)
class PublishedBundleAdmin(ReadOnlyAdmin):
    """Versions of everything that the edge needs to answer for a project."""

    list_display = ["project", "version", "short_digest", "published_at"]
    list_filter = ["project"]
    list_select_related = ["project"]
    ordering = ["-id"]
    show_full_result_count = False
    list_before_template = "decisions/bundles_state.html"
    fields = ["project", "version", "sha256", "published_at", "content_shown"]
    readonly_fields = ["content_shown"]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Show above the list what keeps a project from being published, and what each edge process serves."""
        state = {"publications": _publications(), "edges": _edges()}
        return super().changelist_view(request, {**(extra_context or {}), **state})

    def get_queryset(self, request: HttpRequest) -> QuerySet[PublishedBundle]:
        """Return bundles without their companion, which holds secrets."""
        return super().get_queryset(request).defer("companion")

    @admin.display(description=_("digest"))
    def short_digest(self, bundle: PublishedBundle) -> str:
        """Return the beginning of the content's digest."""
        return bundle.sha256[:12]

    @admin.display(description=_("content"))
    def content_shown(self, bundle: PublishedBundle) -> SafeString:
        """Return the configuration, indented."""
        indented = json.dumps(json.loads(bundle.content), indent=1, ensure_ascii=False)
        return format_html('<pre class="ty-json">{}</pre>', indented)


def _publications() -> list[dict[str, Any]]:
    """Return the projects whose newest state is not published, as the template shows them."""
    return [
        {
            "project": found.project_key,
            "revision": found.revision,
            "version": found.version,
            "published_at": found.published_at,
            "error": found.fault.error.rpartition("Error: ")[2] if found.fault is not None else None,
            "is_dead": found.fault is not None and found.fault.dead,
        }
        for found in publications()
        if not found.is_current
    ]


def _edges() -> list[dict[str, Any]] | None:
    """Return the edge processes as the template shows them; None where Redis does not answer."""
    processes = edge_processes()
    if processes is None:
        return None
    current = {found.project_key: found for found in publications()}
    return [
        {
            "name": process.name,
            "told_at": process.told_at,
            "is_silent": process.report is None,
            "takes_events": process.report is not None and process.report.role is EdgeRole.INTAKE,
            "stale": process.report is not None and process.report.stale,
            "faults": 0 if process.report is None else process.report.faults,
            "versions": [
                {"project": key, "version": version, "is_behind": _is_behind(current.get(key), version)}
                for key, version in sorted(process.report.versions.items())
            ]
            if process.report is not None
            else [],
        }
        for process in processes
    ]


def _is_behind(published: Publication | None, version: int) -> bool:
    return published is not None and published.version is not None and version < published.version
