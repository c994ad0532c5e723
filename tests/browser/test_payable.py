"""What changes the amount to pay is refused on persons, with its reason, where a person designs and launches it."""

from typing import Any

import pytest
from django.urls import reverse

from experiments.actions import lifecycle
from experiments.actions.design import VariantDraft
from experiments.models import Experiment, PayableOverride
from tests.browser.conftest import OpenVisit, Visit, no_complaints
from tests.experiments.reports import material, stored
from tests.fixtures.records import ACTOR

pytestmark = [pytest.mark.browser, pytest.mark.slow]

COUPON = VariantDraft("treatment", "Five off", 500_000, parameters={"coupon": {"value": 5}})
SPENDERS: dict[str, Any] = {"attribute": "spending_power", "op": "gte", "value": 3}
BY_PERSON = "What a person pays is not tried on persons."


def launched(tab: Visit, experiment_id: int) -> str:
    """Try to launch an experiment in review and return what its page says then."""
    page = tab.go(reverse("admin:experiments_experiment_change", args=[experiment_id]))
    page.click("ul >> a:has-text('Launch')")
    page.wait_for_selector("#dialog-form")
    page.click("#dialog button:has-text('Launch')")
    page.wait_for_selector("text=Not launched:")
    tab.note()
    return page.inner_text("body")


def in_review(project: int, **changes: Any) -> int:
    experiment_id = stored.draft(project, **changes)
    lifecycle.submit(experiment_id=experiment_id, acting_user=ACTOR, now=material.START)
    return experiment_id


@pytest.mark.parametrize(
    ("changes", "reasons"),
    [
        (
            {"payable": "PRICE"},
            [BY_PERSON, "two persons who want the same thing at the same time would pay differently"],
        ),
        (
            {"variants": (stored.VARIANTS[0], COUPON)},
            [BY_PERSON, "By their names, coupon may change what a person pays"],
        ),
        (
            {"payable": "BENEFIT", "audience": SPENDERS, "unit_kind": "item"},
            ["Who somebody is must not decide what they pay.", "its audience asks for spending_power"],
        ),
    ],
    ids=["price-by-visitor", "coupon-by-visitor", "benefit-by-spending-power"],
)
def test_launch__unlawful_test__is_refused_with_its_reason(
    visit: OpenVisit, changes: dict[str, Any], reasons: list[str]
) -> None:
    experiment_id = in_review(stored.shop(), **changes)
    tab = visit()
    tab.log_in()
    with no_complaints(tab):
        told = launched(tab, experiment_id)
    for reason in reasons:
        assert reason in told
    assert Experiment.objects.get().status == "IN_REVIEW"


def test_form__price_test__is_designed_refused_and_answered_for(visit: OpenVisit) -> None:
    experiment_id = stored.draft(stored.shop())
    tab = visit()
    tab.log_in()
    with no_complaints(tab):
        page = tab.go(reverse("admin:experiments_experiment_change", args=[experiment_id]))
        page.click("#content-main >> a:has-text('Traffic')")
        page.select_option("#id_payable", "SHIPPING")
        page.fill("#id_audience", '{"attribute": "country", "op": "in", "value": ["US"]}')
        page.click("button[name=_continue]")
        page.wait_for_selector(f"text={BY_PERSON}")

        def answer_for(countries: str, expected: str) -> None:
            page.click("ul >> a:has-text('Answer for prices by person')")
            page.wait_for_selector("#dialog-form")
            page.fill("#dialog #id_reason", "The law of these states allows it.")
            page.fill("#dialog #id_jurisdictions", countries)
            page.fill("#dialog #id_disclosure", "Shipping fees differ between shoppers.")
            page.click("#dialog button:has-text('Answer for prices by person')")
            page.wait_for_selector(f"text={expected}")
            tab.note()

        answer_for("US, CN", "[PAYABLE_NEVER_IN_CHINA]")
        assert not PayableOverride.objects.exists()
        answer_for("US", "You answer for it that persons pay differently.")
        told = page.inner_text("body")
        assert BY_PERSON not in told
        assert "manager answers for it in US: The law of these states allows it." in told


def test_calendar__days__are_added_and_shown(visit: OpenVisit) -> None:
    project = stored.shop()
    tab = visit()
    tab.log_in()
    with no_complaints(tab):
        page = tab.go(reverse("admin:experiments_blackout_add"))
        page.select_option("#id_project", str(project))
        page.fill("#id_name", "Spring sale")
        page.fill("#id_first_day", "2026-04-01")
        page.fill("#id_last_day", "2026-04-03")
        page.keyboard.press("Escape")
        page.click("button[name=_save]")
        page.wait_for_url(f"{tab.url}{reverse('admin:experiments_blackout_changelist')}")
        assert "Spring sale" in page.inner_text("body")
        tab.note()
