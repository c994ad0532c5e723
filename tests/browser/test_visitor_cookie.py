"""The visitor's cookie in a real Chromium: it lasts, scripts cannot read it, and foreign origins cannot ask for it."""

import io
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import pytest
from playwright.sync_api import Browser, Error, Page

from config.edge import Edge
from config.edge.visitors import COOKIE
from config.local.embedded import Postgres
from decisions.serving.cookies import CookiePolicy
from tests.config.edges import BOTH, start_edge
from tests.decisions.published import CLIENT_KEY, publish, text_of

pytestmark = [pytest.mark.browser, pytest.mark.slow]

ASK = """async ([url, key, consent]) => {
    const answer = await fetch(url, {
        method: "POST",
        credentials: "include",
        headers: {"X-API-Key": key, "Content-Type": "application/json"},
        body: JSON.stringify({consent}),
    });
    return answer.json();
}"""

Serve = Callable[[frozenset[str]], str]


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True
    """Browsers open connections ahead of need, which would keep a server with one thread waiting."""


class _Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name of the base class
        """Say nothing."""


def _with_ending_bodies(edge: Edge) -> Any:
    """Return the edge behind a server whose bodies end of themselves, as those of its own server do."""

    def application(environ: dict[str, Any], start_response: Any) -> Any:
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        return edge(environ | {"wsgi.input": io.BytesIO(body)}, start_response)

    return application


@pytest.fixture
def serve(breakable_postgres: Postgres, tmp_path: Path) -> Iterator[Serve]:
    """Return a function that serves an edge which lets these origins send cookies, and returns its origin."""
    publish(breakable_postgres.url, text_of(*BOTH))
    with ExitStack() as running:

        def begin(origins: frozenset[str]) -> str:
            edge = start_edge(breakable_postgres.url, tmp_path, cookies=CookiePolicy(None, origins))
            server = make_server("127.0.0.1", 0, _with_ending_bodies(edge), server_class=_Server, handler_class=_Quiet)
            thread = threading.Thread(target=server.serve_forever, daemon=True)
            thread.start()
            running.callback(edge.close)
            running.callback(server.server_close)
            running.callback(server.shutdown)
            return f"http://localhost:{server.server_port}"

        yield begin


def ask(page: Page, edge: str, *, consent: bool = True) -> dict[str, Any]:
    found: dict[str, Any] = page.evaluate(ASK, [f"{edge}/v1/visitor", CLIENT_KEY, consent])
    return found


def test_cookie__page_under_the_domain_of_the_edge__keeps_its_id_hidden_from_scripts(
    browser: Browser, serve: Serve
) -> None:
    edge = serve(frozenset())
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"{edge}/healthz/live")
    first = ask(page, edge)
    page.reload()
    second = ask(page, edge)

    assert (first["source"], second["source"]) == ("new", "cookie")
    assert first["visitor"] == second["visitor"]
    assert page.evaluate("document.cookie") == ""
    (cookie,) = context.cookies()
    assert (cookie["name"], cookie["value"], cookie["httpOnly"]) == (COOKIE, first["visitor"], True)
    assert cookie["expires"] - page.evaluate("Date.now() / 1000") > 399 * 86_400

    withdrawn = ask(page, edge, consent=False)
    assert not withdrawn["stored"]
    assert context.cookies() == []
    context.close()


def test_cookie__page_on_another_origin__is_served_only_where_it_is_listed(browser: Browser, serve: Serve) -> None:
    shop = serve(frozenset())
    open_edge, closed_edge = serve(frozenset({shop})), serve(frozenset())
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"{shop}/healthz/live")

    first, second = ask(page, open_edge), ask(page, open_edge)
    assert (second["visitor"], second["source"]) == (first["visitor"], "cookie")
    with pytest.raises(Error, match="Failed to fetch"):
        ask(page, closed_edge)
    context.close()
