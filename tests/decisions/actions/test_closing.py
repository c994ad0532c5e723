"""Periods of restock experiments closed on real tables: from decided orders and counts to the profit of a scorecard."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection

from decisions.actions.closing import close_periods, held_looks, promise_closings
from decisions.actions.rebuilding import rebuild_project
from decisions.models import BatchDecision, EventLog, ItemCost, PeriodClosing
from decisions.queries.closings import unvalued
from experiments.actions.verification import verify_report
from experiments.analysis.inputs import Confound
from experiments.analysis.scorecard import Outcome as CheckOutcome
from experiments.models import FirstExposure, Outcome
from foundation.actions.jobs import claim
from foundation.models import Job
from foundation.queries import project_facts
from tests.fixtures.stores import (
    ANCHOR,
    COST,
    DAY,
    ITEMS,
    PRICE,
    Shop,
    live_through,
    look_at_all,
    make_shop,
    profit,
    project,
)
from workers.handlers import LONG_HANDLERS
from workers.queues import DECISIONS, INGEST, queue_of

pytestmark = pytest.mark.django_db

BOOKS = ("Purchase Booked", "Stock Valued", "Holding Booked", "Stock Out Booked", "Stock Not Valued")
COUNTED = (1, 3, 5)
"""The day of each period that counts."""


def closed(shop: Shop, *, last: int = 2) -> None:
    """Close the periods as the worker does."""
    close_periods(experiment_id=shop.experiment_id, last=last, now=shop.now)(shop.now)


def booked() -> list[tuple[Any, ...]]:
    """Return the books of the log without the time of their receipt."""
    rows = EventLog.objects.filter(event__in=BOOKS).order_by("message_id")
    return list(rows.values_list("message_id", "event", "day", "corrected_at", "item", "store", "properties"))


def variant_of(shop: Shop, item: str, period: int) -> str:
    exposure = FirstExposure.objects.get(experiment_id=shop.experiment_id, unit=f"north|{item}|{period}")
    return exposure.variant.key


def test_close_periods__days_lived_through__profit_of_the_arms_is_the_margin_less_holding():
    shop = make_shop()
    live_through(shop, range(-1, 6))
    closed(shop)
    project(shop)
    card = look_at_all(shop)
    by_arm = {"control": 0.0, "treatment": 0.0}
    for item in ITEMS:
        for period, day in enumerate(COUNTED):
            by_arm[variant_of(shop, item, period)] += profit(shop, item, day)
    (found,) = [comparison for comparison in card.comparisons if comparison.metric == "stock-profit"]
    assert found.control.n + found.treatment.n == len(ITEMS) * len(COUNTED)
    assert found.control.numerator == pytest.approx(by_arm["control"], abs=1e-4)
    assert found.treatment.numerator == pytest.approx(by_arm["treatment"], abs=1e-4)
    assert card.exclusions.immature == 0
    assert verify_report(shop.experiment_id).holds


def test_close_periods__one_cell__has_the_books_that_its_counts_and_orders_make():
    shop = make_shop()
    live_through(shop, range(-1, 6))
    closed(shop)
    project(shop)
    item, shelf = ITEMS[4], shop.shelves[ITEMS[4]]
    (before, coming_before), (after, coming_after) = shelf.counted[2], shelf.counted[3]
    # what was ordered at midnight is in the count of the evening, which is the last one before the period ends
    change = COST * (after + coming_after - before - coming_before)
    spent = COST * shelf.ordered[3]
    found = dict(
        Outcome.objects.filter(item=item, event__in=BOOKS, day=(ANCHOR + 3 * DAY).date()).values_list("event", "value")
    )
    assert found.pop("Holding Booked") == -round(COST * 0.25 * (23 * before + after) / 24 / 365 * 1e6)
    found.pop("Stock Out Booked", None)
    assert found == {"Stock Valued": change * 1_000_000} | ({"Purchase Booked": -spent * 1_000_000} if spent else {})
    assert PeriodClosing.objects.get(cell=f"north|{item}|1").change == change * 1_000_000
    cash = PRICE * shelf.sold[3] - spent
    assert cash + change == (PRICE - COST) * shelf.sold[3]


def test_close_periods__twice__leaves_the_same_rows():
    shop = make_shop()
    live_through(shop, range(-1, 6))
    closed(shop)
    first, closings = booked(), PeriodClosing.objects.count()
    closed(shop)
    assert (booked(), PeriodClosing.objects.count()) == (first, closings)
    PeriodClosing.objects.all().delete()
    closed(shop)
    assert (booked(), PeriodClosing.objects.count()) == (first, closings)
    assert closings == len(ITEMS) * len(COUNTED)


def test_close_periods__then_rebuilt__has_equal_outcomes():
    shop = make_shop()
    live_through(shop, range(-1, 4))
    closed(shop, last=1)
    project(shop)
    assert rebuild_project(project_key="shop").identical
    assert Outcome.objects.filter(event__in=BOOKS).exists()


def test_close_periods__orders_overridden_and_failed__are_booked_as_they_were_done():
    shop = make_shop()
    live_through(shop, range(-1, 4))
    rows = BatchDecision.objects.filter(batch__due_at=ANCHOR + DAY)
    rows.filter(subject=f"north|{ITEMS[0]}").update(state="OVERRIDDEN", applied=7_500_000, value=9_000_000)
    rows.filter(subject=f"north|{ITEMS[1]}").update(state="FAILED", value=9_000_000)
    rows.filter(subject=f"north|{ITEMS[2]}").update(state="APPLIED", applied=9_000_000, value=9_000_000)
    closed(shop, last=0)
    found = {
        row.item: row.properties["value"]
        for row in EventLog.objects.filter(event="Purchase Booked", item__in=ITEMS[:3]).order_by("item")
    }
    assert found == {ITEMS[0]: "-90.00", ITEMS[2]: "-108.00"}


def test_close_periods__count_too_old_at_the_end__cell_counts_for_no_variant_and_says_why():
    shop = make_shop()
    live_through(shop, range(-1, 6), uncounted={ITEMS[3]: 3})
    closed(shop)
    project(shop)
    rows = PeriodClosing.objects.filter(cell__startswith=f"north|{ITEMS[3]}|").order_by("cell")
    # the last count is of the evening of the third day: good enough for the second period, too old for the third
    assert [(row.reason, row.change is None) for row in rows] == [("", False), ("", False), ("STALE_STOCK", True)]
    notes = EventLog.objects.filter(event__in=BOOKS, item=ITEMS[3], day=(ANCHOR + 5 * DAY).date())
    assert [(note.event, note.properties["reason"]) for note in notes] == [("Stock Not Valued", "STALE_STOCK")]
    card = look_at_all(shop)
    found = card.comparisons[0]
    assert found.control.n + found.treatment.n == len(ITEMS) * len(COUNTED) - 1
    assert card.exclusions.immature == 1
    check = {check.code: check for check in card.checks}["STOCK_NOT_VALUED"]
    assert check.outcome is CheckOutcome.FAILED


def test_close_periods__no_cost_when_the_first_period_began__is_left_out_though_one_came_later():
    shop = make_shop(lost_costs=[ITEMS[5]])
    ItemCost.objects.create(
        project_id=shop.project_id, item_id=ITEMS[5], cost=1_000_000, valid_from=ANCHOR + timedelta(minutes=1)
    )
    live_through(shop, range(-1, 4))
    closed(shop, last=1)
    assert set(PeriodClosing.objects.filter(reason="COST_MISSING").values_list("cell", flat=True)) == {
        f"north|{ITEMS[5]}|0",
        f"north|{ITEMS[5]}|1",
    }
    assert set(EventLog.objects.filter(item=ITEMS[5], event__in=BOOKS).values_list("event", flat=True)) == {
        "Stock Not Valued"
    }


def test_close_periods__store_by_period__adds_up_its_items_and_leaves_out_the_one_without_a_cost():
    shop = make_shop(unit_kind="store", lost_costs=[ITEMS[5]])
    live_through(shop, range(-1, 2))
    closed(shop, last=0)
    row = PeriodClosing.objects.get()
    valued = Outcome.objects.filter(event="Stock Valued")
    project(shop)
    assert (row.cell, row.reason, row.change) == ("north|0", "", sum(valued.values_list("value", flat=True)))
    assert valued.count() == len(ITEMS) - 1
    notes = EventLog.objects.filter(event="Stock Not Valued")
    assert [(note.item, note.properties["reason"]) for note in notes] == [(ITEMS[5], "COST_MISSING")]


def test_close_periods__cluster_by_period__books_belong_to_the_cluster():
    shop = make_shop(unit_kind="cluster", clusters=3)
    live_through(shop, range(-1, 2))
    closed(shop, last=0)
    project(shop)
    valued = Outcome.objects.filter(event="Stock Valued")
    assert PeriodClosing.objects.count() == 3
    assert {row.cluster: row.item for row in valued if row.item in ITEMS[:3]} == dict(
        zip(("teas-0", "teas-1", "teas-2"), ITEMS, strict=False)
    )
    assert valued.count() == len(ITEMS)


def test_close_periods__many_subjects__are_closed_a_part_at_a_time(monkeypatch):
    monkeypatch.setattr("decisions.actions.closing.SUBJECTS_AT_ONCE", 10)
    shop = make_shop()
    live_through(shop, range(-1, 2))
    closed(shop, last=0)
    assert PeriodClosing.objects.count() == 10
    (job,) = Job.objects.filter(kind="close_periods")
    close_periods(experiment_id=job.payload["experiment_id"], last=job.payload["last"], now=shop.now)(shop.now)
    assert PeriodClosing.objects.count() == len(ITEMS)
    assert Job.objects.filter(kind="close_periods").count() == 1


def test_promise_closings__period_is_over_for_six_hours__is_promised_once():
    shop = make_shop()
    facts = project_facts(shop.project_id)
    early = shop.clock.wall(ANCHOR + 2 * DAY + timedelta(hours=5, minutes=59))
    assert promise_closings(facts=facts, now=early) == 0
    due = early + timedelta(minutes=1)
    assert [promise_closings(facts=facts, now=due) for _ in range(2)] == [1, 0]
    assert Job.objects.get(kind="close_periods").payload == {"experiment_id": shop.experiment_id, "last": 0}


def test_held_looks__until_books_are_closed_and_projected__the_look_waits():
    shop = make_shop()
    live_through(shop, range(-1, 6))
    facts, end = project_facts(shop.project_id), ANCHOR + 6 * DAY
    early = shop.clock.wall(end + timedelta(hours=1))
    assert held_looks(facts=facts, window_end=end, projected_until=early, now=early) == {shop.experiment_id}
    promise_closings(facts=facts, now=shop.now)
    assert held_looks(facts=facts, window_end=end, projected_until=shop.now, now=shop.now) == {shop.experiment_id}
    closed(shop)
    Job.objects.update(state="DONE", finished_at=shop.now)
    assert held_looks(facts=facts, window_end=end, projected_until=shop.now, now=shop.now) == {shop.experiment_id}
    later = shop.now + timedelta(minutes=1)
    assert held_looks(facts=facts, window_end=end, projected_until=later, now=later) == frozenset()


def test_unvalued__cells_whose_stock_nobody_counted__warn_of_any_and_block_once_they_are_several():
    shop = make_shop()
    live_through(shop, range(-1, 2))
    closed(shop, last=0)
    later = shop.now + timedelta(minutes=1)
    assert list(unvalued(shop.experiment_id, later)) == []
    cells = list(BatchDecision.objects.filter(variant="treatment").values_list("cell", flat=True).distinct()[:2])
    warning = Confound("STOCK_NOT_VALUED", "treatment", "control")
    PeriodClosing.objects.filter(cell=cells[0]).update(change=None, reason="STALE_STOCK")
    assert list(unvalued(shop.experiment_id, later)) == [warning]
    PeriodClosing.objects.filter(cell=cells[1]).update(change=None, reason="COST_MISSING")
    assert list(unvalued(shop.experiment_id, later)) == [warning]
    PeriodClosing.objects.filter(cell=cells[1]).update(reason="STALE_STOCK")
    block = Confound("STOCK_OFTEN_NOT_VALUED", "treatment", "control")
    assert list(unvalued(shop.experiment_id, later)) == [warning, block]
    assert list(unvalued(shop.experiment_id, shop.now - timedelta(minutes=1))) == []


def test_close_periods__by_the_worker__is_done_once_with_its_job():
    shop = make_shop()
    live_through(shop, range(-1, 2))
    promise_closings(facts=project_facts(shop.project_id), now=shop.now)
    (job,) = Job.objects.filter(kind="close_periods")
    assert queue_of(job.kind) in {INGEST, DECISIONS}
    claimed = claim(job_id=job.pk, owner="worker")
    assert claimed is not None
    LONG_HANDLERS[job.kind](claimed, shop.now)(shop.now)
    assert PeriodClosing.objects.count() == len(ITEMS)


def test_close_periods__at_another_point__does_nothing():
    with connection.cursor() as cursor:
        cursor.execute("SELECT now()")
        now = cursor.fetchone()[0]
    close_periods(experiment_id=1, last=5, now=now)(now)
    assert not PeriodClosing.objects.exists()
