"""Experiments of our own by period: launch, allocation, looks at events."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from django.db import IntegrityError, connection

from experiments.actions import lifecycle
from experiments.actions.allocation import ScheduleFixed, change_allocation
from experiments.actions.design import VariantDraft
from experiments.actions.verification import verify_report
from experiments.analysis.scorecard import Estimator, FigureStatus, UndefinedReason
from experiments.models import AllocationEpoch, Experiment, Outcome
from experiments.queries.bundles import bundle_parts
from experiments.queries.plans import plan_of
from experiments.statistics.clusters import ClusterTotals, cr2
from experiments.statistics.pair import Pair
from experiments.vocabulary import ArmState
from foundation.models import Project
from tests.expert.population import look
from tests.fixtures.cells import live_through, make_by_period, planned
from tests.fixtures.records import ACTOR, CONVERSION, NOW, REVENUE, make_draft, make_project, make_running

pytestmark = pytest.mark.django_db

MIDNIGHT = datetime(2026, 3, 3, tzinfo=UTC)
AWKWARD = (VariantDraft("a", "A", 500_001, control=True), VariantDraft("b", "B", 499_999))
ITEMS = [f"item|{number}" for number in range(12)]


def amount(cell) -> float:
    """Return what a cell sells for: levels of items differ, the treatment brings 5 more, and days are uneven."""
    number = int(cell.unit.rpartition("|")[2])
    return 20 * number + 5 * (cell.variant == "treatment") + (cell.period * (number + 3)) % 7


def test_launch__by_period__begins_at_the_next_midnight_of_the_project():
    project_id = make_project()
    Project.objects.filter(pk=project_id).update(time_zone="Asia/Shanghai")
    experiment_id = make_by_period(project_id, budget=100_000_001)
    begun = datetime(2026, 3, 2, 16, tzinfo=UTC)
    assert Experiment.objects.get(pk=experiment_id).periods_from == begun
    Project.objects.filter(pk=project_id).update(time_zone="UTC")
    (entry,) = bundle_parts(project_id)["experiments"]
    assert entry["period"] == {
        "minutes": 1440,
        "anchor": begun.isoformat(),
        "design": "BALANCED",
        "burn_in": 60,
        "block": 2,
    }
    assert [variant["budget"] for variant in entry["variants"]] == [50_000_001, 50_000_000]


def test_launch__once_and_for_all__has_no_calendar():
    project_id = make_project()
    make_running(project_id)
    (entry,) = bundle_parts(project_id)["experiments"]
    assert "period" not in entry
    assert all("budget" not in variant for variant in entry["variants"])


@pytest.mark.parametrize(
    ("changes", "codes"),
    [
        ({"period_minutes": 4 * 1440, "horizon_days": 7}, ["PERIOD_BEYOND_HORIZON"]),
        ({"variants": AWKWARD}, ["BLOCK_TOO_LONG"]),
        ({"period_minutes": 400 * 1440, "horizon_days": None}, ["PERIOD_TOO_LONG"]),
        ({"dimensions": ["country"]}, ["PERIOD_DIMENSIONS"]),
        ({"source": "EXTERNAL"}, ["PERIOD_UNIT"]),
        ({}, []),
    ],
)
def test_launch_problems__calendar_that_cannot_be_judged__is_listed(changes, codes):
    values = {"unit_kind": "item", "period_minutes": 1440, "period_design": "BALANCED", "horizon_days": 14}
    experiment_id = make_draft(make_project(), **values | changes)
    assert [problem.code for problem in lifecycle.launch_problems(experiment_id)] == codes


def test_create__people_by_period__is_refused_by_the_table():
    with pytest.raises(IntegrityError, match="experiment_periods_are_whole"):
        make_draft(make_project(), period_minutes=60, period_design="BALANCED")


def test_change_allocation__by_period__keeps_weights_and_arms_and_lets_coverage_move():
    experiment_id = make_by_period(make_project())
    order = {"experiment_id": experiment_id, "acting_user": ACTOR, "now": NOW, "reason": "More"}
    with pytest.raises(ScheduleFixed):
        change_allocation(**order, weights={"control": 400_000, "treatment": 600_000})
    with pytest.raises(ScheduleFixed):
        change_allocation(**order, states={"treatment": ArmState.CLOSED})
    assert AllocationEpoch.objects.count() == 1
    assert change_allocation(**order, coverage=500_000) == 2


def test_change_allocation__schedule_was_handed_out__keeps_the_coverage_it_was_made_with():
    experiment_id = make_by_period(make_project())
    planned(experiment_id, ITEMS, days=4)
    with pytest.raises(ScheduleFixed, match="handed out"):
        change_allocation(experiment_id=experiment_id, acting_user=ACTOR, now=NOW, reason="More", coverage=500_000)
    assert AllocationEpoch.objects.count() == 1


def test_look__balanced_cells__compares_them_with_errors_over_items():
    project_id = make_project()
    experiment_id = make_by_period(project_id)
    cells = planned(experiment_id, ITEMS, 14)
    live_through(project_id, experiment_id, cells, amount)
    card, _ = look(experiment_id, days=16)
    (found,) = card.comparisons
    rows = [(int(c.unit.rpartition("|")[2]), int(c.variant == "treatment"), amount(c)) for c in cells]
    direct = cr2(ClusterTotals.from_rows(*map(np.array, zip(*rows, strict=True))))
    assert isinstance(direct, Pair)
    assert (found.status, found.estimator) == (FigureStatus.OK, Estimator.CLUSTERED)
    assert (found.control.n, found.treatment.n) == (84, 84)
    assert found.absolute.value == pytest.approx(direct.difference, rel=1e-9)
    assert found.absolute.se == pytest.approx(direct.se, rel=1e-9)
    assert found.absolute.se < 1.0  # a difference over independent cells would have 10 times that
    assert 4.0 < found.absolute.value < 6.0
    assert {count.units for count in card.variants} == {84}
    assert verify_report(experiment_id).holds


def test_look__period_that_is_not_over__does_not_count_yet():
    project_id = make_project()
    experiment_id = make_by_period(project_id)
    cells = planned(experiment_id, ITEMS, 14)
    live_through(project_id, experiment_id, [cell for cell in cells if cell.period < 5], amount)
    card, _ = look(experiment_id, days=5)  # noon of the fifth period
    (found,) = card.comparisons
    assert found.control.n + found.treatment.n == 12 * 4
    assert card.exclusions.immature == 12


def test_look__stopped_in_a_period__leaves_its_cells_out():
    project_id = make_project()
    experiment_id = make_by_period(project_id)
    cells = planned(experiment_id, ITEMS, 14)
    live_through(project_id, experiment_id, [cell for cell in cells if cell.period < 5], amount)
    lifecycle.stop(experiment_id=experiment_id, acting_user=ACTOR, now=NOW + timedelta(days=5), reason="Enough")
    card, _ = look(experiment_id, days=20)
    (found,) = card.comparisons
    assert found.control.n + found.treatment.n == 12 * 4
    assert card.is_last


def test_look__three_items__has_errors_over_blocks():
    project_id = make_project()
    experiment_id = make_by_period(project_id)
    cells = planned(experiment_id, ITEMS[:3], 14)
    live_through(project_id, experiment_id, cells, amount)
    (found,) = look(experiment_id, days=16)[0].comparisons
    rows = [(f"{c.unit}/{c.period // 2}", int(c.variant == "treatment"), amount(c)) for c in cells]
    direct = cr2(ClusterTotals.from_rows(*map(np.array, zip(*rows, strict=True))))
    assert isinstance(direct, Pair)
    assert found.absolute.value == pytest.approx(direct.difference, rel=1e-9)
    assert found.absolute.se == pytest.approx(direct.se, rel=1e-9)


def test_look__too_few_items_and_periods__is_a_status_with_its_reason():
    project_id = make_project()
    experiment_id = make_by_period(project_id)
    cells = planned(experiment_id, ITEMS[:3], 14)
    live_through(project_id, experiment_id, [cell for cell in cells if cell.period < 4], amount)
    card, verdict = look(experiment_id, days=6)
    (found,) = card.comparisons
    assert (found.status, found.reason) == (FigureStatus.UNDEFINED, UndefinedReason.TOO_FEW_UNITS)
    assert (found.p_value, found.absolute.value) == (None, None)
    assert verdict.winner is None


def test_look__clusters__count_the_lines_of_orders_once():
    project_id = make_project()
    experiment_id = make_by_period(project_id, unit_kind="cluster")
    cells = planned(experiment_id, ITEMS, 14)
    live_through(project_id, experiment_id, cells, amount, kind="cluster")
    (found,) = look(experiment_id, days=16)[0].comparisons
    assert found.control.numerator == pytest.approx(sum(amount(c) for c in cells if c.variant == "control"))
    assert set(Outcome.objects.filter(line=0, event="Order Completed").values_list("cluster", flat=True)) == {None}


def test_plan__by_period__is_frozen_with_its_calendar_and_others_are_as_before():
    project_id = make_project()
    plan = plan_of(make_by_period(project_id, definitions=(REVENUE,)))
    assert plan.periods is not None
    assert (plan.periods.minutes, plan.periods.burn_in, plan.periods.block) == (1440, 60, 2)
    assert plan.metrics[0].spec.window_hours == 24
    plain = plan_of(make_running(project_id, key="other", definitions=(CONVERSION,)))
    assert plain.periods is None
    assert "periods" not in plain.to_dict()


def test_look__cell_that_met_two_variants__is_left_out():
    project_id = make_project()
    experiment_id = make_by_period(project_id)
    cells = planned(experiment_id, ITEMS, 14)
    live_through(project_id, experiment_id, cells, amount)
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO experiments_firstexposure (experiment_id, unit, variant_id, epoch, probability, exposed_at,"
            " received_at, message_id, verification) SELECT experiment_id, unit, (SELECT max(v.id) + min(v.id)"
            " FROM experiments_variant v WHERE v.experiment_id = f.experiment_id) - variant_id, epoch, probability,"
            " exposed_at, received_at, 'again', verification FROM experiments_firstexposure f WHERE unit = 'item|3|5'"
        )
    card, _ = look(experiment_id, days=16)
    assert card.exclusions.crossovers == 1
    assert sum(count.units for count in card.variants) == 12 * 14 - 1
