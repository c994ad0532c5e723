"""An experiment at a point that decides in batches starts only where periods, costs and clusters are there."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from decisions.actions.points import PointDraft, PolicyDraft, bind_experiment, create_point
from decisions.batch_checks import payable_of_experiment
from decisions.domain import PolicyKind
from decisions.models import DecisionPoint, Item, ItemCluster, ItemCost, StockCount, Supplier, VariantPolicy
from experiments.actions.design import MetricDefinition, VariantDraft
from experiments.actions.lifecycle import launch_problems
from experiments.vocabulary import Payable
from tests.decisions.test_launch_checks import Shop
from tests.fixtures.records import ACTOR, NOW, REVENUE, make_draft, make_project

pytestmark = pytest.mark.django_db

DAY = 1_440
CONTRIBUTION = MetricDefinition(
    key="contribution",
    name="Contribution",
    kind="SUM",
    numerator_events=["Contribution Booked"],
    numerator_what="SUM_VALUE",
)
ITEMS = tuple(f"item-{number:02}" for number in range(20))


class Batches:
    """A shop with items, stores, a supplier and a point that decides in batches once a day."""

    def __init__(self, domain: str, *, key: str = "shop") -> None:
        self.project = make_project(key=key)
        self.point = create_point(
            project_id=self.project,
            draft=PointDraft(key="shelf", name="Shelf", domain=domain),
            acting_user=ACTOR,
            now=NOW,
        )
        DecisionPoint.objects.filter(pk=self.point).update(every_minutes=DAY)
        told = {"cluster": "mugs", "supplier": "potter"}
        about = {"project_id": self.project}
        Item.objects.bulk_create(Item(**about, item_id=i, price=10_000_000, properties=told) for i in ITEMS)
        ItemCost.objects.bulk_create(ItemCost(**about, item_id=i, cost=4_000_000, valid_from=NOW) for i in ITEMS)
        StockCount.objects.bulk_create(
            StockCount(**about, store_id="s", item_id=i, on_hand=3, counted_at=NOW) for i in ITEMS
        )
        Supplier.objects.create(**about, supplier_id="potter", lead_days=2.5)
        Supplier.objects.create(**about, supplier_id="somebody else", lead_days=90)

    def draft(self, fixed: str = "", **changes: Any) -> int:
        """Return the id of a draft that tries the baseline, or a fixed action, against the baseline."""
        values = {
            "unit_kind": "cluster",
            "period_minutes": 14 * DAY,
            "period_design": "BALANCED",
            "burn_in_minutes": 4 * DAY,
            "horizon_days": 84,
            "definitions": (CONTRIBUTION,),
        }
        experiment_id = make_draft(self.project, **values | changes)
        treated = PolicyDraft(PolicyKind.FIXED, actions=(fixed,)) if fixed else PolicyDraft(PolicyKind.BASELINE)
        bind_experiment(
            experiment_id=experiment_id,
            point_id=self.point,
            policies={"control": PolicyDraft(PolicyKind.BASELINE), "treatment": treated},
            acting_user=ACTOR,
            now=NOW,
        )
        return experiment_id


@pytest.fixture
def pricing() -> Batches:
    return Batches("pricing")


@pytest.fixture
def restock() -> Batches:
    return Batches("restock")


def problems(experiment_id: int) -> dict[str, str]:
    return {problem.code: problem.message for problem in launch_problems(experiment_id)}


@pytest.mark.parametrize("domain", ["pricing", "restock"])
def test_checks__sound_design__finds_nothing(domain):
    assert problems(Batches(domain).draft()) == {}


def test_checks__units_once_and_for_all__are_told(pricing):
    assert set(problems(pricing.draft(period_minutes=None, period_design="", burn_in_minutes=0))) == {"PERIOD_MISSING"}


def test_checks__point_without_batches__is_told(pricing):
    DecisionPoint.objects.update(every_minutes=None)
    assert set(problems(pricing.draft())) == {"CADENCE_MISSING"}


def test_checks__period_that_is_no_multiple_of_the_cadence__is_told(pricing):
    DecisionPoint.objects.update(every_minutes=4 * DAY)
    assert set(problems(pricing.draft())) == {"PERIOD_NOT_CADENCE"}


def test_checks__prices_without_a_burn_in__are_told_of_hoarding(pricing):
    found = problems(pricing.draft(burn_in_minutes=0))
    assert set(found) == {"BURN_IN_SHORT"}
    assert "stock up" in found["BURN_IN_SHORT"]


def test_checks__orders_that_come_after_the_burn_in__are_told_with_what_is_needed(restock):
    DecisionPoint.objects.update(settings={"review_days": 2.0})
    found = problems(restock.draft(burn_in_minutes=4 * DAY))
    assert set(found) == {"BURN_IN_SHORT"}
    assert "4.5 days" in found["BURN_IN_SHORT"]
    assert problems(restock.draft(key="longer", burn_in_minutes=4 * DAY + DAY // 2)) == {}


def test_checks__no_supplier_known__asks_for_no_burn_in_of_orders(restock):
    Supplier.objects.all().delete()
    assert problems(restock.draft(burn_in_minutes=1)) == {}


@pytest.mark.parametrize("event", ["Stock Valued", "Purchase Booked", "Holding Booked", "Stock Out Booked"])
def test_checks__metric_of_books_that_nobody_closes__is_refused_at_every_other_point(restock, event):
    books = replace(CONTRIBUTION, key="books", numerator_events=["Order Completed", event])
    assert problems(restock.draft(definitions=(books,))) == {}
    periods = {"unit_kind": "store", "period_minutes": 14 * DAY, "period_design": "BALANCED", "horizon_days": 84}
    found = problems(make_draft(restock.project, key="nowhere", definitions=(books,), **periods))
    assert set(found) == {"BOOKS_NEVER_CLOSED"}
    assert "books" in found["BOOKS_NEVER_CLOSED"]
    assert "BOOKS_NEVER_CLOSED" in problems(Batches("pricing", key="prices").draft(definitions=(books,)))
    assert problems(make_draft(restock.project, key="by-sales", definitions=(REVENUE,), **periods)) == {}


def test_checks__items_without_a_cluster__are_counted_and_named(pricing):
    Item.objects.filter(item_id__lt="item-02").update(properties={})
    found = problems(pricing.draft())
    assert found == {
        "CLUSTERS_MISSING": "2 of 20 items (item-00, item-01) belong to no cluster of substitutes, and could not be "
        "randomised."
    }
    assert problems(pricing.draft(key="items", unit_kind="item")) == {}
    known = {"project_id": pricing.project, "cluster": "mugs", "origin": "DERIVED", "valid_from": NOW}
    ItemCluster.objects.create(item_id="item-00", **known)
    assert problems(pricing.draft(key="one-is-missing")) == {}


def test_checks__cost_that_is_over__is_none(pricing):
    over = ItemCost.objects.filter(item_id__lt="item-07")
    over.update(valid_until=NOW + timedelta(days=1))
    found = problems(pricing.draft())
    assert set(found) == {"COSTS_MISSING"}
    assert "7 of 20 items (item-00, item-01, item-02, item-03, item-04, ..)" in found["COSTS_MISSING"]
    assert problems(pricing.draft(key="by-revenue", definitions=(REVENUE,))) == {}


def test_checks__cool_down_that_outlives_the_period__is_refused(pricing):
    DecisionPoint.objects.filter(pk=pricing.point).update(settings={"cool_down_hours": 14 * 24 + 1})
    found = problems(pricing.draft())
    assert set(found) == {"COOL_DOWN_BEYOND_PERIOD"}
    assert "337 hours" in found["COOL_DOWN_BEYOND_PERIOD"]
    DecisionPoint.objects.filter(pk=pricing.point).update(settings={"cool_down_hours": 14 * 24})
    assert problems(pricing.draft(key="in-turns")) == {}


def test_checks__fixed_action_that_the_domain_cannot_read__is_told(pricing):
    draft = pricing.draft(fixed="-5%")
    VariantPolicy.objects.filter(experiment_id=draft, policy="fixed").update(actions=["cheaper"])
    found = problems(draft)
    assert set(found) == {"FIXED_UNREADABLE"}
    assert "treatment" in found["FIXED_UNREADABLE"]


def test_checks__visitors_at_a_point_of_prices__are_refused_twice(pricing):
    draft = pricing.draft(unit_kind="visitor", period_minutes=None, period_design="", burn_in_minutes=0)
    assert {"PAYABLE_BY_PERSON", "UNIT_NOT_OF_DOMAIN"} <= set(problems(draft))
    assert payable_of_experiment(draft) is Payable.PRICE


def test_checks__benefit_that_a_model_of_deeds_decides__is_refused():
    shop = Shop()
    draft = shop.draft(payable="BENEFIT")
    assert {"PAYABLE_BY_DEEDS", "PAYABLE_BY_PERSON", "PAYABLE_PERSONALISED"} == set(problems(draft))
    assert payable_of_experiment(draft) is Payable.NOTHING


def test_checks__parameter_that_sounds_like_money_beside_a_model__is_refused():
    variants = (
        VariantDraft("control", "As today", 500_000, control=True),
        VariantDraft("treatment", "New", 500_000, parameters={"coupon": 5}),
    )
    assert "PAYABLE_BY_DEEDS" in problems(Shop().draft(variants=variants))


def test_checks__stores_at_a_point_of_prices__are_refused_as_prices_know_no_store(pricing):
    assert "UNIT_NOT_OF_DOMAIN" in problems(pricing.draft(unit_kind="store"))
