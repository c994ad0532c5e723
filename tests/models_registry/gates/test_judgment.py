"""The offline gate: exact figures, refusals, and how often it lets pass what is no better."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest

from models_registry.gates import (
    CHAMPION,
    POPULARITY,
    Calibration,
    CalibrationRule,
    Evaluation,
    GateCode,
    GateMalformed,
    GateRule,
    Latency,
    Slice,
    SliceRule,
    judge,
)


def evaluation(candidate: list[float], popularity: list[float], **more: list[float]) -> Evaluation:
    references = {POPULARITY: np.array(popularity), **{name: np.array(values) for name, values in more.items()}}
    return Evaluation({"ndcg_at_10": float(np.mean(candidate))}, np.array(candidate), references)


def codes(measured: Evaluation, rule: GateRule) -> list[GateCode]:
    return [reason.code for reason in judge(measured, rule).reasons]


def test_judge__clearly_better__passes_and_tells_the_figures():
    result = judge(evaluation([0.5, 0.6, 0.4, 0.5], [0.1, 0.1, 0.2, 0.1]), GateRule(least_users=4))
    assert result.passed
    assert result.reasons == ()
    assert [comparison.reference for comparison in result.comparisons] == [POPULARITY]
    told = json.loads(json.dumps(result.as_json(), allow_nan=False))
    assert told["passed"] is True
    assert told["comparisons"][0]["difference"] == pytest.approx(0.375)
    assert told["rule"]["least_users"] == 4


def test_judge__exactly_as_good__needs_a_margin():
    same = evaluation([0.5, 0.6, 0.4], [0.5, 0.6, 0.4])
    assert codes(same, GateRule(least_users=3)) == [GateCode.WORSE_THAN_POPULARITY]
    assert codes(same, GateRule(least_users=3, margin=0.01)) == []


def test_judge__worse_than_popularity__is_refused_with_the_figure():
    result = judge(evaluation([0.1, 0.2, 0.1], [0.5, 0.6, 0.4]), GateRule(least_users=3))
    assert [reason.code for reason in result.reasons] == [GateCode.WORSE_THAN_POPULARITY]
    assert f"{result.comparisons[0].lower:.4f}" in result.reasons[0].sentence


def test_judge__too_few_users__is_refused():
    assert codes(evaluation([0.5, 0.6, 0.4], [0.1, 0.1, 0.1]), GateRule()) == [GateCode.TOO_FEW_USERS]


def test_judge__nobody__is_refused_for_every_reason_that_holds():
    measured = Evaluation({"ndcg_at_10": math.nan}, np.zeros(0), {POPULARITY: np.zeros(0)})
    result = judge(measured, GateRule())
    assert {reason.code for reason in result.reasons} == {
        GateCode.TOO_FEW_USERS,
        GateCode.METRIC_NOT_FINITE,
        GateCode.WORSE_THAN_POPULARITY,
    }
    json.dumps(result.as_json(), allow_nan=False)


def test_judge__a_metric_that_is_not_finite__is_refused_by_name():
    measured = Evaluation({"coverage": math.inf}, np.array([0.5, 0.6, 0.5]), {POPULARITY: np.zeros(3)})
    (reason,) = judge(measured, GateRule(least_users=3)).reasons
    assert reason.code is GateCode.METRIC_NOT_FINITE
    assert "coverage" in reason.sentence


def test_judge__the_champion__is_told_and_judged_only_where_the_rule_says_so():
    measured = evaluation([0.5, 0.6, 0.4], [0.1, 0.1, 0.1], champion=[0.9, 0.8, 0.9])
    result = judge(measured, GateRule(least_users=3))
    assert result.passed
    assert [comparison.reference for comparison in result.comparisons] == [POPULARITY, CHAMPION]
    assert codes(measured, GateRule(least_users=3, champion_margin=0.01)) == [GateCode.WORSE_THAN_CHAMPION]


def test_judge__without_popularity__is_refused():
    with pytest.raises(GateMalformed):
        judge(Evaluation({}, np.zeros(3), {}), GateRule())


def test_judge__candidates_no_better_than_popularity__pass_in_one_of_forty():
    """With margin 0 and no true difference the lower bound of a 95% interval lies above 0 in 2.5% of cases."""
    rng = np.random.default_rng(11)
    runs, users = 4_000, 150
    passed = sum(
        judge(
            Evaluation({}, rng.binomial(1, 0.3, users) * rng.uniform(size=users), {POPULARITY: reference}), GateRule()
        ).passed
        for reference in (rng.binomial(1, 0.3, users) * rng.uniform(size=users) for _ in range(runs))
    )
    assert abs(passed / runs - 0.025) < 4 * math.sqrt(0.025 * 0.975 / runs)


def probed(**more: object) -> Evaluation:
    """A candidate that is clearly better than the reference, with more measured."""
    rng = np.random.default_rng(3)
    popularity = rng.uniform(size=200)
    return Evaluation({}, popularity + 0.2 + rng.normal(0, 0.05, 200), {POPULARITY: popularity}, **more)


def test_judge__a_negative_champion_margin__asks_to_be_better_by_so_much():
    measured = evaluation([0.5, 0.6, 0.4, 0.5], [0.1, 0.1, 0.1, 0.1], champion=[0.4, 0.5, 0.3, 0.4])
    assert codes(measured, GateRule(least_users=4, champion_margin=-0.09)) == []
    assert codes(measured, GateRule(least_users=4, champion_margin=-0.11)) == [GateCode.WORSE_THAN_CHAMPION]
    (reason,) = judge(measured, GateRule(least_users=4, champion_margin=-0.11)).reasons
    assert "more than 0.1100" in reason.sentence


def test_judge__calibration__is_judged_where_it_was_measured():
    right = Calibration(rows=10_000, expected=505.0, observed=500.0, error=0.004, chance=0.003)
    wrong = replace(right, expected=750.0, error=0.025)
    few = replace(right, expected=50.0, observed=51.0)
    assert codes(probed(calibration=right), GateRule()) == []
    assert codes(probed(calibration=wrong), GateRule()) == [GateCode.NOT_CALIBRATED]
    assert codes(probed(calibration=few), GateRule()) == [GateCode.CALIBRATION_UNKNOWN]
    assert codes(probed(calibration=wrong), GateRule(calibration=None)) == []
    told = judge(probed(calibration=wrong), GateRule()).as_json()["calibration"]
    assert (told["ratio"], told["within"]) == (1.5, False)


def test_judge__nobody_responded__is_unknown_and_not_right():
    nothing = Calibration(rows=100, expected=1.0, observed=0.0, error=0.01, chance=0.01)
    rule = GateRule(calibration=CalibrationRule(least_responses=0))
    assert codes(probed(calibration=nothing), rule) == [GateCode.CALIBRATION_UNKNOWN]


def slices_of(harm: float, users: int) -> dict[str, Slice]:
    rng = np.random.default_rng(5)
    reference = rng.uniform(size=users)
    new = reference - harm + rng.normal(0, 0.05, users)
    return {"new": Slice(new, {POPULARITY: reference}), "returning": Slice(reference + 0.1, {POPULARITY: reference})}


def test_judge__a_slice_that_is_shown_to_be_worse__is_refused_by_name():
    result = judge(probed(slices=slices_of(0.1, 100)), GateRule())
    (reason,) = result.reasons
    assert (reason.code, reason.about) == (GateCode.SLICE_WORSE, "new")
    assert "new" in reason.sentence
    assert codes(probed(slices=slices_of(0.1, 100)), GateRule(slices=SliceRule(margin=0.2))) == []
    assert codes(probed(slices=slices_of(0.1, 100)), GateRule(slices=None)) == []


def test_judge__a_slice_with_few_users__is_shown_and_not_judged():
    result = judge(probed(slices=slices_of(0.1, 20)), GateRule())
    assert result.passed
    assert [(part.slice, part.judged) for part in result.slices] == [("new", False), ("returning", False)]


def test_judge__a_slice_with_broken_figures__is_refused():
    broken = {"new": Slice(np.full(60, np.nan), {POPULARITY: np.zeros(60)})}
    assert codes(probed(slices=broken), GateRule()) == [GateCode.SLICE_WORSE]


def test_judge__a_slate_that_breaks_a_constraint__is_refused_by_the_test():
    result = judge(probed(violations={"eligible": 2, "different": 0}, slates=50), GateRule())
    assert [(reason.code, reason.about) for reason in result.reasons] == [(GateCode.CONSTRAINT_VIOLATED, "eligible")]
    assert "2 of 50" in result.reasons[0].sentence


def test_judge__a_test_that_was_asked_for_and_not_made__is_refused():
    rule = GateRule(constraints=("eligible", "caps"))
    assert codes(probed(violations={"eligible": 0}, slates=50), rule) == [GateCode.CONSTRAINT_NOT_TESTED]
    assert codes(probed(violations={"eligible": 0}, slates=0), rule) == [GateCode.CONSTRAINT_NOT_TESTED] * 2


def test_judge__limits__refuse_what_is_beyond_them_or_was_not_measured():
    slow = Latency(requests=100, p50_ms=3.0, p99_ms=9.0, machine="a machine")
    measured = probed(latency=slow, size=3_000_000)
    assert codes(measured, GateRule(latency_ms=9.0, size_mb=3.0)) == []
    assert codes(measured, GateRule(latency_ms=8.9, size_mb=2.9)) == [GateCode.TOO_SLOW, GateCode.TOO_LARGE]
    assert codes(probed(), GateRule(latency_ms=8.9, size_mb=2.9)) == [GateCode.LATENCY_UNKNOWN, GateCode.SIZE_UNKNOWN]
    told = judge(measured, GateRule()).as_json()["limits"]
    assert [(limit["name"], limit["found"], limit["most"]) for limit in told] == [
        ("latency_ms", 9.0, None),
        ("size_mb", 3.0, None),
    ]
    assert told[0]["about"] == "a machine"


def test_judge__everything_at_once__is_json_and_says_its_schema():
    result = judge(
        probed(
            calibration=Calibration(10_000, 500.0, 500.0, 0.0, 0.001),
            slices=slices_of(0.0, 80),
            violations={"eligible": 0},
            slates=9,
            latency=Latency(100, 1.0, 2.0, "m"),
            size=10,
        ),
        GateRule(),
    )
    told = json.loads(json.dumps(result.as_json(), allow_nan=False))
    assert told["schema"] == 2
    assert GateRule.from_dict(told["rule"]) == result.rule
