"""Readouts in a real browser: both languages, light, dark and print, by keyboard, without JavaScript, for everyone."""

import pytest
from axe_playwright_python.sync_playwright import Axe

from experiments.analysis.scorecard import Crossing, Exclusions
from tests.browser.conftest import OpenVisit, no_complaints
from tests.experiments.reports import material, stored

pytestmark = [pytest.mark.browser, pytest.mark.slow]

LANGUAGES = {"en-GB": ("en", "Next"), "zh-CN": ("zh-hans", "下一步")}
PATHS = (
    "/x/",
    "/x/ship",
    "/x/ship?effect=absolute",
    "/x/harm",
    "/x/invalid",
    "/x/nothing-yet",
    "/x/draft",
    "/x/unknown",
)


def many_states() -> None:
    """Store an experiment for each state that a page can have."""
    project = stored.shop()
    looks = {
        "ship": (material.scorecard(material.comparisons(crossed=Crossing.BETTER, gain=0.014)), material.SHIP),
        "harm": (material.scorecard(material.comparisons(crossed=Crossing.WORSE, gain=-0.02)), material.HARM),
        "invalid": (
            material.scorecard(
                material.comparisons(), material.BROKEN_SPLIT, exclusions=Exclusions(crossovers=12, immature=3_104)
            ),
            material.INVALID,
        ),
    }
    for key, (card, verdict) in looks.items():
        experiment_id = stored.running(project, key=key)
        stored.keep(experiment_id, stored.earlier(card, 1), material.CONTINUE)
        stored.keep(experiment_id, card, verdict)
    stored.running(project, key="nothing-yet")
    stored.draft(project, key="draft", hypothesis="")


def test_pages__in_both_languages_and_colour_schemes__violate_nothing_and_are_accessible(visit: OpenVisit) -> None:
    many_states()
    axe = Axe()
    for locale, (language, _word) in LANGUAGES.items():
        for scheme in ("light", "dark"):
            tab = visit(locale=locale, color_scheme=scheme)
            tab.go("/x/")
            assert serious(axe.run(tab.page).response) == []
            tab.log_in()
            for path in PATHS:
                page = tab.go(path)
                assert page.get_attribute("html", "lang") == language
                assert serious(axe.run(page).response) == [], (path, locale, scheme)
            expected = [text for text in tab.complaints if "/x/unknown" not in text and "404" not in text]
            assert expected == [], (locale, scheme)


def serious(answer: dict[str, list[dict[str, object]]]) -> list[str]:
    """Return what axe found that is serious or critical."""
    return [
        f"{found['id']}: {[node['html'] for node in found['nodes']][:3]}"  # type: ignore[index,attr-defined]
        for found in answer["violations"]
        if found["impact"] in ("serious", "critical")
    ]


def test_readout__by_keyboard_alone__reaches_everything_with_a_visible_focus(visit: OpenVisit) -> None:
    many_states()
    tab = visit()
    tab.log_in()
    with no_complaints(tab):
        page = tab.go("/x/ship")
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.className") == "skip"
        page.keyboard.press("Enter")
        assert page.evaluate("document.activeElement.id") == "main"
        reached = []
        for _step in range(40):
            page.keyboard.press("Tab")
            reached.append(page.evaluate("document.activeElement.innerText.trim()"))
            outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
            assert outline != "none" or reached[-1] == "", reached[-1]
            if reached[-1] == "JSON":
                break
        for name in ("Open its form", "absolute difference", "More", "CSV", "JSON"):
            assert name in reached
        details = page.locator("details", has_text="Show the 2 checks that passed")
        assert details.get_attribute("open") is None
        details.locator("summary").focus()
        page.keyboard.press("Enter")
        assert details.get_attribute("open") is not None


def test_readout__toggle_and_language__work_without_javascript(visit: OpenVisit) -> None:
    many_states()
    tab = visit(java_script_enabled=False)
    page = tab.page
    page.goto(f"{tab.url}/x/")
    page.fill("#id_username", "manager")
    page.fill("#id_password", "a long enough one")
    page.click("button.primary")
    page.click("text=Ship")
    assert page.locator("h1").inner_text() == "Ship"
    page.click("text=absolute difference")
    assert "+1.40 pp" in page.inner_text("table.scorecard")
    page.click("text=简体中文")
    assert page.url.endswith("/x/ship?effect=absolute")
    assert "+1.40 个百分点" in page.inner_text("table.scorecard")
    page.fill("input[type=search]", "x") if page.locator("input[type=search]").count() else None
    assert page.locator("svg.bar").count() == 3


def test_readout__printed__keeps_figures_and_loses_navigation(visit: OpenVisit) -> None:
    many_states()
    tab = visit()
    tab.log_in()
    with no_complaints(tab):
        page = tab.go("/x/ship")
        page.emulate_media(media="print")
        assert not page.locator("header.top").is_visible()
        assert not page.locator(".switch a").first.is_visible()
        assert page.locator("svg.bar").first.is_visible()
        assert page.locator("text=Minimum runtime").first.is_visible()
        assert len(page.pdf(format="A4")) > 10_000


@pytest.mark.parametrize("width", [360, 768, 1360])
def test_readout__on_a_narrow_screen__scrolls_the_table_and_not_the_page(visit: OpenVisit, width: int) -> None:
    many_states()
    tab = visit(viewport={"width": width, "height": 800})
    tab.log_in()
    with no_complaints(tab):
        for path in ("/x/", "/x/ship", "/x/invalid"):
            page = tab.go(path)
            assert page.evaluate("document.documentElement.scrollWidth") <= width, path
