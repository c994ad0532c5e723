"""Schedules of domains: what is due is promised once, trained, and served where the schedule is an arm."""

from datetime import timedelta

import pytest

from decisions.actions.schedules import plan_trainings, promise_trainings
from decisions.actions.scheduling import enqueue_due_work
from decisions.queries.training_data import WeightsUnsupported
from decisions.registry import RecipeUnknown
from foundation.models import Job, Project
from foundation.queries import project_facts
from models_registry.actions.schedules import ScheduleDraft, start_due
from models_registry.models import TrainingRun, TrainingSchedule
from models_registry.pipeline import ParametersInvalid
from models_registry.queries.runs import run_by_id
from models_registry.queries.schedules import newest_passed
from models_registry.search import SearchInvalid
from models_registry.vocabulary import DataPolicy, RunState
from tests.decisions.actions.views import fill_log
from tests.decisions.recipes import launch, make_recipe_draft, make_schedule
from tests.fixtures.records import ACTOR, NOW, make_project
from tests.fixtures.registry import make_model, make_point, make_version
from workers import runner

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)


def plan(model: int, **changes) -> int:
    draft = ScheduleDraft(**{"key": "nightly", "recipe": "item_item", **changes})
    return plan_trainings(model_id=model, draft=draft, acting_user=ACTOR, now=NOW)


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"recipe": "crystal_ball"}, RecipeUnknown),
        ({"parameters": {"neighbours": -1}}, ParametersInvalid),
        ({"parameters": {"unheard_of": 1}}, ParametersInvalid),
        ({"search": {"neighbours": []}}, SearchInvalid),
        ({"data_policy": DataPolicy.WEIGHTED}, WeightsUnsupported),
    ],
)
def test_plan__what_cannot_be_trained__is_refused_and_makes_nothing(changes, error):
    with pytest.raises(error):
        plan(make_model(make_project()), **changes)
    assert TrainingSchedule.objects.count() == 0


def test_promise__due_schedule__promises_its_training_and_the_drift_check_of_the_day_once():
    project = make_project()
    schedule = plan(make_model(project), drift={"psi": 0.2})
    facts = project_facts(project)
    assert promise_trainings(facts=facts, now=NOW) == 2
    assert promise_trainings(facts=facts, now=NOW + timedelta(seconds=1)) == 0
    assert TrainingRun.objects.get().schedule_id == schedule
    assert Job.objects.get(kind="check_drift").payload == {"schedule_id": schedule}


def test_promise__next_day__checks_again_and_waits_with_the_training_until_the_open_one_ended():
    project = make_project()
    plan(make_model(project))
    facts = project_facts(project)
    promise_trainings(facts=facts, now=NOW)
    assert promise_trainings(facts=facts, now=NOW + DAY) == 1
    TrainingRun.objects.update(state="FAILED", finished_at=NOW + DAY)
    assert promise_trainings(facts=facts, now=NOW + DAY) == 1
    assert TrainingRun.objects.count() == 2


def test_due_work__of_all_projects__includes_trainings_and_ends_what_was_given_up():
    project = make_project()
    plan(make_model(project))
    enqueue_due_work(now=NOW)
    run = TrainingRun.objects.get()
    Job.objects.filter(kind="train").update(state="DEAD", finished_at=NOW)
    enqueue_due_work(now=NOW)
    run.refresh_from_db()
    assert (run.state, run.error_code) == ("FAILED", "TRAINING_ABANDONED")


def test_promise__recipes_on_the_traffic_of_both__carry_the_warning_to_their_runs():
    project = make_project()
    model = make_model(project)
    arms = {key: make_schedule(model, key) for key in ("first", "second")}
    make_recipe_draft(project, make_point(project, model), schedules=arms)
    promise_trainings(facts=project_facts(project), now=NOW)
    warned = [run_by_id(run.pk).warnings for run in TrainingRun.objects.all()]
    assert warned == [("ARMS_LEARN_FROM_EACH_OTHER",)] * 2


@pytest.mark.django_db(transaction=True)
def test_training__of_a_schedule_that_is_an_arm__puts_its_version_into_the_next_bundle():
    project = make_project()
    model = make_model(project)
    fill_log(project)
    arm, idle = make_schedule(model, "arm"), make_schedule(model, "idle")
    make_version(model, schedule_id=arm)
    launch(make_recipe_draft(project, make_point(project, model), schedules={"first": arm}))
    revisions = [Project.objects.get(pk=project).revision]
    for schedule in (arm, idle):
        run = start_due(schedule_id=schedule, now=NOW)
        assert runner.run(job_id=Job.objects.get(key=f"train:{run}").pk)
        assert run_by_id(run).state is RunState.SUCCEEDED, run_by_id(run).error
        assert newest_passed(schedule).run_id == run
        revisions.append(Project.objects.get(pk=project).revision)
    assert revisions[1] == revisions[2] == revisions[0] + 1
