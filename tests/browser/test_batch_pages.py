"""Batches and decisions about subjects in a real browser: readable for everyone, pictures fit narrow screens."""

from datetime import timedelta

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.utils import timezone

from decisions.models import StockCount
from tests.browser.conftest import OpenVisit, no_complaints
from tests.decisions.menus import decision_of, priced, stocked
from tests.experiments.reports import stored

pytestmark = [pytest.mark.browser, pytest.mark.slow]

NARROWEST = 360


def test_pages__in_both_languages_and_colour_schemes__are_accessible_and_fit_narrow_screens(
    visit: OpenVisit,
) -> None:
    project, now = stored.shop(), timezone.now().replace(microsecond=0)
    prices = priced(project, due_at=now, floor=19.0)
    orders = stocked(project, due_at=now - timedelta(minutes=1), cash=60.0)
    assert StockCount.objects.count() == 2
    paths = (
        "/d/prices",
        f"/d/prices/batches/{prices.pk}",
        f"/d/prices/{decision_of(prices, 'cup')}",
        f"/d/prices/{decision_of(prices, 'pot')}",
        f"/d/orders/batches/{orders.pk}",
        f"/d/orders/{decision_of(orders, 'north|tea')}",
    )
    axe = Axe()
    for locale, scheme, language in (("en-GB", "light", "en"), ("zh-CN", "dark", "zh-hans")):
        tab = visit(locale=locale, color_scheme=scheme)
        tab.log_in()
        with no_complaints(tab):
            for path in paths:
                page = tab.go(path)
                assert page.locator("html").get_attribute("lang") == language
                results = axe.run(page)
                assert results.violations_count == 0, f"{path}\n{results.generate_report()}"
                page.set_viewport_size({"width": NARROWEST, "height": 800})
                assert page.evaluate("document.documentElement.scrollWidth") <= NARROWEST, path
                page.set_viewport_size({"width": 1360, "height": 900})
            assert page.locator("figure.picture svg[role=img]").count() == 2
            assert page.locator("figure.picture circle.chosen").first.is_visible()
