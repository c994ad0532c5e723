"""Models, decision points, decisions and promotions in a real browser: readable for everyone, decided by clicks."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import Page

from decisions.models import PromotionProposal, VariantPolicy
from models_registry.models import AliasMove, TrainingRun
from models_registry.queries.aliases import holder_of
from models_registry.vocabulary import AliasName
from tests.browser.conftest import OpenVisit, Visit, no_complaints
from tests.decisions.reports.scene import busy_shop
from tests.experiments.reports import stored

pytestmark = [pytest.mark.browser, pytest.mark.slow]

PATHS = (
    "/m/",
    "/m/home-ranking",
    "/m/home-ranking/2",
    "/d/",
    "/d/home",
    "/d/cart",
    "/d/home/decision-1",
    "/promotions",
)
NARROWEST = 360


def press(page: Page, label: str, **fields: str) -> None:
    """Open a button's dialog, fill it in and submit it."""
    page.click(f"ul >> a:has-text('{label}')")
    page.wait_for_selector("#dialog-form")
    for name, value in fields.items():
        page.fill(f"#id_{name}", value)
    page.click(f"#dialog button:has-text('{label}')")


def test_pages__in_both_languages_and_colour_schemes__are_accessible_fit_narrow_screens_and_print(
    visit: OpenVisit,
) -> None:
    busy_shop(timezone.now())
    axe = Axe()
    for locale, scheme, language in (("en-GB", "light", "en"), ("zh-CN", "dark", "zh-hans")):
        tab = visit(locale=locale, color_scheme=scheme)
        tab.log_in()
        with no_complaints(tab):
            for path in PATHS:
                page = tab.go(path)
                assert page.locator("html").get_attribute("lang") == language
                results = axe.run(page)
                assert results.violations_count == 0, f"{path}\n{results.generate_report()}"
                page.set_viewport_size({"width": NARROWEST, "height": 800})
                assert page.evaluate("document.documentElement.scrollWidth") <= NARROWEST, path
                page.set_viewport_size({"width": 1360, "height": 900})
            for path, kept in (("/m/home-ranking/2", "item_ids"), ("/promotions", "Home page ranking v2")):
                page = tab.go(path)
                page.emulate_media(media="print")
                assert not page.locator("header.top").is_visible()
                assert page.locator(f"text={kept}").first.is_visible()
            page.emulate_media(media="screen")


def test_decision__without_javascript__leads_to_version_run_window_and_revision(visit: OpenVisit) -> None:
    busy_shop(timezone.now())
    tab = visit(java_script_enabled=False)
    page = tab.page
    page.goto(f"{tab.url}/d/")
    page.fill("#id_username", "manager")
    page.fill("#id_password", "a long enough one")
    page.click("button.primary")
    page.click("main >> text=Home page")
    page.locator("table.recent th a").first.click()
    page.click("ol.origin >> text=#")
    assert "/m/home-ranking/2" in page.url
    assert page.url.endswith("#training")
    told = page.inner_text("main")
    for fact in ("two_tower", "2026-02-01 00:00 to 2026-03-01 00:00", "1f0c9a7d52e84b6f9f1b0c1d2e3f405162738495"):
        assert fact in told
    page.click("text=简体中文")
    assert "训练任务" in page.inner_text("main")


def test_promotion__approved_in_one_tab__is_told_in_the_other_and_rolled_back(visit: OpenVisit) -> None:
    made = busy_shop(timezone.now())
    first, second = visit(), visit()
    proposal = reverse("admin:decisions_promotionproposal_change", args=[made.waiting])
    for tab in (first, second):
        tab.log_in()
        tab.go("/promotions")
        tab.page.click(f"#proposal-{made.waiting} >> a.button")
        tab.page.wait_for_url(f"**{proposal}")
    with no_complaints(first), no_complaints(second):
        _empty_reason(first)
        first.page.fill("#id_reason", "Better on orders")
        first.page.click("#dialog button:has-text('Approve')")
        first.page.wait_for_selector("text=Promoted. The shop serves it within seconds.")
        press(second.page, "Approve", reason="Me too")
        second.page.wait_for_selector("text=it has been decided already (Promoted, manager)")
        assert holder_of(made.model, AliasName.CHAMPION) == made.challenger
        assert AliasMove.objects.count() == 2
        press(second.page, "Roll back", reason="Complaints")
        second.page.wait_for_selector("text=Rolled back. What served before serves again within seconds.")
        first.go("/promotions")
        assert "Nothing waits." in first.page.inner_text("main")
        assert "Complaints" in first.page.inner_text(f"#proposal-{made.waiting}")
    assert holder_of(made.model, AliasName.CHAMPION) == made.first
    assert PromotionProposal.objects.get(pk=made.waiting).state == "ROLLED_BACK"


def test_admin__from_a_model_to_a_bound_experiment__by_forms_and_dialogs(visit: OpenVisit) -> None:
    made = busy_shop(timezone.now())
    stored.draft(made.project, key="next", personalised=True)
    tab = visit()
    tab.log_in()
    with no_complaints(tab):
        page = tab.go(reverse("admin:models_registry_registeredmodel_change", args=[made.model]))
        page.click("ul >> a:has-text('Train a version')")
        page.wait_for_selector("#dialog-form")
        page.fill("#id_days", "14")
        page.click("#dialog button:has-text('Train a version')")
        page.wait_for_selector("text=waits for a worker.")
        assert "/m/home-ranking" in page.url
        page = tab.go(reverse("admin:decisions_pointexperiment_add"))
        page.select_option("#id_experiment", label="Next")
        page.select_option("#id_point", label="Home page")
        page.click("button[name=_save]")
        page.wait_for_selector("text=The experiment is bound.")
        page.select_option("[name=policy_treatment]", "fixed")
        page.fill("[name=items_treatment]", "mug\nlamp")
        page.click("button[name=_save]")
        page.wait_for_selector("text=was changed successfully")
        for name in (
            "decisions_decisionpoint_add",
            "decisions_item_changelist",
            "models_registry_modelversion_changelist",
        ):
            tab.go(reverse(f"admin:{name}"))
    assert TrainingRun.objects.order_by("pk").last().state == "QUEUED"
    assert VariantPolicy.objects.get(policy="fixed").actions == ["mug", "lamp"]


def _empty_reason(tab: Visit) -> None:
    """Submit the approval without a reason: the dialog stays and says what is missing."""
    tab.page.click("ul >> a:has-text('Approve')")
    tab.page.wait_for_selector("#dialog-form")
    tab.page.click("#dialog button:has-text('Approve')")
    tab.page.wait_for_selector("#dialog-form >> text=This field is required.")
