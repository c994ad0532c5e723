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
    return link_to(page_url(name, key, project_id), label)


def learner_link(point_key: str, key: str, project_id: int, label: object) -> SafeString:
    """Return a link to the page of a learning policy."""
    address = reverse("learner", args=[point_key, key]) + "?" + urlencode({"project": project_facts(project_id).key})
    return link_to(address, label)


def link_to(address: str, label: object) -> SafeString:
    """Return a link in the look of the admin."""
    return format_html('<a class="text-primary-600 dark:text-primary-500" href="{}">{}</a>', address, label)
