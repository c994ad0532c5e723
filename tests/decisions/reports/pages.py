"""Pages of a shop as a person reads them."""

import re
from html.parser import HTMLParser

from django.test import Client


class Elements(HTMLParser):
    """The elements of a page with their attributes."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    @property
    def links(self) -> list[str]:
        """Where the page leads."""
        return [attributes["href"] or "" for tag, attributes in self.found if tag == "a" and "href" in attributes]


def text_of(page: str) -> str:
    """Return what people read in a page, in one line."""
    return " ".join(re.sub(r"<[^>]+>", " ", page.split("<main")[1]).split())


def read(client: Client, path: str, **options: object) -> str:
    """Return a page that is there."""
    response = client.get(path, **options)
    assert response.status_code == 200, path
    return response.content.decode()
