"""Contribution of order lines: what they brought beyond what their pieces cost, the same whenever it is projected."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from decisions.actions.catalogue import put_items
from decisions.actions.projection import project_events, rebuild
from decisions.actions.replaying import replay_quarantine
from decisions.actions.supply import put_supply
from decisions.ingest.supply import COSTS
from decisions.models import ItemCluster, ItemCost, ProjectionState
from decisions.queries.supply import unbooked
from experiments.actions.design import MetricDefinition
from experiments.models import Experiment, Metric, Outcome, Quarantine
from experiments.queries.evidence import evidence_facts
from experiments.queries.plans import spec_of
from experiments.vocabulary import UnitKind
from experiments.warehouse import own, postgres
from experiments.warehouse.question import Calendar, Question
from foundation.models import Project
from tests.expert.population import arm, exposure, look, receive
from tests.fixtures.messages import log, log_exposure, minutes
from tests.fixtures.records import ACTOR, NOW, make_project, make_running

pytestmark = pytest.mark.django_db
CONTRIBUTION = MetricDefinition(
    key="contribution",
    name="Contribution",
    kind="SUM",
    numerator_events=["Contribution Booked"],
    numerator_what="SUM_VALUE",
)
DAY = timedelta(days=1)
LINES = [{"product_id": "mug", "price": 10, "quantity": 2}, {"product_id": "lamp", "price": 30}]


@pytest.fixture
def project() -> int:
    """Return a shop whose mugs cost 4 and whose lamps cost nobody knows what."""
    project_id = make_project()
    tell(project_id, 4)
    return project_id


def tell(project_id: int, cost: float, since: datetime = NOW - DAY, item: str = "mug"):
    sent = [{"item_id": item, "cost": cost, "from": since.isoformat()}]
    return put_supply(project_id=project_id, name=COSTS, items=sent)


def sell(project_id: int, message_id: str, *, at: datetime = NOW, event: str = "Order Completed", **properties):
    sent = {"order_id": message_id, **properties}
    log(project_id, message_id=message_id, event=event, at=at, properties=sent)


def booked() -> list[tuple]:
    rows = Outcome.objects.filter(event="Contribution Booked").order_by("message_id", "line")
    return [(row.message_id, row.line, row.item, row.value, row.quantity) for row in rows]


def test_contribution__of_lines__is_price_beyond_cost_times_pieces_with_the_units_of_the_line(project):
    sell(project, "o", revenue=50, products=LINES, cluster_id="gifts")
    project_events(project_id=project)
    assert booked() == [("o", 10_001, "mug", 12_000_000, 2)]
    line, own = Outcome.objects.filter(message_id="o", item="mug").order_by("line")
    same = ("day", "occurred_at", "received_at", "visitor", "customer", "session", "store", "cluster", "order_id")
    assert [getattr(line, name) for name in same] == [getattr(own, name) for name in same]
    assert own.cluster == "gifts"


@pytest.mark.parametrize(
    ("worth", "value"),
    [
        ({"revenue": 40}, 8_000_000),
        ({"total": 60, "tax": 15, "shipping": 5}, 8_000_000),
        ({"revenue": 70}, 12_000_000),
        ({"revenue": 0}, -8_000_000),
    ],
)
def test_contribution__of_an_order_below_its_lines__bears_its_part_of_that(project, worth, value):
    sell(project, "o", products=LINES, **worth)
    project_events(project_id=project)
    assert booked() == [("o", 10_001, "mug", value, 2)]


@pytest.mark.parametrize(
    ("event", "properties", "expected"),
    [
        ("Order Completed", {"product_id": "mug", "revenue": 9}, [("o", 10_000, "mug", 5_000_000, 1)]),
        ("Order Completed", {"product_id": "mug", "revenue": 9, "quantity": 2}, [("o", 10_000, "mug", 1_000_000, 2)]),
        ("Order Cancelled", {"product_id": "mug", "revenue": 9}, [("o", 10_000, "mug", -5_000_000, 1)]),
        ("Order Cancelled", {"revenue": 50, "products": LINES}, [("o", 10_001, "mug", -12_000_000, 2)]),
        ("Order Cancelled", {"revenue": 40, "products": LINES}, [("o", 10_001, "mug", -8_000_000, 2)]),
        ("Order Refunded", {"revenue": 10, "products": LINES[:1]}, [("o", 10_001, "mug", -2_000_000, 2)]),
        ("Order Refunded", {"revenue": 20, "products": LINES[:1]}, [("o", 10_001, "mug", -12_000_000, 2)]),
        ("Order Completed", {"revenue": 9, "products": [{"product_id": "mug"}]}, []),
        ("Order Completed", {"revenue": 30, "products": [{"product_id": "lamp", "price": 30}]}, []),
        ("Order Completed", {"products": LINES}, []),
        ("Order Completed", {"revenue": 50, "currency": "EUR", "products": LINES}, []),
        ("Product Viewed", {"product_id": "mug", "price": 10}, []),
        (
            "Order Completed",
            {"revenue": 5, "products": [{"product_id": "mug", "price": 10, "quantity": "0.5"}]},
            [("o", 10_001, "mug", 3_000_000, 1)],
        ),
    ],
)
def test_contribution__of_each_kind_of_message__is_what_is_known_of_it(project, event, properties, expected):
    sell(project, "o", event=event, **properties)
    project_events(project_id=project)
    assert booked() == expected


def test_contribution__by_the_cost_of_the_time__and_of_a_clock_that_is_ahead_by_that_of_its_arrival(project):
    tell(project, 7, NOW + minutes(30))
    for message_id, at, received in (("a", 29, 29), ("b", 30, 30), ("c", 31, 29), ("d", 29, 31)):
        log(
            project,
            message_id=message_id,
            event="Order Completed",
            at=NOW + minutes(at),
            received_at=NOW + minutes(received),
            properties={"order_id": message_id, "revenue": 10, "product_id": "mug"},
        )
    project_events(project_id=project)
    assert {row[0]: row[3] for row in booked()} == {"a": 6_000_000, "b": 3_000_000, "c": 6_000_000, "d": 6_000_000}


def test_contribution__of_an_order_that_comes_twice__counts_once(project):
    sell(project, "o", revenue=50, products=LINES)
    sell(project, "o", revenue=50, products=LINES)
    log(project, message_id="again", event="Order Completed", at=NOW, properties={"order_id": "o", "products": LINES})
    project_events(project_id=project)
    ProjectionState.objects.update(watermark=NOW - DAY)
    project_events(project_id=project)
    assert booked() == [("o", 10_001, "mug", 12_000_000, 2)]


def test_rebuild__with_costs_clusters_batches_and_replays__reproduces_every_row(project, monkeypatch):
    put_items(project_id=project, items=[{"item_id": "mug", "cluster": "cups"}])
    ItemCluster.objects.update(valid_from=NOW - DAY, valid_until=NOW + minutes(6))
    for number in range(12):
        at = NOW + minutes(number)
        foreign = {"currency": "EUR"} if number == 3 else {}
        sell(project, f"o{number:02}", at=at, revenue=30 + number, products=LINES, **foreign)
    sell(project, "r", at=NOW + minutes(20), event="Order Refunded", revenue=20, products=LINES[:1])
    tell(project, 5, NOW + minutes(8))
    project_events(project_id=project)
    assert Quarantine.objects.count() == 1
    Project.objects.update(currency="EUR")
    replay_quarantine(project_key="shop", reason=None, why="", acting_user=ACTOR, now=NOW + DAY)
    before = evidence_facts(project)
    assert len(booked()) == 13
    clusters = Outcome.objects.filter(item="mug", event="Order Completed").order_by("message_id")
    assert [row.cluster for row in clusters] == ["cups"] * 6 + [None] * 6
    monkeypatch.setattr("decisions.actions.projection.BATCH", 5)
    rebuild(project_id=project)
    assert evidence_facts(project) == before


class Trial:
    """Mugs by days of 24 hours, all of them in the control, from the day after the launch on."""

    def __init__(self, project_id: int, unit_kind: UnitKind = UnitKind.ITEM) -> None:
        self.project_id, self.kind = project_id, unit_kind
        self.experiment_id = make_running(
            project_id,
            unit_kind=unit_kind.value,
            period_minutes=1_440,
            period_design="INDEPENDENT",
            definitions=(CONTRIBUTION,),
        )
        self.anchor = Experiment.objects.get(pk=self.experiment_id).periods_from
        tell(project_id, 4, self.anchor - 30 * DAY)
        unit = {UnitKind.ITEM: "mug", UnitKind.STORE: "north"}[unit_kind]
        for period in range(3):
            exposed = {"variant": "control", "unit": f"{unit}|{period}"}
            at = self.anchor + period * DAY
            log_exposure(project_id, self.experiment_id, message_id=f"e{period}", at=at, **exposed)

    def cells(self, *, maturity_hours: int = 24) -> dict[int, int]:
        """Return the contribution of each complete cell in whole dollars, by period."""
        project_events(project_id=self.project_id)
        Outcome.objects.update(store="north")
        end = self.anchor + 10 * DAY
        question = Question(
            experiment_id=self.experiment_id,
            project_id=self.project_id,
            unit_kind=self.kind,
            metrics=(replace(spec_of(Metric.objects.get()), maturity_hours=maturity_hours),),
            window_start=self.anchor,
            window_end=end,
            received_before=end,
            exposed_before=end,
            calendar=Calendar(self.anchor, 1_440, 0),
        )
        return {row["period"]: int(row["t0_y"] or 0) // 1_000_000 for row in postgres.rows(own.cells(question))}


@pytest.mark.parametrize("unit_kind", [UnitKind.ITEM, UnitKind.STORE])
@pytest.mark.parametrize("event", ["Order Refunded", "Order Cancelled"])
def test_contribution__that_goes_back_in_a_later_period__is_taken_from_the_cell_of_its_order(event, unit_kind):
    trial = Trial(make_project(), unit_kind)
    sell(trial.project_id, "o", at=trial.anchor + DAY / 2, revenue=50, products=LINES)
    sell(trial.project_id, "kept", at=trial.anchor + 1.5 * DAY, revenue=20, products=LINES[:1])
    back = {"event": event, "order_id": "o", "revenue": 20, "products": LINES[:1]}
    sell(trial.project_id, "r", at=trial.anchor + 1.6 * DAY, **back)
    assert trial.cells() == {0: 0, 1: 12, 2: 0}
    assert trial.cells(maturity_hours=0) == {0: 12, 1: 12, 2: 0}


def test_contribution__that_goes_back_of_an_unknown_order__counts_by_its_own_time():
    trial = Trial(make_project())
    back = {"event": "Order Refunded", "order_id": "unheard of", "revenue": 20, "products": LINES[:1]}
    sell(trial.project_id, "r", at=trial.anchor + 1.6 * DAY, **back)
    assert trial.cells() == {0: 0, 1: -12, 2: 0}


def test_cost__dated_back__books_the_lines_since_then_anew_as_a_rebuild_would(project):
    for number in range(4):
        sell(project, f"o{number}", at=NOW + number * minutes(10), revenue=50, products=LINES)
    project_events(project_id=project)
    assert tell(project, 9, NOW + minutes(15)).updated == 1
    assert tell(project, 20, NOW - DAY, item="lamp").created == 1
    assert [row[3] for row in booked() if row[2] == "mug"] == [12_000_000, 12_000_000, 2_000_000, 2_000_000]
    assert [row[3] for row in booked() if row[2] == "lamp"] == [10_000_000] * 4
    before = evidence_facts(project)
    rebuild(project_id=project)
    assert evidence_facts(project) == before


def test_cost__dated_back_before_messages_that_do_not_count__books_nothing_for_them(project):
    sell(project, "o", revenue=50, products=LINES)
    log(project, message_id="z", event="Order Completed", at=NOW, properties={"order_id": "o", "products": LINES})
    project_events(project_id=project)
    tell(project, 9, NOW - minutes(15))
    assert booked() == [("o", 10_001, "mug", 2_000_000, 2)]


def test_cost__dated_back_into_what_a_look_has_counted__is_refused_where_something_was_sold(project):
    experiment_id = make_running(project, definitions=(CONTRIBUTION,))
    messages = [exposure(experiment_id, f"u{n}", arm(n), NOW + minutes(n)) for n in range(20)]
    receive(project, messages)
    for n in range(20):
        visitor = {"order_id": f"o{n}", "revenue": 50, "products": LINES}
        log(project, message_id=f"o{n}", event="Order Completed", at=NOW + minutes(30 + n), properties=visitor)
    ProjectionState.objects.update(watermark=NOW - DAY)
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE decisions_eventlog SET visitor = 'u' || substr(message_id, 2)"
            " WHERE project_id = %s AND event LIKE 'Order%%'",
            [project],
        )
    project_events(project_id=project)
    scorecard, _ = look(experiment_id, days=9)
    # what is booked for the lines of an order counts for the visitor who placed it
    assert scorecard.comparison("contribution", "treatment").treatment.value == pytest.approx(12)
    before = evidence_facts(project)
    taken = tell(project, 5, NOW + minutes(40))
    assert taken.refused[0].reason.startswith("COSTS_COUNTED")
    assert tell(project, 5, NOW + DAY, item="unsold").created == 1
    assert evidence_facts(project) == before
    assert ItemCost.objects.filter(item_id="mug").count() == 1
    assert tell(project, 5, NOW + 9 * DAY).updated == 1


def test_project_events__without_costs_and_clusters__runs_no_statement_more_than_two_questions():
    project_id = make_project()
    sell(project_id, "o", revenue=50, products=LINES)
    with CaptureQueriesContext(connection) as captured:
        project_events(project_id=project_id)
    asked = [query["sql"] for query in captured if "itemcost" in query["sql"] or "itemcluster" in query["sql"]]
    assert len(asked) == 2
    assert all(text.startswith("SELECT 1") for text in asked)
    assert not booked()


def test_unbooked__lines_without_a_cost__are_counted_with_an_example_until_the_cost_is_told(project):
    sell(project, "o", revenue=50, products=LINES)
    project_events(project_id=project)
    found = unbooked(project, first=NOW.date())
    assert found is not None
    assert (found.count, found.item, found.event, found.last_at) == (1, "lamp", "Order Completed", NOW)
    tell(project, 20, item="lamp")
    assert unbooked(project, first=NOW.date()) is None


def test_unbooked__in_a_project_without_costs__is_nothing():
    project_id = make_project()
    sell(project_id, "o", revenue=50, products=LINES)
    project_events(project_id=project_id)
    assert not ItemCost.objects.exists()
    assert unbooked(project_id, first=NOW.date()) is None
