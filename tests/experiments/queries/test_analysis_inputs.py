"""What a look knows of its data besides the units: late messages and metrics that were defined anew."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from experiments.actions.design import create_metric
from experiments.analysis.build import build_scorecard
from experiments.analysis.inputs import AnalysisInputs, History
from experiments.models import Metric, Quarantine
from experiments.queries.analysis_inputs import own_inputs
from experiments.queries.designs import run_facts
from experiments.queries.plans import plan_of
from foundation.clock import ClockKind, ProjectClock
from tests.experiments.warehouse.shop import Shop
from tests.fixtures.records import ACTOR, CONVERSION, NOW, make_project, make_running

pytestmark = pytest.mark.django_db

END = NOW + timedelta(days=14)
RECEIVED = END + timedelta(days=1)


def inputs(experiment_id: int, **changes: Any) -> AnalysisInputs:
    asked = {"window_end": END, "received_before": RECEIVED, "history": History()} | changes
    return own_inputs(run=run_facts(experiment_id), plan=plan_of(experiment_id), **asked)


def quarantine(
    project_id: int, name: str, day: datetime, *, received: datetime = NOW, reason: str = "TOO_LATE", detail: str = ""
) -> None:
    text = day.date().isoformat()
    Quarantine.objects.create(
        project_id=project_id,
        origin="EVENT",
        reference=f"{text}/{name}",
        reason=reason,
        detail=detail,
        payload={"day": text, "message_id": name},
        received_at=received,
    )


def test_own_inputs__messages_that_came_too_late__are_counted_by_their_own_day_and_receipt() -> None:
    project_id = make_project()
    experiment_id = make_running(project_id)
    day = timedelta(days=1)
    for name, at in (("first-day", NOW), ("last-day", END), ("before", NOW - day), ("after", END + day)):
        quarantine(project_id, name, at)
    quarantine(project_id, "not-yet-received", NOW + day, received=RECEIVED)
    quarantine(project_id, "just-received", NOW + day, received=RECEIVED - timedelta(microseconds=1))
    quarantine(project_id, "not-late", NOW + day, reason="AMOUNT_MISSING")
    quarantine(make_project(key="other"), "elsewhere", NOW + day)
    assert inputs(experiment_id).health.late == 3
    assert inputs(experiment_id, window_end=END - day).health.late == 2


def test_own_inputs__exposures_that_name_another_variant__are_counted_for_their_experiment() -> None:
    project_id = make_project()
    experiment_id = make_running(project_id)
    ours, other = f"experiment {experiment_id}", f"experiment {experiment_id}0"
    for name, detail in (("a", ours), ("b", f"{other}; {ours}"), ("c", f"{ours}; {other}"), ("d", other)):
        quarantine(project_id, name, NOW, reason="VARIANT_MISMATCH", detail=detail)
    quarantine(project_id, "later", NOW, reason="VARIANT_MISMATCH", detail=ours, received=RECEIVED)
    quarantine(project_id, "another-fault", NOW, reason="NOT_ENROLLED", detail=ours)
    assert inputs(experiment_id).health.exclusions.mismatched_rows == 3


def test_own_inputs__metric_with_a_newer_version__is_named_from_then_on() -> None:
    project_id = make_project()
    experiment_id = make_running(project_id)
    assert inputs(experiment_id).health.redefined == ()
    again = replace(CONVERSION, numerator_events=["Checkout Started"])
    newer = Metric.objects.get(pk=create_metric(project_id=project_id, definition=again, acting_user=ACTOR, now=NOW))
    assert newer.version == 2
    assert inputs(experiment_id, received_before=newer.created_at).health.redefined == ()
    after = newer.created_at + timedelta(microseconds=1)
    assert inputs(experiment_id, received_before=after).health.redefined == ("conversion",)


def test_own_inputs__messages_that_count__are_those_of_the_project_about_the_days_of_the_look() -> None:
    project_id = make_project()
    experiment_id = make_running(project_id)
    shop = Shop(project_id, experiment_id)
    day = timedelta(days=1)
    for at in (NOW, NOW + 7 * day, END, NOW - day, END + day):
        shop.act("anybody", "Product Viewed", at)
    shop.outcomes.append(("anybody", "Order Completed", NOW, NOW, 1, 1))
    shop.outcomes.append(("anybody", "Order Completed", NOW, RECEIVED, 1, 0))
    shop.store()
    quarantine(project_id, "late", NOW)
    found = inputs(experiment_id)
    assert (found.health.messages, found.health.late) == (3, 1)
    assert inputs(experiment_id, window_end=END - day).health.messages == 2
    (check,) = [c for c in build_scorecard(plan_of(experiment_id), found).checks if c.code == "LATE_DATA"]
    assert check.figures == {"late": 1, "messages": 4, "share": 0.25}


def test_own_inputs__metric_of_a_simulated_project__is_redefined_by_the_time_of_receipt() -> None:
    origin = datetime(2021, 3, 1, tzinfo=UTC)
    clock = ProjectClock(kind=ClockKind.SIMULATION, origin=origin, speed=8640.0, started_at=datetime.now(UTC))
    project_id = make_project(key="simulated", clock=clock)
    experiment_id = make_running(project_id, now=datetime.now(UTC))
    started = run_facts(experiment_id).started_at
    assert started < datetime(2022, 1, 1, tzinfo=UTC)
    again = replace(CONVERSION, numerator_events=["Checkout Started"])
    newer = Metric.objects.get(pk=create_metric(project_id=project_id, definition=again, acting_user=ACTOR, now=NOW))
    asked = {"window_end": started + timedelta(days=1)}
    before, after = newer.created_at, newer.created_at + timedelta(microseconds=1)
    assert inputs(experiment_id, received_before=before, **asked).health.redefined == ()
    assert inputs(experiment_id, received_before=after, **asked).health.redefined == ("conversion",)


def test_own_inputs__nobody_exposed__has_strata_without_units_and_no_cells() -> None:
    found = inputs(make_running(make_project()))
    assert [stratum.units for stratum in found.strata] == [{"control": 0, "treatment": 0}]
    assert (found.sums, found.cells, found.health.filtered, found.health.late) == ((), (), {}, 0)
