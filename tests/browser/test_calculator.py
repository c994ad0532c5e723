"""The calculator in a real browser: without JavaScript, in both languages, light and dark, on a phone."""

import pytest
from axe_playwright_python.sync_playwright import Axe

from tests.browser.conftest import OpenVisit, no_complaints
from tests.browser.test_readouts import serious

pytestmark = [pytest.mark.browser, pytest.mark.slow]

PATHS = (
    "/calculator",
    "/calculator?kind=mean&mean=2.5&sd=30&per_day=300&effect=1&treatments=2&g0_name=errors&g0_rate=1&g0_margin=20",
    "/calculator?rate=x",
    "/calculator/compare?arms=3&a0_units=10000&a0_conversions=400&a1_units=9000&a1_conversions=460&a2_units=9",
    "/calculator/compare?kind=ratio",
)


def test_pages__wide_and_narrow__violate_nothing_fit_and_are_accessible(visit: OpenVisit) -> None:
    axe = Axe()
    for locale, width, scheme in (("en-GB", 1280, "light"), ("zh-CN", 390, "dark")):
        tab = visit(locale=locale, color_scheme=scheme, viewport={"width": width, "height": 900})
        tab.log_in()
        with no_complaints(tab):
            for path in PATHS:
                page = tab.go(path)
                assert serious(axe.run(page).response) == [], (path, locale)
                assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), (path, width)


def test_forms__without_javascript__compute_switch_and_grow(visit: OpenVisit) -> None:
    tab = visit(java_script_enabled=False)
    page = tab.page
    page.goto(f"{tab.url}/calculator")
    page.fill("#id_username", "manager")
    page.fill("#id_password", "a long enough one")
    page.click("button.primary")
    page.fill("#f_rate", "4%")
    page.fill("#f_per_day", "2,000")
    page.fill("#f_effect", "20")
    page.click("button.primary")
    assert page.inner_text("#answer").endswith(
        "With 2,000 visitors a day you need 3 weeks to find a lift of 20% or more."
    )
    assert page.locator(".curve svg").count() == 1
    page.fill("#f_effect", "")
    page.fill("#f_weeks", "4")
    page.click("button.primary")
    assert "4 weeks are enough to find a lift of 14.4% or more." in page.inner_text("#answer")
    page.click("text=An average")
    assert page.locator("#f_sd").count() == 1
    page.click("text=Compare results")
    page.click("text=Add a treatment")
    page.fill("#f_a2_units", "10000")
    page.fill("#f_a2_conversions", "300")
    page.click("button.primary")
    assert "Treatment 2: lower than the control" in page.inner_text("main")
