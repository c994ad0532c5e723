"""Rates that the model-free policy goes by, and campaigns as their creatives make them."""

import pytest

from decisions.queries.pacing import budgets_of, creatives_of, lowest_bids, paid_rates
from tests.decisions.ads import MORNING, click, make_ads, order
from tests.fixtures.messages import log, minutes
from tests.fixtures.records import NOW, make_project

pytestmark = pytest.mark.django_db


def test_creatives__of_a_project__have_bids_in_millionths_and_the_largest_budget():
    project = make_project()
    make_ads(project)
    found = creatives_of(project)
    assert [(one.item_id, one.campaign, one.bid, one.per_order) for one in found] == [
        ("house", "house", 10_000, False),
        ("shoe-a", "shoes", 500_000, False),
        ("shoe-b", "shoes", 750_000, False),
        ("tea-a", "tea", 4_000_000, True),
    ]
    assert budgets_of(found) == {"shoes": 10_000_000, "tea": 20_000_000}
    assert lowest_bids(found) == {"house": 10_000, "shoes": 500_000, "tea": 4_000_000}
    assert creatives_of(make_project(key="other")) == ()


def test_paid_rates__nothing_seen__is_one_rate_for_all_and_less_per_order():
    project = make_project()
    make_ads(project)
    rates = paid_rates(project, collection="creatives", at=NOW)
    assert rates["shoe-a"] == rates["house"] == pytest.approx(0.01)
    assert rates["tea-a"] == pytest.approx(0.01 * 0.05)
    assert paid_rates(project, collection="items", at=NOW) == {}


def test_paid_rates__what_is_clicked_more__is_higher_and_drawn_to_the_rate_of_all():
    project = make_project()
    make_ads(project)
    for number in range(40):
        at = MORNING + minutes(number)
        for creative in ("shoe-a", "shoe-b"):
            log(
                project,
                message_id=f"view-{creative}-{number}",
                event="Promotion Viewed",
                at=at,
                properties={"promotion_id": creative},
            )
        if number % 4 == 0:
            click(project, "shoe-a", number=number, at=at)
    order(project, number=1, at=MORNING + minutes(60))
    rates = paid_rates(project, collection="creatives", at=NOW)
    assert 0.25 > rates["shoe-a"] > rates["house"] > rates["shoe-b"] > 0.0
    assert rates["tea-a"] == pytest.approx(rates["house"] * 1.5 / 11.0, abs=1e-6)
