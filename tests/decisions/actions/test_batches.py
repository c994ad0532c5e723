"""Batches on real tables: everything of one is written or nothing, once; and what it decides is what counts."""

import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection, transaction

from decisions.actions.batches import PointUnpublished, make_batch, promise_batches
from decisions.actions.ledger_lock import lock_ledger
from decisions.actions.price_ledger import GRACE
from decisions.actions.projection import project_events
from decisions.actions.publishing import publish_bundle
from decisions.models import BatchDecision, DecisionBatch, DecisionPoint, PriceOffer, StockCount
from decisions.queries.live import NothingPublished
from decisions.queries.made import decision_by_id
from experiments.analysis.scorecard import FigureStatus
from experiments.models import FirstExposure, Outcome
from foundation.models import Job, Project
from foundation.queries import project_facts
from tests.expert.population import look
from tests.fixtures.batches import (
    first_period,
    made,
    made_again,
    make_batch_experiment,
    make_batch_point,
    make_priced,
    make_stocked,
    waits_for_the_ledger,
)
from tests.fixtures.messages import log
from tests.fixtures.records import NOW, make_project, simulation_clock

pytestmark = pytest.mark.django_db

MIDNIGHT = datetime(2026, 3, 3, tzinfo=UTC)
DAY = timedelta(days=1)
CLUSTERS = {f"item-{n:02d}": f"cluster-{n // 2:02d}" for n in range(24)}


@pytest.fixture
def project() -> int:
    """Return a project with two items that have a price."""
    project_id = make_project()
    make_priced(project_id, {"mug": 20.0, "pan": 30.0})
    return project_id


def rows(batch: DecisionBatch) -> list[tuple]:
    found = BatchDecision.objects.filter(batch=batch).order_by("subject")
    return list(found.values_list("subject", "value", "before", "reason"))


def logged() -> list[tuple]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT message_id, item, store, occurred_at, properties::text, enrolments::text FROM decisions_eventlog"
            " WHERE kind = 'decision' AND project_id IN (SELECT id FROM foundation_project) ORDER BY message_id"
        )
        return cursor.fetchall()


def counts() -> tuple[int, int, int, int]:
    """Return how many batches, decisions, rows of the log and offers there are."""
    tables = (DecisionBatch.objects, BatchDecision.objects, PriceOffer.objects)
    batches, decisions, offers = (table.count() for table in tables)
    return batches, decisions, len(logged()), offers


def promised() -> list[str]:
    return sorted(Job.objects.filter(kind="decide_batch").values_list("key", flat=True))


def test_batch__of_prices__writes_decisions_log_and_ledger_together(project):
    point = make_batch_point(project)
    batch = made(project, point, due_at=MIDNIGHT, now=MIDNIGHT + timedelta(seconds=3))
    assert rows(batch) == [("mug", 20_000_000, 20_000_000, "BASELINE"), ("pan", 30_000_000, 30_000_000, "BASELINE")]
    assert (batch.due_at, batch.made_at, batch.decisions) == (MIDNIGHT, MIDNIGHT + timedelta(seconds=3), 2)
    assert (batch.degraded, batch.fault, batch.state, len(batch.sha256)) == (0, "", "MADE", 64)
    assert batch.takes_effect_at >= MIDNIGHT + timedelta(seconds=18)
    assert {(row[0], row[1], row[3]) for row in logged()} == {
        (decided.decision_id, decided.subject, batch.made_at) for decided in BatchDecision.objects.all()
    }
    offers = PriceOffer.objects.order_by("item_id").values_list("item_id", "price", "valid_from", "batch")
    assert list(offers) == [
        ("mug", 20_000_000, batch.takes_effect_at, batch.pk),
        ("pan", 30_000_000, batch.takes_effect_at, batch.pk),
    ]


def test_batch__decision_in_the_log__tells_as_much_as_one_of_the_edge(project):
    batch = made(project, make_batch_point(project), due_at=MIDNIGHT)
    decided = BatchDecision.objects.get(subject="mug")
    found = decision_by_id(decided.decision_id, project_ids=[project])
    assert (found.point, found.policy, found.reason) == ("prices", "baseline", "BASELINE")
    assert [(action.item, action.propensity) for action in found.actions] == [("20.00", 1.0)]
    assert json.loads(logged()[0][4])["bundle_version"] == batch.bundle_version


def test_batch__made_twice_at_once__is_one(project):
    point = make_batch_point(project)
    publish_bundle(project_id=project)
    first, second = (make_batch(point_id=point, due_at=MIDNIGHT, now=MIDNIGHT) for _ in range(2))
    for effect in (first, second):
        with transaction.atomic():
            effect(MIDNIGHT)
    assert counts() == (1, 2, 2, 2)
    with transaction.atomic():
        make_batch(point_id=point, due_at=MIDNIGHT, now=MIDNIGHT)(MIDNIGHT)
    assert counts() == (1, 2, 2, 2)


@pytest.mark.django_db(transaction=True)
def test_batch__written_by_two_workers_at_once__is_one():
    project = make_project()
    make_priced(project, {"mug": 20.0, "pan": 30.0})
    point = make_batch_point(project)
    publish_bundle(project_id=project)
    effects = [make_batch(point_id=point, due_at=MIDNIGHT, now=MIDNIGHT) for _ in range(2)]
    ready = threading.Barrier(len(effects))

    def write(effect) -> None:
        try:
            ready.wait(10)
            with transaction.atomic():
                effect(MIDNIGHT)
        finally:
            connection.close()

    with ThreadPoolExecutor(len(effects)) as pool:
        list(pool.map(write, effects))
    assert (DecisionBatch.objects.count(), BatchDecision.objects.count(), PriceOffer.objects.count()) == (1, 2, 2)


def test_batch__transaction_that_fails_at_its_very_end__leaves_nothing(project):
    point = make_batch_point(project, webhook="https://shop.example/batches")
    publish_bundle(project_id=project)
    effect = make_batch(point_id=point, due_at=MIDNIGHT, now=MIDNIGHT)
    with transaction.atomic():
        effect(MIDNIGHT)
        assert counts() == (1, 2, 2, 2)
        transaction.set_rollback(True)
    assert counts() == (0, 0, 0, 0)
    assert not Job.objects.filter(kind="deliver_batch").exists()
    with transaction.atomic():
        effect(MIDNIGHT)
    assert counts() == (1, 2, 2, 2)
    assert Job.objects.filter(kind="deliver_batch").count() == 1


def test_batch__late_worker__makes_the_newest_and_says_what_was_not_made(project):
    point = make_batch_point(project)
    made(project, point, due_at=MIDNIGHT)
    late = made(project, point, due_at=MIDNIGHT + DAY, now=MIDNIGHT + 4 * DAY + timedelta(hours=1))
    assert late.due_at == MIDNIGHT + 4 * DAY
    assert late.fault.startswith("3 batches that were due before it were not made")
    assert DecisionBatch.objects.count() == 2


def test_batch__without_subjects__is_empty_and_says_why():
    project = make_project()
    batch = made(project, make_batch_point(project, "restock", key="orders"), due_at=MIDNIGHT)
    assert (batch.decisions, batch.state, len(batch.sha256)) == (0, "MADE", 64)
    assert batch.fault == "There is nothing to decide for: the shop has counted no item in any store (PUT /v1/stock)."
    prices = made(project, make_batch_point(project, webhook="https://shop.example/b"), due_at=MIDNIGHT)
    assert prices.fault == "There is nothing to decide for: the shop has no item with a price (PUT /v1/items)."
    assert not Job.objects.filter(kind="deliver_batch").exists()
    assert logged() == []


def test_batch__stale_counts__leave_those_subjects_to_the_baseline_and_are_counted():
    project = make_project()
    make_stocked(project, ["north", "south"], ["mug"], at=MIDNIGHT)
    StockCount.objects.filter(store_id="south").update(counted_at=MIDNIGHT - DAY)
    point = make_batch_point(project, "restock", key="orders", most_age_minutes=600)
    batch = made(project, point, due_at=MIDNIGHT + timedelta(hours=1))
    assert [(row[0], row[3]) for row in rows(batch)] == [("north|mug", "BASELINE"), ("south|mug", "DATA_STALE")]
    assert batch.degraded == 1


def test_batch__point_that_is_not_published__is_refused_and_writes_nothing(project):
    point = make_batch_point(project)
    with pytest.raises(NothingPublished):
        make_batch(point_id=point, due_at=MIDNIGHT, now=MIDNIGHT)
    publish_bundle(project_id=project)
    other = make_batch_point(project, key="other")
    with pytest.raises(PointUnpublished):
        make_batch(point_id=other, due_at=MIDNIGHT, now=MIDNIGHT)
    assert counts() == (0, 0, 0, 0)


def test_batch__experiment_at_the_point__decides_by_variant_and_enrols_each_cell_once(project):
    point = make_batch_point(project)
    experiment = make_batch_experiment(project, point)
    begun = first_period(experiment)
    batch = made(project, point, due_at=begun)  # inside the burn-in of the first period
    decided = list(BatchDecision.objects.filter(batch=batch).order_by("subject"))
    assert {row.cell for row in decided} == {"mug|0", "pan|0"}
    assert all(row.is_enrolled and row.experiment_id == experiment for row in decided)
    for row in decided:
        assert row.before is not None
        cheaper = row.before * 95 // 100
        wanted = (cheaper, "FIXED") if row.variant == "treatment" else (row.before, "BASELINE")
        assert (row.value, row.reason) == wanted
    exposed = [json.loads(row[5])[0] for row in logged() if row[5]]
    assert sorted(entry["unit"] for entry in exposed) == ["mug|0", "pan|0"]
    assert {entry["verification"] for entry in exposed} == {"DECIDED"}
    made_again(point, due_at=begun + DAY)
    assert sum(row[5] is not None for row in logged()) == 2
    made_again(point, due_at=begun + 2 * DAY)
    assert sum(row[5] is not None for row in logged()) == 4
    variants = dict(BatchDecision.objects.filter(batch=batch).values_list("subject", "variant"))
    following = dict(BatchDecision.objects.filter(batch__due_at=begun + 2 * DAY).values_list("subject", "variant"))
    assert all(variants[subject] != following[subject] for subject in variants)  # balanced in pairs of periods


def test_batch__cells_of_clusters__count_in_the_scorecard_with_all_their_sales():
    project = make_project()
    make_priced(project, dict.fromkeys(CLUSTERS, 20.0), clusters=CLUSTERS)
    point = make_batch_point(project)
    experiment = make_batch_experiment(project, point, unit_kind="cluster")
    begun = first_period(experiment)
    publish_bundle(project_id=project)
    for day in range(14):
        made_again(point, due_at=begun + day * DAY)
    sold = {"control": 0, "treatment": 0}
    cells = BatchDecision.objects.filter(is_enrolled=True).order_by("cell").values_list("cell", "variant").distinct()
    for number, (cell, variant) in enumerate(cells):
        cluster, _, period = cell.rpartition("|")
        start = begun + int(period) * 2 * DAY
        for hours, amount in ((5, 1000), (30, number)):  # in the burn-in, and after it
            line = {"product_id": "x", "cluster_id": cluster, "price": amount, "quantity": 1}
            order = {"order_id": f"{cell}-{hours}", "revenue": amount, "products": [line]}
            at = start + timedelta(hours=hours)
            log(project, message_id=f"{cell}-{hours}", event="Order Completed", at=at, properties=order)
        sold[variant] += number
    with connection.cursor() as cursor:  # as if the batches had been made when they were due
        cursor.execute("UPDATE decisions_eventlog SET received_at = corrected_at WHERE project_id = %s", [project])
    project_events(project_id=project)
    assert FirstExposure.objects.filter(experiment_id=experiment).count() == 12 * 7 == len(cells)
    assert Outcome.objects.exists()
    card, _ = look(experiment, days=16)
    (found,) = card.comparisons
    assert found.status is FigureStatus.OK
    assert found.control.n + found.treatment.n == 84
    assert (found.control.numerator, found.treatment.numerator) == (sold["control"], sold["treatment"])
    assert card.exclusions.crossovers == 0


def test_promise__point_with_a_cadence__is_promised_once_for_each_due_time(project):
    Project.objects.filter(pk=project).update(time_zone="Asia/Shanghai")
    point = make_batch_point(project)
    facts = project_facts(project)
    due = datetime(2026, 3, 2, 16, tzinfo=UTC)
    assert promise_batches(facts=facts, now=due - timedelta(seconds=1)) == 1
    Job.objects.filter(kind="decide_batch").update(state="DONE")
    assert [promise_batches(facts=facts, now=due + timedelta(minutes=n)) for n in (0, 1, 60)] == [1, 0, 0]
    assert promised()[-1] == f"decide_batch:{point}:{due.isoformat()}"
    assert promise_batches(facts=facts, now=due + DAY) == 0  # one waits
    Job.objects.filter(kind="decide_batch").update(state="DONE")
    assert promise_batches(facts=facts, now=due + DAY) == 1


def test_promise__batch_that_is_there__is_not_promised(project):
    point = make_batch_point(project)
    made(project, point, due_at=MIDNIGHT)
    assert promise_batches(facts=project_facts(project), now=MIDNIGHT + timedelta(hours=5)) == 0


def test_promise__points_without_cadence_or_of_other_domains__are_left_alone(project):
    make_batch_point(project, every_minutes=None)
    online = make_batch_point(project, "recommendation", key="home")
    assert DecisionPoint.objects.get(pk=online).every_minutes == 1440
    assert promise_batches(facts=project_facts(project), now=MIDNIGHT) == 0


def test_promise__period_that_begins_between_two_batches__has_one_of_its_own(project):
    point = make_batch_point(project, every_minutes=7 * 1440)
    experiment = make_batch_experiment(project, point, period_minutes=7 * 1440, horizon_days=28)
    begun = first_period(experiment)
    promise_batches(facts=project_facts(project), now=begun + timedelta(minutes=1))
    assert promised() == [f"decide_batch:{point}:{begun.isoformat()}"]


def test_batch__simulated_project__takes_effect_a_second_later_by_its_own_clock():
    clock = simulation_clock(origin=MIDNIGHT, started_at=NOW, speed=3600.0)
    project = make_project(clock=clock)
    make_priced(project, {"mug": 20.0})
    now = NOW + timedelta(seconds=24)
    batch = made(project, make_batch_point(project), due_at=MIDNIGHT + DAY, now=now)
    assert (batch.due_at, batch.made_at) == (MIDNIGHT + DAY, MIDNIGHT + DAY)
    assert timedelta(hours=1) <= batch.takes_effect_at - batch.made_at < timedelta(hours=1, minutes=1)


@pytest.mark.django_db(transaction=True)
def test_batch__that_waits_for_the_ledger__takes_effect_after_the_grace_all_the_same():
    project = make_project()
    make_priced(project, {"mug": 20.0})
    point = make_batch_point(project)
    publish_bundle(project_id=project)
    with ThreadPoolExecutor(max_workers=1) as pool:
        with transaction.atomic():
            lock_ledger(project)
            written = pool.submit(_written_apart, point)
            while not waits_for_the_ledger():
                assert not written.done()
            seen = time.monotonic()
            time.sleep(1.0)
            waited = timedelta(seconds=time.monotonic() - seen)
        told = written.result()
    # it waits since before that was seen, and until after that was measured
    assert DecisionBatch.objects.get().takes_effect_at > told + waited + GRACE


def _written_apart(point: int) -> datetime:
    """Write a batch and return when the word for it was given."""
    try:
        effect = make_batch(point_id=point, due_at=MIDNIGHT, now=datetime.now(UTC))
        told = datetime.now(UTC)
        with transaction.atomic():
            effect(told)
        return told
    finally:
        connection.close()
