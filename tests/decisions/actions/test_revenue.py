"""Revenue from messages to a unit's figure: what an order is worth, and which refunds count against whom."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection

from decisions.actions.projection import project_events
from experiments.analysis.metrics import Aggregation, MetricSpec, What
from experiments.models import Outcome, Quarantine, Variant
from experiments.vocabulary import MetricKind, UnitKind
from experiments.warehouse import own, postgres
from experiments.warehouse.question import Question
from tests.fixtures.messages import log, log_exposure, unit_of
from tests.fixtures.records import NOW, make_project, make_running

pytestmark = pytest.mark.django_db

START = NOW
DAY = timedelta(days=1)
EVENTS = ("Order Completed", "Order Refunded", "Order Cancelled")


def spec(**changes: Any) -> MetricSpec:
    values = {"window_hours": 48, "maturity_hours": 72, "covariate_days": 7, **changes}
    return MetricSpec("revenue", 1, MetricKind.SUM, Aggregation(EVENTS, What.SUM_VALUE), **values)


class Shop:
    """One visitor who was exposed to the treatment at START, and what was logged of her."""

    def __init__(self) -> None:
        self.project_id = make_project()
        self.experiment_id = make_running(self.project_id, now=START - 10 * DAY)
        log_exposure(self.project_id, self.experiment_id, message_id="exposure", at=START)

    def send(self, name: str, event: str, after: timedelta, *, received: timedelta | None = None, **properties: Any):
        """Log an event that happened and was received so long after the exposure."""
        visitor = properties.pop("visitor", "v1")
        log(
            self.project_id,
            message_id=name,
            event=event,
            at=START + after,
            visitor=visitor,
            received_at=START + (after if received is None else received),
            properties=properties,
        )

    def figures(self, metric: MetricSpec, *, days: float = 20.0, received: float | None = None) -> tuple[int, int, int]:
        """Return complete units of the treatment, and their revenue after and before exposure in whole dollars."""
        project_events(project_id=self.project_id)
        end = START + days * DAY
        question = Question(
            experiment_id=self.experiment_id,
            project_id=self.project_id,
            unit_kind=UnitKind.VISITOR,
            metrics=(metric,),
            window_start=START - 10 * DAY,
            window_end=end,
            received_before=end if received is None else START + received * DAY,
            exposed_before=end,
        )
        (row,) = postgres.rows(own.moments(question))
        assert row["variant_id"] == Variant.objects.get(experiment_id=self.experiment_id, key="treatment").pk
        names = [int(row[name] or 0) for name in ("m0_s_y", "m0_s_x")]
        return int(row[f"complete_{metric.settled_hours}"]), names[0] // 1_000_000, names[1] // 1_000_000


@pytest.mark.parametrize(
    ("properties", "dollars"),
    [
        ({"revenue": 80, "total": 100, "tax": 15, "shipping": 5, "value": 70}, 80),
        ({"total": 100, "tax": 15, "shipping": "5.00", "value": 70}, 80),
        ({"total": 100, "tax": 15}, 85),
        ({"total": 100, "shipping": 5}, 95),
        ({"total": "100"}, 100),
        ({"value": 70, "tax": 15, "shipping": 5}, 70),
        ({"revenue": 0, "total": 100}, 0),
    ],
)
@pytest.mark.parametrize(("event", "sign"), [("Order Completed", 1), ("Order Refunded", -1), ("Order Cancelled", -1)])
def test_amount__of_each_form__is_net_of_tax_and_shipping(properties, dollars, event, sign):
    project_id = make_project()
    log(project_id, message_id="o", event=event, at=START, properties={"order_id": "A", **properties})
    project_events(project_id=project_id)
    assert Outcome.objects.get().value == sign * dollars * 1_000_000


@pytest.mark.parametrize(
    ("properties", "reason"),
    [
        ({"total": "much"}, "AMOUNT_INVALID"),
        ({"total": 100, "tax": "some"}, "AMOUNT_INVALID"),
        ({"total": 100, "tax": 5, "shipping": "free"}, "AMOUNT_INVALID"),
        ({"tax": 5, "shipping": 5}, "AMOUNT_MISSING"),
        ({"total": 100, "currency": "EUR"}, "CURRENCY_MISMATCH"),
    ],
)
def test_amount__that_cannot_be_read__is_quarantined_and_counts_nothing(properties, reason):
    project_id = make_project()
    log(project_id, message_id="o", event="Order Completed", at=START, properties={"order_id": "A", **properties})
    project_events(project_id=project_id)
    assert list(Quarantine.objects.values_list("reason", flat=True)) == [reason]
    assert not Outcome.objects.exists()


def test_amount__smallest_parts__are_rounded_once():
    project_id = make_project()
    properties = {"order_id": "A", "total": "10.0000014", "tax": "0.0000009"}
    log(project_id, message_id="o", event="Order Completed", at=START, properties=properties)
    project_events(project_id=project_id)
    assert Outcome.objects.get().value == 10_000_001


def test_order__with_lines_and_an_item_of_its_own__is_about_the_items_of_its_lines_alone():
    project_id = make_project()
    lines = [{"product_id": "p", "price": 4}, {"product_id": "q", "price": 6}]
    named = {"order_id": "A", "revenue": 10, "product_id": "p", "cluster_id": "c"}
    log(project_id, message_id="o", event="Order Completed", at=START, properties=named | {"products": lines})
    log(project_id, message_id="s", event="Order Completed", at=START, properties=named | {"order_id": "B"})
    project_events(project_id=project_id)
    found = Outcome.objects.order_by("message_id", "line").values_list("order_id", "line", "item", "cluster", "value")
    assert list(found) == [
        ("A", 0, None, None, 10_000_000),
        ("A", 1, "p", "c", 4_000_000),
        ("A", 2, "q", "c", 6_000_000),
        ("B", 0, "p", "c", 10_000_000),
    ]


@pytest.mark.parametrize(
    ("refunded_after", "left"),
    [(1.5, 70), (2.5, 70), (4.9, 70), (5.0, 100), (6.0, 100)],
    ids=["in the window", "after the window", "just in time", "as maturity ends", "too late"],
)
def test_refund__of_an_order_in_the_window__counts_until_maturity_ends(refunded_after, left):
    shop = Shop()
    shop.send("o", "Order Completed", DAY, order_id="A", revenue=100)
    shop.send("r", "Order Refunded", refunded_after * DAY, order_id="A", revenue=30)
    assert shop.figures(spec()) == (1, left, 0)


def test_refund__without_maturity__counts_inside_the_window_only():
    shop = Shop()
    shop.send("o", "Order Completed", DAY, order_id="A", revenue=100)
    shop.send("r1", "Order Refunded", 1.5 * DAY, order_id="A", revenue=30)
    shop.send("r2", "Order Refunded", 2.5 * DAY, order_id="A", revenue=20)
    assert shop.figures(spec(maturity_hours=0)) == (1, 70, 0)


@pytest.mark.parametrize("event", ["Order Refunded", "Order Cancelled"])
def test_refund__of_an_order_before_exposure__does_not_count_against_the_arm(event):
    shop = Shop()
    shop.send("o", "Order Completed", -DAY, order_id="A", revenue=100)
    shop.send("r", event, DAY, order_id="A", revenue=100)
    assert shop.figures(spec()) == (1, 0, 100), "nor does history know what came after the exposure"


def test_refund__before_exposure__lowers_what_is_known_of_the_past():
    shop = Shop()
    shop.send("o", "Order Completed", -2 * DAY, order_id="A", revenue=100)
    shop.send("r", "Order Refunded", -DAY, order_id="A", revenue=40)
    assert shop.figures(spec()) == (1, 0, 60)


def test_refund__of_an_order_older_than_the_history__counts_nowhere():
    shop = Shop()
    shop.send("o", "Order Completed", -40 * DAY, order_id="A", revenue=100)
    shop.send("r1", "Order Refunded", -DAY, order_id="A", revenue=40)
    shop.send("r2", "Order Refunded", DAY, order_id="A", revenue=40)
    assert shop.figures(spec()) == (1, 0, 0)


def test_refund__without_a_known_order__counts_by_its_own_time():
    shop = Shop()
    shop.send("o", "Order Completed", DAY, order_id="A", revenue=100)
    shop.send("r1", "Order Refunded", DAY, revenue=10)
    shop.send("r2", "Order Refunded", DAY, order_id="unheard of", revenue=20)
    shop.send("r3", "Order Refunded", 3 * DAY, revenue=40)
    assert shop.figures(spec()) == (1, 70, 0)


def test_refund__by_a_back_end_that_knows_only_the_order__counts_for_who_ordered():
    shop = Shop()
    shop.send("o", "Order Completed", DAY, order_id="A", revenue=100)
    shop.send("r", "Order Refunded", 3 * DAY, order_id="A", revenue=30, visitor="back end")
    assert shop.figures(spec()) == (1, 70, 0)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE experiments_outcome SET visitor = NULL WHERE message_id = 'r'")
    assert unit_of(shop.project_id, "v1") == Outcome.objects.get(message_id="o").visitor
    assert shop.figures(spec()) == (1, 70, 0)


def test_refund__in_parts_and_sent_twice__counts_each_part_once():
    shop = Shop()
    shop.send("o", "Order Completed", DAY, order_id="A", revenue=100)
    shop.send("o again", "Order Completed", DAY, order_id="A", revenue=100)
    for name, amount in (("r1", 30), ("r2", 20), ("r1", 30)):
        shop.send(name, "Order Refunded", 3 * DAY, order_id="A", revenue=amount)
    assert shop.figures(spec()) == (1, 50, 0)


@pytest.mark.parametrize(
    ("reversals", "left"),
    [
        ([("Order Cancelled", 1.1, 100), ("Order Refunded", 1.2, 100)], 0),
        ([("Order Refunded", 1.1, 30), ("Order Cancelled", 1.2, 100)], 0),
        ([("Order Refunded", 1.1, 30), ("Order Cancelled", 1.2, 60)], 10),
        ([("Order Refunded", 1.1, 70), ("Order Refunded", 1.2, 70)], 0),
        ([("Order Refunded", 1.1, 30), ("Order Cancelled", 5.5, 100)], 70),
    ],
    ids=["cancelled and refunded", "the rest cancelled", "within the order", "refunded twice", "too late"],
)
def test_reversals__of_one_order__take_no_more_than_it_brought(reversals, left):
    shop = Shop()
    shop.send("o", "Order Completed", DAY, order_id="A", revenue=100)
    shop.send("other", "Order Completed", DAY, order_id="B", revenue=7)
    for number, (event, after, amount) in enumerate(reversals):
        shop.send(f"r{number}", event, after * DAY, order_id="A", revenue=amount)
    assert shop.figures(spec()) == (1, left + 7, 0)


def test_reversals__that_a_metric_does_not_subtract__use_up_nothing_of_the_order():
    shop = Shop()
    shop.send("o", "Order Completed", DAY, order_id="A", revenue=100)
    shop.send("c", "Order Cancelled", 1.1 * DAY, order_id="A", revenue=100)
    shop.send("r", "Order Refunded", 1.2 * DAY, order_id="A", revenue=60)
    refunds_only = replace(spec(), numerator=Aggregation(EVENTS[:2], What.SUM_VALUE))
    assert shop.figures(refunds_only) == (1, 40, 0)
    taken = replace(spec(), numerator=Aggregation(EVENTS[1:], What.SUM_VALUE))
    assert shop.figures(taken) == (1, -160, 0), "a metric of reversals alone counts every one of them"


def test_refund__received_before_its_order__counts_once_the_order_is_known():
    shop = Shop()
    shop.send("r", "Order Refunded", 1.5 * DAY, order_id="A", revenue=30)
    shop.send("o", "Order Completed", -DAY, received=6 * DAY, order_id="A", revenue=100)
    assert shop.figures(spec(), received=5.5) == (1, -30, 0), "as it was known before the order came"
    assert shop.figures(spec(), received=7.0) == (1, 0, 100)


def test_refund__in_another_currency__is_quarantined_and_leaves_the_order():
    shop = Shop()
    shop.send("o", "Order Completed", DAY, order_id="A", revenue=100)
    shop.send("r", "Order Refunded", 1.5 * DAY, order_id="A", revenue=30, currency="EUR")
    assert shop.figures(spec()) == (1, 100, 0)
    assert list(Quarantine.objects.values_list("reason", flat=True)) == ["CURRENCY_MISMATCH"]


@pytest.mark.parametrize(("days", "complete"), [(2.0, 0), (4.99, 0), (5.0, 1), (9.0, 1)])
def test_unit__is_complete__when_window_and_maturity_have_passed(days, complete):
    shop = Shop()
    shop.send("o", "Order Completed", DAY, order_id="A", revenue=100)
    assert shop.figures(spec(), days=days, received=20.0) == (complete, 100 * complete, 0)
