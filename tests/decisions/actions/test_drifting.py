"""Drift checks of a schedule: quiet where nothing moved, a training where something did."""

from datetime import timedelta

import pytest

from decisions.actions.drifting import check_drift
from foundation.models import Job
from models_registry.actions.schedules import disable_schedule, start_due
from models_registry.models import TrainingRun
from models_registry.queries.runs import run_by_id
from models_registry.queries.schedules import newest_passed, schedule_by_id
from models_registry.vocabulary import RunCause
from tests.decisions.actions.views import fill_log
from tests.decisions.recipes import make_schedule
from tests.fixtures.records import ACTOR, NOW, make_project
from tests.fixtures.registry import make_model, make_version
from workers import runner

pytestmark = pytest.mark.django_db(transaction=True)

WEEK = timedelta(days=7)
BOUNDS = {"psi": 0.2, "metric_drop": 0.2, "calibration": 0.2}


@pytest.fixture
def trained() -> tuple[int, int]:
    """Return a project and a schedule that has trained a version on a week."""
    project = make_project()
    fill_log(project)
    schedule = make_schedule(make_model(project), window_days=14, drift=BOUNDS)
    run = start_due(schedule_id=schedule, now=NOW)
    assert runner.run(job_id=Job.objects.get(key=f"train:{run}").pk)
    assert newest_passed(schedule) is not None, run_by_id(run).gate
    return project, schedule


def check(schedule: int, *, weeks: float = 1.0) -> dict:
    """Check the schedule some weeks after the training and return what is kept of it."""
    later = NOW + weeks * WEEK
    check_drift(schedule_id=schedule, now=later)(later)
    return dict(schedule_by_id(schedule).drift_check)


def drifted() -> list[int]:
    return list(TrainingRun.objects.filter(cause=RunCause.DRIFT).values_list("pk", flat=True))


@pytest.mark.parametrize("seed", [2, 3, 4])
def test_check__week_like_the_one_before__finds_nothing_and_asks_for_nothing(trained, seed):
    project, schedule = trained
    fill_log(project, seed=seed, until=NOW + WEEK)
    found = check(schedule)
    assert (found["exceeded"], drifted()) == ([], [])
    assert set(found["psi"]) == {"history", "items", "kinds"}
    assert found["metric_now"] == pytest.approx(found["metric_then"], rel=0.3)
    assert found["unseen"]["calibration"] == "NO_PROBABILITIES"


def test_check__visitors_who_turn_to_other_items__asks_for_a_training_with_what_was_found(trained):
    project, schedule = trained
    fill_log(project, seed=2, until=NOW + WEEK, shift=100)
    found = check(schedule)
    assert {"psi:items", "metric_drop"} <= set(found["exceeded"])
    run = run_by_id(drifted()[0])
    assert (run.schedule_id, run.trigger["exceeded"]) == (schedule, found["exceeded"])
    assert run.data_end == NOW + WEEK
    check(schedule)
    assert len(drifted()) == 1


def test_check__longer_histories__are_drift_of_that_feature(trained):
    project, schedule = trained
    fill_log(project, seed=2, until=NOW + WEEK, views=40)
    assert "psi:history" in check(schedule)["exceeded"]


def test_check__no_data_since_the_training__says_what_it_could_not_see(trained):
    _project, schedule = trained
    found = check(schedule, weeks=0.01)
    assert (found["exceeded"], found["unseen"]["metric_drop"]) == ([], "TOO_SOON")
    found = check(schedule, weeks=8)
    assert (found["psi"], found["exceeded"], found["unseen"]["psi"]) == ({}, [], "TOO_FEW_UNITS")


def test_check__schedule_that_is_off_or_has_no_version__does_nothing(trained):
    project, schedule = trained
    disable_schedule(schedule_id=schedule, acting_user=ACTOR, now=NOW)
    fresh = make_schedule(schedule_by_id(schedule).model.id, "fresh")
    fill_log(project, seed=2, until=NOW + WEEK, shift=100)
    assert (check(schedule), check(fresh), drifted()) == ({}, {}, [])


def test_check__a_version_that_came_while_it_looked__asks_for_no_further_training(trained):
    project, schedule = trained
    fill_log(project, seed=2, until=NOW + WEEK, shift=100)
    note = check_drift(schedule_id=schedule, now=NOW + WEEK)
    make_version(schedule_by_id(schedule).model.id, schedule_id=schedule)
    note(NOW + WEEK)
    assert (drifted(), schedule_by_id(schedule).drift_check) == ([], {})


def test_check__a_parameter_that_the_recipe_takes_no_more__says_so_and_judges_the_rest(trained):
    project, schedule = trained
    run = TrainingRun.objects.get(pk=newest_passed(schedule).run_id)
    parameters = {**run.dataset["parameters"], "neighbours": 10**9}
    TrainingRun.objects.filter(pk=run.pk).update(dataset={**run.dataset, "parameters": parameters})
    fill_log(project, seed=2, until=NOW + WEEK)
    found = check(schedule)
    assert found["unseen"]["metric_drop"] == "PARAMETERS_INVALID"
    assert set(found["psi"]) == {"history", "items", "kinds"}


def test_check__as_a_job__keeps_its_findings(trained):
    project, schedule = trained
    fill_log(project, seed=2, until=NOW + WEEK)
    Job.objects.create(
        kind="check_drift", key="check", project_id=project, payload={"schedule_id": schedule}, run_after=NOW
    )
    assert runner.run(job_id=Job.objects.get(key="check").pk)
    assert "at" in schedule_by_id(schedule).drift_check
