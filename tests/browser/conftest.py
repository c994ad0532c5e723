"""A real Chromium on a real console, watched for policy violations and script errors."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest
from django.contrib.auth.models import User
from django.db import connections
from playwright.sync_api import Browser, Page, Request, sync_playwright

from tests.fixtures.site import MakeSite

FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
WATCH = """
window.violations = [];
document.addEventListener("securitypolicyviolation", (event) => {
    window.violations.push(`${event.violatedDirective} ${event.blockedURI} ${event.sourceFile}:${event.lineNumber}`);
});
"""
NAME, PASSWORD = "manager", "a long enough one"


@dataclass
class Visit:
    """A person's tab, with everything that the browser complained about."""

    page: Page
    url: str
    complaints: list[str] = field(default_factory=list)

    def go(self, path: str) -> Page:
        """Open a page and note what it violates."""
        self.page.goto(f"{self.url}{path}")
        self.note()
        return self.page

    def note(self) -> None:
        """Note the violations of the page as it is now."""
        self.complaints += [f"{self.page.url}: {text}" for text in self.page.evaluate("window.violations ?? []")]

    def log_in(self) -> None:
        """Log in by the form that asks for it."""
        self.go("/x/")
        self.page.fill("#id_username", NAME)
        self.page.fill("#id_password", PASSWORD)
        self.page.keyboard.press("Enter")
        self.page.wait_for_url(f"{self.url}/x/")


OpenVisit = Callable[..., Visit]


@pytest.fixture
def browser(chromium: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Browser]:
    """Return a headless Chromium with a fresh profile; its driver keeps an event loop in this very thread."""
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=chromium, headless=True, args=list(FLAGS))
        yield launched
        launched.close()
        connections.close_all()


@pytest.fixture
def visit(make_site: MakeSite, browser: Browser) -> Iterator[OpenVisit]:
    """Return a function that opens a tab on a console of the test's own, in a language and a colour scheme."""
    User.objects.create_superuser(NAME, password=PASSWORD)
    site = make_site(roles=("console",), TILTYARD_STATIC_FILES="PLAIN")
    opened: list[Visit] = []

    def open_visit(**options: object) -> Visit:
        context = browser.new_context(**{"locale": "en-GB", "viewport": {"width": 1360, "height": 900}, **options})  # type: ignore[arg-type]
        if options.get("java_script_enabled", True):
            context.add_init_script(WATCH)
        tab = Visit(context.new_page(), site.console_url)
        tab.page.on("pageerror", lambda error: tab.complaints.append(f"{tab.page.url}: {error}"))
        tab.page.on(
            "console",
            lambda message: (
                tab.complaints.append(f"{tab.page.url}: {message.text}")
                if message.type in ("error", "warning")
                else None
            ),
        )
        tab.page.on("requestfailed", lambda request: _note_failure(tab, request))
        opened.append(tab)
        return tab

    yield open_visit
    for tab in opened:
        tab.page.context.close()


@contextmanager
def no_complaints(tab: Visit) -> Iterator[Visit]:
    """Fail when the browser complained about anything meanwhile."""
    yield tab
    if tab.page.context.pages:
        tab.note()
    assert tab.complaints == []


def _note_failure(tab: Visit, request: Request) -> None:
    """Note a request that failed; one that the next navigation cut short did not."""
    if request.failure != "net::ERR_ABORTED":
        tab.complaints.append(f"failed: {request.url}")
