"""Learning policies and explanations in a real browser: readable for everyone, set up by clicks."""

from datetime import timedelta

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.urls import reverse
from django.utils import timezone

from decisions.actions.learning import update_learner
from decisions.learning import LearnerKind
from decisions.models import DecisionPoint, Learner
from tests.browser.conftest import OpenVisit, no_complaints
from tests.decisions.explaining import Shop, make_ad_shop, make_shop, placed, ranked
from tests.experiments.reports import stored
from tests.fixtures.learning import CLOSED, log_choice, log_click, make_learner
from tests.fixtures.messages import minutes
from tests.fixtures.records import NOW

pytestmark = [pytest.mark.browser, pytest.mark.slow]

PATHS = (
    "/d/home/learners/bandit",
    "/d/ads-top/learners/taste",
    "/d/home/decision-1?item=basket",
    "/d/home/drawn?item=scarf",
    "/d/ads-top/ad-1",
    "/d/home",
)
NARROWEST = 360


def learning_shop() -> Shop:
    """Return a shop with policies that have learnt, and decisions of all kinds."""
    shop = make_shop(stored.shop())
    learner = make_learner(shop.point, settings={"prior_rewards": 1, "prior_misses": 9})
    for number in range(12):
        item = ("mug", "lamp", "kettle")[number % 3]
        log_choice(learner, f"d{number}", at=NOW + minutes(number), visitor=f"v{number}", items=(item,))
    log_choice(learner, "held", at=NOW, visitor="v99", holdback=True, policy="baseline", reason="HOLDBACK")
    for number in (0, 3, 6, 4):
        item = ("mug", "lamp", "kettle")[number % 3]
        log_click(shop.project, f"c{number}", at=NOW + minutes(20), visitor=f"v{number}", item=item)
    until = NOW + timedelta(days=1)
    update_learner(learner_id=learner.id, until=until, now=until + CLOSED)
    ranked(shop)
    log_choice(learner, "drawn", at=timezone.now(), state=1, items=("mug", "lamp"), candidates=4)
    ads = make_ad_shop(shop.project)
    taste = make_learner(ads.point, LearnerKind.LOGISTIC, key="taste", name="Taste")
    log_choice(taste, "ad-drawn", at=timezone.now(), items=("shoe-a",), features=[[1.0, 0.0, 0.2, 0.5, 1.0, 0.2]])
    placed(ads)
    return shop


def test_pages__in_both_languages_and_colour_schemes__are_accessible_and_fit_narrow_screens(visit: OpenVisit) -> None:
    learning_shop()
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


def test_admin__from_a_decision_point_to_a_policy_that_serves__by_forms_and_dialogs(visit: OpenVisit) -> None:
    shop = make_shop(stored.shop())
    tab = visit()
    tab.log_in()
    form = reverse("admin:decisions_decisionpoint_change", args=[shop.point])
    with no_complaints(tab):
        page = tab.go(form)
        page.click("text=Add a learning policy")
        page.fill("#id_name", "Explorer")
        page.fill("#id_key", "explorer")
        page.select_option("#id_reward", "recommendation:added")
        page.click("button[name=_save]")
        page.wait_for_selector("text=The learning policy is there.")
        page = tab.go(form)
        page.select_option("#id_learner", label="Explorer")
        page.click("button[name=_save]")
        page.wait_for_selector("text=was changed successfully")
        page = tab.go("/d/home")
        page.click("main table >> text=Learning policy Explorer")
        page.wait_for_url("**/d/home/learners/explorer?project=harbour")
        assert "It serves and learns" in page.inner_text("main")
    learner = Learner.objects.get()
    assert (learner.reward, learner.floor, learner.holdback) == ("added", 0.05, 0.05)
    assert DecisionPoint.objects.get(pk=shop.point).learner_id == learner.pk


def test_decision__item_that_somebody_misses__is_answered_on_the_page(visit: OpenVisit) -> None:
    learning_shop()
    tab = visit()
    tab.log_in()
    with no_complaints(tab):
        page = tab.go("/d/home/decision-1")
        page.fill("#item", "basket")
        page.click("text=Look it up")
        page.wait_for_url("**item=basket*")
        assert "It would be left out now because it is sold out or paused." in page.inner_text("main")
        assert page.input_value("#item") == "basket"
