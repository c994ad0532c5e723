"""Schedules as arms: which variants they are, and what sets variants apart besides the treatment."""

from datetime import datetime, timedelta

import pytest
from django.utils import timezone

from decisions.queries.arms import arms_of_schedule, confounds, data_warnings, serves
from experiments.actions import lifecycle
from experiments.analysis.inputs import Confound
from experiments.confounds import confounds_of
from models_registry.vocabulary import DataPolicy
from tests.decisions.recipes import launch, make_recipe_draft, make_schedule
from tests.fixtures.records import ACTOR, NOW, make_project
from tests.fixtures.registry import DATA_END, DATA_START, make_model, make_point, make_version

pytestmark = pytest.mark.django_db

FRESHNESS = Confound("FRESHNESS_CONFOUND", "first", "second")
LEARNING = Confound("ARMS_LEARN_FROM_EACH_OTHER", "first", "second")


@pytest.fixture
def shop() -> tuple[int, int, int]:
    """Return a project, a model, and a decision point that it decides at."""
    project = make_project()
    model = make_model(project)
    return project, model, make_point(project, model)


def soon() -> datetime:
    """Return a wall time by which everything that a test made is known."""
    return timezone.now() + timedelta(minutes=1)


def found(experiment_id: int, *, before: datetime | None = None) -> list[Confound]:
    return list(confounds(experiment_id, before or soon()))


def test_confounds__versions_of_equal_data__are_none(shop):
    project, model, point = shop
    pinned = {"first": make_version(model), "second": make_version(model, first=2.0)}
    assert found(make_recipe_draft(project, point, versions=pinned)) == []


@pytest.mark.parametrize(("hours", "expected"), [(24, []), (25, [FRESHNESS])])
def test_confounds__versions_whose_data_end_apart__are_one_beyond_a_day(shop, hours, expected):
    project, model, point = shop
    older = make_version(model, data_start=DATA_START, data_end=DATA_END - timedelta(hours=hours))
    pinned = {"first": make_version(model), "second": older}
    assert found(make_recipe_draft(project, point, versions=pinned)) == expected


def test_confounds__recipe_beside_a_pinned_version__is_one(shop):
    project, model, point = shop
    draft = make_recipe_draft(
        project, point, schedules={"second": make_schedule(model)}, versions={"first": make_version(model)}
    )
    assert found(draft) == [FRESHNESS]


@pytest.mark.parametrize(("hours", "expected"), [(48, []), (49, [FRESHNESS])])
def test_confounds__recipes_of_other_clocks__are_one_beyond_a_day(shop, hours, expected):
    project, model, point = shop
    arms = {
        key: make_schedule(model, key, every_hours=every, data_policy=DataPolicy.OWN_ARM)
        for key, every in (("first", 24), ("second", hours))
    }
    assert found(make_recipe_draft(project, point, schedules=arms)) == expected


def test_confounds__newest_versions_of_recipes__count_as_far_as_they_were_known_then(shop):
    project, model, point = shop
    arms = {key: make_schedule(model, key, data_policy=DataPolicy.OWN_ARM) for key in ("first", "second")}
    draft = make_recipe_draft(project, point, schedules=arms)
    known_before = timezone.now()
    make_version(model, schedule_id=arms["first"])
    assert found(draft) == []
    make_version(model, schedule_id=arms["second"], data_end=DATA_END - timedelta(days=3))
    assert found(draft) == [FRESHNESS]
    assert found(draft, before=known_before) == []


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        (DataPolicy.POOLED, DataPolicy.POOLED, [LEARNING]),
        (DataPolicy.POOLED, DataPolicy.OWN_ARM, []),
        (DataPolicy.OWN_ARM, DataPolicy.OWN_ARM, []),
    ],
)
def test_confounds__recipes_on_the_traffic_of_both__learn_from_each_other(shop, one, other, expected):
    project, model, point = shop
    arms = {"first": make_schedule(model, "a", data_policy=one), "second": make_schedule(model, "b", data_policy=other)}
    draft = make_recipe_draft(project, point, schedules=arms)
    assert found(draft) == expected
    warned = [confound.code for confound in expected]
    assert list(data_warnings(arms["first"], now=soon())) == warned
    assert list(data_warnings(arms["second"], now=soon())) == warned


def test_data_warnings__two_other_arms_that_learn_from_each_other__are_no_warning_of_this_one(shop):
    project, model, point = shop
    arms = {key: make_schedule(model, key) for key in ("first", "second")}
    arms["control"] = make_schedule(model, "own", data_policy=DataPolicy.OWN_ARM)
    draft = make_recipe_draft(project, point, schedules=arms)
    assert LEARNING in found(draft)
    assert data_warnings(arms["first"], now=soon()) == (LEARNING.code,)
    assert data_warnings(arms["control"], now=soon()) == ()


def test_confounds__experiment_without_models__are_none(shop):
    project, _model, point = shop
    assert found(make_recipe_draft(project, point)) == []


def test_confounds__known_to_experiments__through_the_registry(shop):
    project, model, point = shop
    draft = make_recipe_draft(
        project, point, schedules={"second": make_schedule(model)}, versions={"first": make_version(model)}
    )
    assert confounds_of(draft, known_before=soon()) == (FRESHNESS,)


def test_arms__of_an_experiment_that_has_not_started__are_none(shop):
    project, model, point = shop
    schedule = make_schedule(model)
    make_recipe_draft(project, point, schedules={"first": schedule})
    assert arms_of_schedule(schedule) == ()
    assert not serves(schedule)


def test_arms__of_one_that_runs_and_then_stops__tell_since_when_and_until_when(shop):
    project, model, point = shop
    schedule = make_schedule(model)
    make_version(model, schedule_id=schedule)
    experiment = make_recipe_draft(project, point, schedules={"first": schedule})
    launch(experiment)
    (arm,) = arms_of_schedule(schedule)
    assert (arm.experiment, arm.variant, arm.started_at, arm.stopped_at) == ("recipes", "first", NOW, None)
    assert serves(schedule)
    stopped = NOW + timedelta(days=3)
    lifecycle.stop(experiment_id=experiment, acting_user=ACTOR, now=stopped, reason="enough")
    assert arms_of_schedule(schedule)[0].stopped_at == stopped
    assert not serves(schedule)
