import json
from dataclasses import replace
from pathlib import Path

import pytest

from experiments.analysis.plan import (
    AnalysisPlan,
    Family,
    Gatekeeping,
    PlanInvalid,
    PlannedMetric,
    PlannedPeriods,
    Requirement,
    SequentialMethod,
    Spending,
    default_plan,
    recorded_plan,
)
from experiments.vocabulary import Direction, MetricRole, PeriodDesign
from tests.experiments.analysis.builders import conversion, decision, guardrail, plan, revenue, variants

STORED = Path(__file__).parents[2] / "golden" / "plan_schema_1.json"
PLAN = plan(decision(conversion()), guardrail(revenue()), horizon_days=28)


def test_to_dict__and_back__is_the_same_with_the_same_digest():
    again = AnalysisPlan.from_dict(json.loads(PLAN.to_json()))
    assert again == PLAN
    assert again.sha256() == PLAN.sha256()


def test_default_plan__with_a_horizon__is_group_sequential_with_alpha_kept_for_later():
    assert (PLAN.method, PLAN.spending) == (SequentialMethod.GROUP_SEQUENTIAL, Spending.OBRIEN_FLEMING)
    assert (PLAN.alpha, PLAN.reserved_alpha, PLAN.minimum_days) == (0.05, 0.005, 7)
    assert (PLAN.srm_alpha, PLAN.blocker_alpha, PLAN.mismatch_block_share) == (0.001, 0.005, 0.05)


def test_default_plan__without_a_horizon__is_a_confidence_sequence():
    assert plan().method is SequentialMethod.CONFIDENCE_SEQUENCE


def test_recorded_plan__finished__is_one_look_corrected_over_arms_alone():
    found = recorded_plan(variants=variants("a", "b"), metrics=[decision(conversion())])
    assert (found.method, found.family, found.requirement) == (
        SequentialMethod.FIXED_HORIZON,
        Family.ARMS,
        Requirement.ALL,
    )
    adjusted = recorded_plan(variants=variants("a"), metrics=[decision(conversion())], family=Family.METRICS_AND_ARMS)
    assert adjusted.requirement is Requirement.ANY


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"alpha": 0.6}, "alpha: must be between 0 and 0.5, not 0.6"),
        ({"reserved_alpha": 0.05}, "reserved_alpha: must be 0 or more and below alpha"),
        ({"srm_alpha": 0.01}, "srm_alpha: must not exceed blocker_alpha, of which it is a part"),
        ({"horizon_days": None}, "horizon_days: a group-sequential plan needs a horizon"),
        ({"horizon_days": 3}, "horizon_days: must not be shorter than minimum_days"),
        ({"spending": "POWER"}, "spending_parameter: does not fit POWER"),
        ({"multiplicity": "DUNNETT"}, "multiplicity: DUNNETT is for a single look; use HOLM with sequential methods"),
        ({"power": 1.0}, "power: must be between 0 and 1, not 1.0"),
        ({"mde": 0.0}, "mde: must be above 0, not 0.0"),
        ({"planned_units": 0}, "planned_units: must be 1 or more, not 0"),
        (
            {"objective": "NON_INFERIORITY_WITH_SAVING", "objective_margin": 0.02},
            "objective: non-inferiority needs objective_margin and declared_saving",
        ),
        ({"objective_margin": 2.0}, "objective_margin: must be between 0 and 1, not 2.0"),
        ({"variants": [{"key": "a", "control": True}]}, "variants: needs two or more with distinct keys"),
        ({"variants": [{"key": "a"}, {"key": "b"}]}, "variants: exactly one is control"),
        ({"metrics": []}, "metrics: at least one has the role DECISION"),
        ({"secondary_share": 1.5}, "secondary_share: must be between 0 and 1, not 1.5"),
        ({"mismatch_block_share": 1.5}, "mismatch_block_share: must be between 0 and 1, not 1.5"),
        (
            {"dimensions": ["country", "day"]},
            "dimensions: day is the name of counts by day; give the attribute another name",
        ),
        (
            {"dimensions": ["filter"]},
            "dimensions: filter is the name of counts by filter; give the attribute another name",
        ),
    ],
)
def test_from_dict__contradiction__is_named_on_one_line(change, message):
    with pytest.raises(PlanInvalid) as caught:
        AnalysisPlan.from_dict(PLAN.to_dict() | change)
    assert caught.value.message == f"AnalysisPlan: {message}"


def test_from_dict__newer_schema__is_refused():
    with pytest.raises(PlanInvalid, match="schema: 3 is not one of 2, 1"):
        AnalysisPlan.from_dict(PLAN.to_dict() | {"schema": 3})


def test_from_dict__plan_frozen_with_the_first_schema__keeps_its_rules_and_its_digest():
    text = STORED.read_bytes()
    found = AnalysisPlan.from_dict(json.loads(text))
    assert (found.schema, found.futility, found.gatekeeping) == (1, False, Gatekeeping.GATE)
    assert found.to_json() == text
    assert found.sha256() == "176b97d0e23296f4dea23de834eb04748eee4fd4f5fec93c60d633484a456d64"
    assert AnalysisPlan.from_dict(found.to_dict()) == found


def test_from_dict__first_schema_with_later_rules__does_not_take_them():
    later = json.loads(STORED.read_bytes()) | {"futility": True, "gatekeeping": "GRAPH"}
    assert AnalysisPlan.from_dict(later) == AnalysisPlan.from_dict(json.loads(STORED.read_bytes()))


def test_default_plan__no_metric__is_refused():
    with pytest.raises(PlanInvalid, match="at least one has the role DECISION"):
        default_plan(variants=variants(), metrics=[])


def test_planned_metric__guardrail_without_margin__is_refused():
    with pytest.raises(ValueError, match="margin: guardrail revenue needs one"):
        PlannedMetric(revenue(), MetricRole.GUARDRAIL, Direction.INCREASE)


def test_to_dict__a_repurchase_cycle__is_written_only_where_it_is_declared():
    periods = PlannedPeriods(14 * 1_440, PeriodDesign.BALANCED, burn_in=7 * 1_440, block=2)
    silent = replace(PLAN, periods=periods)
    assert silent.to_dict()["periods"] == {"minutes": 20_160, "design": "BALANCED", "burn_in": 10_080, "block": 2}
    declared = replace(PLAN, periods=replace(periods, repurchase_days=21.0))
    assert declared.to_dict()["periods"]["repurchase_days"] == 21.0
    for made in (silent, declared):
        again = AnalysisPlan.from_dict(json.loads(made.to_json()))
        assert (again, again.sha256()) == (made, made.sha256())
    assert silent.sha256() != declared.sha256()


@pytest.mark.parametrize("days", [0.0, -1.0, float("inf"), float("nan")])
def test_planned_periods__a_cycle_that_cannot_be__is_refused(days):
    with pytest.raises(ValueError, match="repurchase_days: must be a number above 0"):
        PlannedPeriods(1_440, PeriodDesign.BALANCED, repurchase_days=days)


def test_counted_days__of_a_period__are_those_after_the_burn_in():
    assert PlannedPeriods(2_880, PeriodDesign.BALANCED, burn_in=720).counted_days == 1.5
