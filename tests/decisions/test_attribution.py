"""An attributed return never decides, whatever it is called; outcomes of units do."""

import pytest

from decisions.domains.ad_placement.attribution import is_attributed
from decisions.domains.ad_placement.metrics import METRICS
from experiments.actions.design import MetricDefinition
from experiments.actions.lifecycle import launch, launch_problems, submit
from experiments.launch_checks import LaunchRefused
from experiments.models import Experiment
from tests.fixtures.records import ACTOR, NOW, REVENUE, make_draft, make_project

RETURN = MetricDefinition(
    key="ad-return",
    name="Return on spend",
    kind="RATIO",
    numerator_events=["Order Completed"],
    numerator_what="SUM_VALUE",
    denominator_events=["Promotion Clicked"],
    denominator_what="SUM_VALUE",
)


def named(key: str, event: str = "Order Completed") -> bool:
    return is_attributed(key, events=[event], denominator=[], denominator_what="")


@pytest.mark.parametrize("key", ["roas", "weekly_roas", "ads-roi", "attributed-revenue", "Return-On-Ad-Spend"])
def test_is_attributed__key_that_says_so__is(key):
    assert named(key)


@pytest.mark.parametrize("key", ["revenue", "heroics", "roast-sales", "conversion", "ad-click-through"])
def test_is_attributed__outcome_of_units__is_not(key):
    assert not named(key)


def test_is_attributed__event_that_says_so_or_division_by_spend__is():
    assert named("sales", "Order Attributed")
    assert is_attributed(
        "x", events=["Order Completed"], denominator=["Promotion Clicked"], denominator_what="SUM_VALUE"
    )
    assert not is_attributed(
        "x", events=["Promotion Clicked"], denominator=["Promotion Viewed"], denominator_what="COUNT"
    )


def test_templates__of_the_domain__the_attributed_one_only_diagnoses():
    found = {
        template.key: template.role
        for template in METRICS
        if is_attributed(
            template.key,
            events=template.events,
            denominator=template.denominator_events,
            denominator_what=template.denominator_what,
        )
    }
    assert found == {"attributed-return": "DIAGNOSTIC"}
    assert [template.key for template in METRICS if template.role == "DECISION"] == ["revenue"]


@pytest.mark.django_db
def test_launch__attributed_return_decides__is_refused_with_what_to_use_instead():
    experiment = make_draft(make_project(), definitions=(RETURN,))
    problem = next(found for found in launch_problems(experiment) if found.code == "ATTRIBUTED_DECISION")
    assert "ad-return" in problem.message
    assert "holdout" in problem.fix
    submit(experiment_id=experiment, acting_user=ACTOR, now=NOW)
    with pytest.raises(LaunchRefused):
        launch(experiment_id=experiment, acting_user=ACTOR, now=NOW)
    assert Experiment.objects.get(pk=experiment).started_at is None


@pytest.mark.django_db
def test_launch__attributed_return_beside_an_outcome__is_no_problem():
    roles = (("DECISION", None), ("DIAGNOSTIC", None))
    experiment = make_draft(make_project(), definitions=(REVENUE, RETURN), roles=roles)
    assert "ATTRIBUTED_DECISION" not in {found.code for found in launch_problems(experiment)}
