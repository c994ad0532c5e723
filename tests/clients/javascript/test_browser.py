"""The browser client in a real Chromium, on a page of another origin than the edge."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, sync_playwright

from config.local.embedded import Postgres
from tests.clients.javascript.test_clients import CLIENTS, within
from tests.clients.serving import Front, database_edge, listening
from tests.config.edges import log_of
from tests.decisions.published import CLIENT_KEY, text_of
from tests.experiments.assignment.builders import experiment

pytestmark = pytest.mark.browser

UNITS = {"visitor": "v-1"}


def shop(environ: Any, start_response: Any) -> list[bytes]:
    """Answer with the client's file, or with an empty page."""
    is_script = environ["PATH_INFO"] == "/tiltyard.mjs"
    body = (CLIENTS / "tiltyard.mjs").read_bytes() if is_script else b"<!doctype html><title>Shop</title>"
    kind = "text/javascript" if is_script else "text/html"
    start_response("200 OK", [("Content-Type", kind), ("Content-Length", str(len(body)))])
    return [body]


@pytest.fixture
def page(chromium: str) -> Iterator[Page]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield browser.new_page()
        browser.close()


def begin(page: Page, shop_url: str, edge_url: str) -> None:
    page.goto(shop_url)
    settings = {"url": edge_url, "clientKey": CLIENT_KEY, "flushSeconds": 60}
    page.evaluate(
        "async (settings) => { const { RemoteClient } = await import('/tiltyard.mjs');"
        " window.client = new RemoteClient(settings); }",
        settings,
    )


def test_page__of_another_origin__is_assigned_reports_while_it_goes_away_and_remembers(
    breakable_postgres: Postgres, tmp_path: Path, page: Page
) -> None:
    edge = database_edge(breakable_postgres.url, tmp_path, text_of(experiment(1)))
    front = Front(edge)
    with listening(shop) as shop_url:
        with listening(front) as edge_url:
            begin(page, shop_url, edge_url)
            given = page.evaluate("(units) => client.assign(units, { country: 'DE' })", UNITS)
            assert given["from"] == "server"
            assert page.evaluate("([given, units]) => client.expose(given, 'experiment-1', units)", [given, UNITS])
            assert page.evaluate("(units) => client.track('Product Viewed', units, { product_id: 'p-1' })", UNITS)
            assert log_of(breakable_postgres) == []
            page.goto("about:blank")
            assert within(10, lambda: len(log_of(breakable_postgres)) == 2)
        begin(page, shop_url, edge_url)
        again = page.evaluate("(units) => client.assign(units, { country: 'DE' })", UNITS)
        kept = page.evaluate("() => JSON.stringify({ ...localStorage })")
    edge.close()
    rows = {row[2]: row for row in log_of(breakable_postgres)}
    assert rows["Experiment Viewed"][5][0]["verification"] == "TOKEN"
    assert again == given | {"from": "cache"}
    assert "v-1" not in kept
    assert len(json.loads(kept)) == 1
    preflights = [path for method, path, _ in front.seen if method == "OPTIONS"]
    assert preflights == ["/v1/assignments"]
