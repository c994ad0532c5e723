"""Published bundles: what the edge serves, read only; the private companion is never shown."""

import json

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from decisions.models import PublishedBundle
from foundation.admin_base import ReadOnlyAdmin


@admin.register(PublishedBundle)
class PublishedBundleAdmin(ReadOnlyAdmin):
    """Versions of everything that the edge needs to answer for a project."""

    list_display = ["project", "version", "short_digest", "published_at"]
    list_filter = ["project"]
    list_select_related = ["project"]
    ordering = ["-id"]
    show_full_result_count = False
    fields = ["project", "version", "sha256", "published_at", "content_shown"]
    readonly_fields = ["content_shown"]

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
