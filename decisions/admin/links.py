"""Links from tables of the admin to the pages of the console."""

from django.urls import reverse
from django.utils.html import format_html
from django.utils.http import urlencode
from django.utils.safestring import SafeString

from foundation.queries import project_facts


def page_url(name: str, key: str, project_id: int) -> str:
    """Return the address of a page, with its project, so that no other key can shadow it."""
    return reverse(name, args=[key]) + "?" + urlencode({"project": project_facts(project_id).key})


def page_link(name: str, key: str, project_id: int, label: object) -> SafeString:
    """Return a link to a page."""
    return format_html(
        '<a class="text-primary-600 dark:text-primary-500" href="{}">{}</a>', page_url(name, key, project_id), label
    )
