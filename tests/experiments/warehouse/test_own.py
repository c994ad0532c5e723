"""The one query against a plain re-count of random evidence, digit by digit."""

import random
from collections import defaultdict
from datetime import datetime, timedelta
from itertools import combinations_with_replacement

import pytest
from django.db import connection

from experiments.analysis.metrics import Aggregation, MetricSpec, What, variables
from experiments.models import Variant
from experiments.vocabulary import MetricKind, Source, UnitKind
from experiments.warehouse import own, postgres
from experiments.warehouse.power_sums import read_sums
from experiments.warehouse.question import Question
from tests.fixtures.records import NOW, make_project, make_running

pytestmark = pytest.mark.django_db

ORDERS = Aggregation(("Order Completed",), What.ANY)
METRICS = (
    MetricSpec("conversion", 1, MetricKind.CONVERSION, ORDERS, covariate_days=7),
    MetricSpec(
        "revenue",
        1,
        MetricKind.SUM,
        Aggregation(("Order Completed", "Order Refunded"), What.SUM_VALUE),
        cap_micros=250_000_000,
        window_hours=48,
        covariate_days=3,
        maturity_hours=72,
    ),
    MetricSpec(
        "ctr",
        1,
        MetricKind.RATIO,
        Aggregation(("Product Clicked",), What.COUNT),
        Aggregation(("Product Viewed", "Product Clicked"), What.COUNT),
        covariate_days=2,
    ),
    MetricSpec("units", 1, MetricKind.SUM, Aggregation(("Order Completed",), What.SUM_QUANTITY)),
    MetricSpec("refunds", 1, MetricKind.COUNT, Aggregation(("Order Refunded", "Cart Viewed"), What.COUNT)),
)
END = NOW + timedelta(days=10)
RECEIVED = NOW + timedelta(days=11)
EVENTS = ("Order Completed", "Order Refunded", "Product Viewed", "Product Clicked", "Cart Viewed")


def refunded(rows: list[tuple], orders: dict[str, tuple]) -> int:
    """Return what refunds take: of each known order no more than it brought."""
    amounts: dict[str | None, int] = defaultdict(int)
    for row in rows:
        if row[1] == "Order Refunded":
            amounts[row[7]] -= row[4] or 0
    worths = {order: orders[order][2] for order in amounts if order in orders}
    return sum(
        amount if worths.get(order) is None else min(amount, max(0, worths[order])) for order, amount in amounts.items()
    )


class Evidence:
    """Random exposures and outcomes, in the tables and as lists."""

    def __init__(self, project_id: int, experiment_id: int, seed: int) -> None:
        dice = random.Random(seed)
        arms = list(Variant.objects.filter(experiment_id=experiment_id).values_list("pk", flat=True))
        self.exposures: list[tuple] = []
        self.outcomes: list[tuple] = []
        for index in range(120):
            unit = f"u{index}"
            for _ in range(dice.choice([0, 1, 1, 1, 2])):
                arm = dice.choice(arms) if dice.random() < 0.4 else arms[index % 2]
                at = NOW + timedelta(hours=dice.randrange(-5, 260))
                received = at + timedelta(hours=dice.choice([0, 1, 60]))
                self.exposures.append((unit, arm, dice.choice([1, 2]), at, received))
            for _ in range(dice.randrange(9)):
                at = NOW + timedelta(hours=dice.randrange(-200, 280))
                received = at + timedelta(hours=dice.choice([0, 1, 60]))
                value = dice.choice([None, dice.randrange(-(10**9), 10**12)])
                line = dice.choice([0, 0, 0, 1])
                event = dice.choice(EVENTS)
                order = f"order {len(self.outcomes)}" if event == "Order Completed" else None
                if event == "Order Refunded":
                    order = f"order {dice.randrange(500)}" if dice.random() < 0.8 else None
                    value = None if value is None else -abs(value)
                self.outcomes.append((unit, event, at, received, value, dice.randrange(5), line, order))
        self._store(project_id, experiment_id)

    def _store(self, project_id: int, experiment_id: int) -> None:
        with connection.cursor() as cursor:
            for number, (unit, arm, epoch, at, received) in enumerate(self.exposures):
                cursor.execute(
                    "INSERT INTO experiments_firstexposure (unit, epoch, probability, exposed_at, received_at,"
                    " message_id, verification, experiment_id, variant_id)"
                    " VALUES (%s, %s, 0.5, %s, %s, %s, 'TOKEN', %s, %s) ON CONFLICT DO NOTHING",
                    [unit, epoch, at, received, f"e{number}", experiment_id, arm],
                )
            for number, (unit, event, at, received, value, quantity, line, order) in enumerate(self.outcomes):
                cursor.execute("SELECT tiltyard_ensure_partition('experiments_outcome', %s)", [at.date()])
                cursor.execute(
                    "INSERT INTO experiments_outcome (project_id, day, message_id, line, event, occurred_at,"
                    " received_at, visitor, value, quantity, order_id)"
                    " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
                    [project_id, at.date(), f"o{number}", line, event, at, received, unit, value, quantity, order],
                )
            cursor.execute(
                "SELECT unit, variant_id, epoch, exposed_at, received_at, message_id FROM experiments_firstexposure"
            )
            self.exposures = cursor.fetchall()

    def first_exposures(self) -> dict[str, tuple[int, int, datetime, bool]]:
        """Return variant, epoch, time and whether it crossed over, of each unit seen in time."""
        seen = defaultdict(list)
        for unit, arm, epoch, at, received, message in self.exposures:
            if received < RECEIVED and at < END:
                seen[unit].append((at, received, message, arm, epoch))
        return {unit: (*min(rows)[3:5], min(rows)[0], len({row[3] for row in rows}) > 1) for unit, rows in seen.items()}

    def totals(self, spec: MetricSpec, unit: str, first_at: datetime) -> dict[str, int]:
        """Return a unit's variables of one metric.

        A refund counts where its order lies, until `known_by`; all refunds of an order take no more than it brought.
        """
        known = [row for row in self.outcomes if row[3] < RECEIVED and row[6] == 0]
        orders = {row[7]: (row[0], row[2], row[4]) for row in known if row[1] == "Order Completed"}

        def total(part: Aggregation, start: datetime, end: datetime, known_by: datetime) -> int:
            rows = []
            for row in known:
                doer, at = row[0], row[2]
                if row[1] == "Order Refunded" and row[7] in orders:
                    doer, at, _ = orders[row[7]]
                if doer == unit and row[1] in part.events and start <= at < end and row[2] < min(END, known_by):
                    rows.append(row)
            match part.what:
                case What.ANY:
                    return int(bool(rows))
                case What.COUNT:
                    return len(rows)
                case What.SUM_VALUE:
                    return sum(row[4] or 0 for row in rows if row[1] != "Order Refunded") - refunded(rows, orders)
                case What.SUM_QUANTITY:
                    return sum(row[5] for row in rows)

        closes = first_at + timedelta(hours=spec.window_hours)
        after = (first_at, closes, closes + timedelta(hours=spec.maturity_hours))
        before = (first_at - timedelta(days=spec.covariate_days), first_at, first_at)
        found = {"y": total(spec.numerator, *after), "x": total(spec.numerator, *before)}
        found["y_uncapped"] = found["y"]
        if spec.cap_units is not None:
            found["y"], found["x"] = min(found["y"], spec.cap_units), min(found["x"], spec.cap_units)
        if spec.denominator is not None:
            found |= {"d": total(spec.denominator, *after), "x_d": total(spec.denominator, *before)}
        return {variable.name: found[variable.name] for variable in variables(spec)}


@pytest.mark.parametrize("seed", range(3))
def test_moments__random_evidence__equal_a_plain_recount(seed):
    project_id = make_project()
    experiment_id = make_running(project_id)
    evidence = Evidence(project_id, experiment_id, seed)
    question = Question(
        experiment_id=experiment_id,
        project_id=project_id,
        unit_kind=UnitKind.VISITOR,
        metrics=METRICS,
        window_start=NOW,
        window_end=END,
        received_before=RECEIVED,
        exposed_before=END,
    )
    rows = {(row["epoch"], row["variant_id"]): row for row in postgres.rows(own.moments(question))}
    expected = defaultdict(list)
    for unit, (arm, epoch, first_at, crossed) in evidence.first_exposures().items():
        expected[epoch, arm].append((unit, first_at, crossed))
    assert set(rows) == set(expected)
    assert sum(int(row["crossed"]) for row in rows.values()) > 0
    for place, units in expected.items():
        row = rows[place]
        kept = [(unit, first_at) for unit, first_at, crossed in units if not crossed]
        assert int(row["units"]) == len(kept)
        assert int(row["crossed"]) == len(units) - len(kept)
        for index, spec in enumerate(METRICS):
            closed = [
                evidence.totals(spec, unit, first_at)
                for unit, first_at in kept
                if first_at + timedelta(hours=spec.window_hours + spec.maturity_hours) <= END
            ]
            complete = int(row[f"complete_{spec.window_hours + spec.maturity_hours}"])
            assert complete == len(closed)
            sums = read_sums(prefix=f"m{index}", spec=spec, source=Source.OWN, n=complete, row=row)
            names = [variable.name for variable in variables(spec)]
            assert sums.sums == tuple(sum(unit[name] for unit in closed) for name in names)
            assert sums.products == tuple(
                sum(unit[left] * unit[right] for unit in closed)
                for left, right in combinations_with_replacement(names, 2)
            )
            assert sums.nonzero == tuple(sum(unit[name] != 0 for unit in closed) for name in names)
            assert sums.cubes == sum(unit["y"] ** 3 for unit in closed)


def test_moments__event_names_with_quotes__are_data_and_not_code():
    project_id = make_project()
    experiment_id = make_running(project_id)
    evil = MetricSpec("evil", 1, MetricKind.CONVERSION, Aggregation(("'); DROP TABLE x; --%s",), What.ANY))
    question = Question(experiment_id, project_id, UnitKind.VISITOR, (evil,), NOW, END, RECEIVED, END)
    assert postgres.rows(own.moments(question)) == []
