"""What arrives, in a real browser: readable for everyone, and replayed by a click."""

import json
import os
from datetime import timedelta

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.db import connection
from django.utils import timezone

from decisions.actions.projection import project_events
from decisions.ingest.counting import COUNT, parameters_of
from decisions.ingest.notes import Told, example_of
from decisions.vocabulary import IntakeKind
from foundation.models import JournalEntry
from tests.browser.conftest import OpenVisit, no_complaints
from tests.decisions.published import message, raws
from tests.fixtures.messages import log
from tests.fixtures.records import make_project

pytestmark = [pytest.mark.browser, pytest.mark.slow]

NARROWEST = 360


def _fill() -> None:
    project_id = make_project()
    (raw,) = raws(message(properties={"product_id": "p-1", "e-mail": "x", "price": 5}))
    kinds = {
        (IntakeKind.RECEIVED, ""): 41,
        (IntakeKind.REJECTED, "UNIT_INVALID"): 40,
        (IntakeKind.REJECTED, "MALFORMED"): 1,
        (IntakeKind.DROPPED, ""): 1_234,
        (IntakeKind.LATE, ""): 17,
        (IntakeKind.SKEWED, ""): 3,
        (IntakeKind.UNVERIFIED, ""): 2,
    }
    told = Told(project_id, "client", kinds, dict.fromkeys(kinds, example_of(raw)))
    at = timezone.now() - timedelta(minutes=10)
    with connection.cursor() as cursor:
        cursor.execute(COUNT, parameters_of(told, slot=0, stored=812, rows=900))
    log(project_id, message_id="o-1", event="Order Completed", at=at, properties={"order_id": "A", "coupon": "用户"})
    log(project_id, message_id="o-2", event="Order Completed", at=at, properties={"revenue": 5, "currency": "EUR"})
    log(project_id, message_id="e-1", event="Experiment Viewed", at=at)
    project_events(project_id=project_id)


def test_page__in_both_colour_schemes__is_accessible_fits_narrow_screens_and_replays(visit: OpenVisit) -> None:
    _fill()
    axe = Axe()
    for locale, scheme in (("en-GB", "light"), ("zh-CN", "dark")):
        tab = visit(locale=locale, color_scheme=scheme)
        tab.log_in()
        with no_complaints(tab):
            page = tab.go("/ops/intake")
            page.locator("summary").first.click()
            results = axe.run(page)
            assert results.violations_count == 0, results.generate_report()
            if folder := os.environ.get("PICTURES"):
                page.screenshot(path=f"{folder}/intake-{scheme}.png", full_page=True)
            page.set_viewport_size({"width": NARROWEST, "height": 800})
            assert page.evaluate("document.documentElement.scrollWidth") <= NARROWEST
    tab.page.set_viewport_size({"width": 1360, "height": 900})
    with no_complaints(tab):
        tab.page.locator("tr:has-text('AMOUNT_MISSING') button").click()
        tab.page.wait_for_selector(".messages")
    entry = JournalEntry.objects.get(action="quarantine.replay")
    assert (entry.subject, json.loads(json.dumps(entry.after))["released"]) == ("quarantine:AMOUNT_MISSING", 0)
