from datetime import datetime, timedelta
from itertools import permutations

import pytest
from django.db import connection

from decisions.actions.projection import project_events, rebuild
from decisions.models import ProjectionState
from experiments.models import FirstExposure, Outcome, Quarantine
from experiments.queries.evidence import evidence_facts
from tests.fixtures.messages import log, log_exposure, minutes, unit_of
from tests.fixtures.records import NOW, make_project, make_running

pytestmark = pytest.mark.django_db

START = NOW


def outcomes() -> list[tuple]:
    return list(Outcome.objects.order_by("message_id", "line").values_list("message_id", "line", "event", "value"))


def project_until(project_id: int, at: datetime) -> None:
    """Project, and let the watermark stand where it would have stood had the projector run at that time."""
    project_events(project_id=project_id)
    ProjectionState.objects.update(watermark=at)


def reasons() -> dict[str, str]:
    return {
        row.payload["message_id"]: row.reason for row in Quarantine.objects.filter(origin="EVENT").order_by("reference")
    }


def test_project_events__exposures_and_orders__become_evidence():
    project_id = make_project()
    experiment_id = make_running(project_id)
    log_exposure(project_id, experiment_id, message_id="e1", at=START)
    log(
        project_id,
        message_id="o1",
        event="Order Completed",
        at=START + minutes(5),
        properties={
            "order_id": "A",
            "revenue": "19.99",
            "products": [{"product_id": "p1", "price": 5, "quantity": 2}, {"product_id": "p2", "price": 9.99}],
        },
    )
    done = project_events(project_id=project_id)
    assert (done.messages, done.exposures, done.outcomes, done.quarantined, done.complete) == (2, 1, 3, 0, True)
    exposure = FirstExposure.objects.get()
    assert (exposure.unit, exposure.variant.key, exposure.epoch, exposure.exposed_at, exposure.verification) == (
        unit_of(project_id, "v1"),
        "treatment",
        1,
        START,
        "TOKEN",
    )
    assert (exposure.layer_slot, exposure.coverage_slot, exposure.variant_slot) == (None, 10, 20)
    assert outcomes() == [
        ("o1", 0, "Order Completed", 19_990_000),
        ("o1", 1, "Order Completed", 10_000_000),
        ("o1", 2, "Order Completed", 9_990_000),
    ]
    assert list(Outcome.objects.order_by("line").values_list("item", "quantity")) == [(None, 1), ("p1", 2), ("p2", 1)]


def test_project_events__called_again__changes_nothing():
    project_id = make_project()
    experiment_id = make_running(project_id)
    log_exposure(project_id, experiment_id, message_id="e1", at=START)
    log(project_id, message_id="o1", event="Product Viewed", at=START)
    project_events(project_id=project_id)
    before = evidence_facts(project_id)
    again = project_events(project_id=project_id)
    assert (again.messages, again.exposures, again.outcomes) == (0, 0, 0)
    assert evidence_facts(project_id) == before


def test_project_events__message_younger_than_the_guard__waits():
    project_id = make_project()
    with connection.cursor() as cursor:
        cursor.execute("SELECT now() - interval '10 seconds'")
        recent = cursor.fetchone()[0]
    log(project_id, message_id="o1", event="Product Viewed", at=recent)
    assert project_events(project_id=project_id).messages == 0
    assert ProjectionState.objects.get().watermark < recent


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_project_events__exposures_in_any_order_of_arrival__give_the_same_first_exposure(order):
    project_id = make_project()
    experiment_id = make_running(project_id)
    for place, index in enumerate(order):
        log_exposure(
            project_id,
            experiment_id,
            message_id=f"e{index}",
            at=START + minutes(index),
            received_at=START + minutes(10 + place),
        )
    project_events(project_id=project_id)
    earliest = FirstExposure.objects.order_by("exposed_at").first()
    assert earliest is not None
    assert (earliest.exposed_at, earliest.message_id) == (START, "e0")


def test_project_events__batched_or_at_once__gives_equal_evidence(monkeypatch):
    project_id = make_project()
    experiment_id = make_running(project_id)
    for index in range(20):
        at = START + minutes((index * 7) % 11)
        received = START + minutes(20 + index // 2)
        variant = "treatment" if index % 5 else "control"
        log_exposure(
            project_id,
            experiment_id,
            message_id=f"e{index}",
            at=at,
            received_at=received,
            variant=variant,
            visitor=f"v{index % 3}",
        )
        log(
            project_id,
            message_id=f"o{index}",
            event="Order Completed",
            at=at,
            received_at=received,
            properties={"order_id": f"A{index % 7}", "revenue": index},
        )
    project_events(project_id=project_id)
    at_once = evidence_facts(project_id)
    monkeypatch.setattr("decisions.actions.projection.BATCH", 3)
    rebuilt = rebuild(project_id=project_id)
    assert rebuilt.messages == 40
    assert evidence_facts(project_id) == at_once
    assert at_once.quarantined == 13


def test_project_events__several_variants__keeps_a_row_for_each():
    project_id = make_project()
    experiment_id = make_running(project_id)
    log_exposure(project_id, experiment_id, message_id="e1", at=START, variant="control")
    log_exposure(project_id, experiment_id, message_id="e2", at=START + minutes(1), variant="treatment")
    project_events(project_id=project_id)
    assert list(FirstExposure.objects.order_by("exposed_at").values_list("variant__key", flat=True)) == [
        "control",
        "treatment",
    ]


def test_project_events__same_order_under_two_message_ids__counts_once():
    project_id = make_project()
    order = {"order_id": "A", "revenue": 10}
    log(project_id, message_id="browser", event="Order Completed", at=START, properties=order)
    project_until(project_id, START)
    log(project_id, message_id="server", event="Order Completed", at=START + minutes(1), properties=order)
    log(project_id, message_id="third", event="Order Completed", at=START + minutes(2), properties=order)
    project_events(project_id=project_id)
    assert [row[0] for row in outcomes()] == ["browser"]
    assert reasons() == {"server": "DUPLICATE_ORDER", "third": "DUPLICATE_ORDER"}


def test_project_events__refund_and_cancellation__count_against_revenue():
    project_id = make_project()
    log(project_id, message_id="o", event="Order Completed", at=START, properties={"order_id": "A", "revenue": 10})
    log(project_id, message_id="r", event="Order Refunded", at=START, properties={"order_id": "A", "total": 4})
    log(project_id, message_id="x", event="Order Cancelled", at=START, properties={"order_id": "B", "revenue": 2})
    project_events(project_id=project_id)
    assert {row[0]: row[3] for row in outcomes()} == {"o": 10_000_000, "r": -4_000_000, "x": -2_000_000}


@pytest.mark.parametrize(
    ("properties", "reason"),
    [
        ({"order_id": "A"}, "AMOUNT_MISSING"),
        ({"order_id": "A", "revenue": "ten"}, "AMOUNT_INVALID"),
        ({"order_id": "A", "revenue": "1e9999"}, "AMOUNT_INVALID"),
        ({"order_id": "A", "revenue": 999_999_999_999, "quantity": 1}, None),
        ({"order_id": "A", "revenue": 10, "currency": "EUR"}, "CURRENCY_MISMATCH"),
        ({"order_id": "A", "revenue": 10, "products": [{"product_id": "p", "price": "x"}]}, "AMOUNT_INVALID"),
        ({"order_id": "A", "revenue": 10, "products": "none"}, None),
        (
            {"order_id": "A", "revenue": 10, "products": [{"price": 900000000000, "quantity": 90000000}]},
            "AMOUNT_INVALID",
        ),
    ],
)
def test_project_events__order_that_does_not_add_up__is_quarantined_whole(properties, reason):
    project_id = make_project()
    log(project_id, message_id="o", event="Order Completed", at=START, properties=properties)
    project_events(project_id=project_id)
    assert reasons() == ({"o": reason} if reason else {})
    assert Outcome.objects.exists() is (reason is None)


@pytest.mark.parametrize(
    ("at", "reason"),
    [
        (START - timedelta(days=7, minutes=1), "TOO_LATE"),
        (START - timedelta(days=6), None),
        (START + timedelta(hours=23), None),
        (START + timedelta(hours=25), "FROM_THE_FUTURE"),
        (None, "TIMESTAMP_UNREADABLE"),
    ],
)
def test_project_events__time_out_of_bounds__is_quarantined(at, reason):
    project_id = make_project()
    log(project_id, message_id="o", event="Product Viewed", at=at, received_at=START)
    project_events(project_id=project_id)
    assert reasons() == ({"o": reason} if reason else {})


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"reason": "TOKEN_FORGED"}, "TOKEN_FORGED"),
        ({"variant": "nobody"}, "EXPOSURE_UNKNOWN"),
        ({"experiment": 999_999}, "EXPOSURE_UNKNOWN"),
        ({"unit_kind": "customer"}, "EXPOSURE_UNKNOWN"),
        ({"unit": None}, "EXPOSURE_UNKNOWN"),
    ],
)
def test_project_events__exposure_without_credit__is_quarantined(changes, reason):
    project_id = make_project()
    experiment_id = make_running(project_id)
    log_exposure(project_id, experiment_id, message_id="e", at=START, **changes)
    project_events(project_id=project_id)
    assert reasons() == {"e": reason}
    assert not FirstExposure.objects.exists()


def test_project_events__exposure_of_another_projects_experiment__is_quarantined():
    project_id = make_project()
    foreign = make_running(make_project(key="other"))
    log_exposure(project_id, foreign, message_id="e", at=START)
    project_events(project_id=project_id)
    assert reasons() == {"e": "EXPOSURE_UNKNOWN"}


def test_rebuild__after_quarantine_and_late_messages__reproduces_every_row():
    project_id = make_project()
    experiment_id = make_running(project_id)
    log_exposure(project_id, experiment_id, message_id="e1", at=START + minutes(5), received_at=START + minutes(6))
    log(project_id, message_id="bad", event="Order Completed", at=START, properties={})
    project_until(project_id, START + minutes(6))
    log_exposure(project_id, experiment_id, message_id="e0", at=START, received_at=START + minutes(7))
    log(project_id, message_id="late", event="Product Viewed", at=START, received_at=START + timedelta(days=3))
    project_events(project_id=project_id)
    before = evidence_facts(project_id)
    assert before.exposures == 2
    rebuild(project_id=project_id)
    assert evidence_facts(project_id) == before
