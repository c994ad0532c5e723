import pytest

from experiments.analysis.plan import AnalysisPlan as Plan
from experiments.analysis.plan import PlanInvalid
from experiments.models import AnalysisPlan, Experiment
from experiments.queries.plans import draft_plan, plan_of, redrafted
from tests.fixtures.records import CONVERSION, REVENUE, make_draft, make_project, make_running

pytestmark = pytest.mark.django_db
TWO_METRICS = {"definitions": (CONVERSION, REVENUE), "roles": (("DECISION", None), ("SECONDARY", None))}


def test_draft_plan__planned_information__is_given_to_its_metric_and_frozen():
    overrides = {"planned_information": {"conversion": 250_000}, "power": 0.9}
    experiment_id = make_running(make_project(), horizon_days=28, plan_overrides=overrides, **TWO_METRICS)
    found = plan_of(experiment_id)
    assert [metric.planned_information for metric in found.metrics] == [250_000.0, None]
    assert (found.power, found.horizon_days) == (0.9, 28)


@pytest.mark.parametrize(
    ("planned", "message"),
    [
        ({"clicks": 10.0}, "planned_information.clicks: is not a metric of the experiment"),
        ({"conversion": 0}, "planned_information.conversion: must be a number above 0, not 0"),
        ({"conversion": True}, "planned_information.conversion: must be a number above 0, not True"),
        ({"conversion": "much"}, "planned_information.conversion: must be a number above 0, not 'much'"),
        ([1.0], "planned_information: must be an object with a number for each metric"),
    ],
)
def test_draft_plan__planned_information_that_cannot_be__is_refused_and_freezes_nothing(planned, message):
    experiment_id = make_draft(make_project(), horizon_days=28, plan_overrides={"planned_information": planned})
    with pytest.raises(PlanInvalid) as caught:
        draft_plan(experiment_id)
    assert caught.value.message == message
    assert not AnalysisPlan.objects.filter(experiment_id=experiment_id).exists()


def test_redrafted__plan_of_the_first_schema__is_equal_until_the_design_changes():
    experiment_id = make_draft(make_project(), horizon_days=28)
    frozen = Plan.from_dict(draft_plan(experiment_id).to_dict() | {"schema": 1})
    assert frozen != draft_plan(experiment_id), "plans of the second schema have other defaults"
    assert redrafted(experiment_id, frozen) == frozen
    Experiment.objects.filter(pk=experiment_id).update(horizon_days=14)
    assert redrafted(experiment_id, frozen) != frozen


BY_PERIOD = {
    "unit_kind": "cluster",
    "period_minutes": 14 * 1_440,
    "period_design": "BALANCED",
    "burn_in_minutes": 7 * 1_440,
}


def test_draft_plan__a_repurchase_cycle__is_part_of_the_periods():
    experiment_id = make_draft(make_project(), horizon_days=28, plan_overrides={"repurchase_days": 21}, **BY_PERIOD)
    periods = draft_plan(experiment_id).periods
    assert periods is not None
    assert (periods.repurchase_days, periods.counted_days) == (21.0, 7.0)


@pytest.mark.parametrize(
    ("by_period", "days", "message"),
    [
        ({}, 21, "repurchase_days: only an experiment by period has a use for it"),
        (BY_PERIOD, 0, "repurchase_days: must be a number above 0, not 0.0"),
        (BY_PERIOD, True, "repurchase_days: must be a number above 0, not True"),
        (BY_PERIOD, "weekly", "repurchase_days: must be a number above 0, not 'weekly'"),
    ],
)
def test_draft_plan__a_repurchase_cycle_that_cannot_be__is_refused(by_period, days, message):
    experiment_id = make_draft(make_project(), horizon_days=28, plan_overrides={"repurchase_days": days}, **by_period)
    with pytest.raises(PlanInvalid) as caught:
        draft_plan(experiment_id)
    assert caught.value.message == message
