"""The offline gate: exact figures, refusals, and how often it lets pass what is no better."""

import json
import math

import numpy as np
import pytest

from models_registry.gates import (
    CHAMPION,
    POPULARITY,
    Evaluation,
    GateCode,
    GateMalformed,
    GateRule,
    compare,
    judge,
)


def evaluation(candidate: list[float], popularity: list[float], **more: list[float]) -> Evaluation:
    references = {POPULARITY: np.array(popularity), **{name: np.array(values) for name, values in more.items()}}
    return Evaluation({"ndcg_at_10": float(np.mean(candidate))}, np.array(candidate), references)


def codes(measured: Evaluation, rule: GateRule) -> list[GateCode]:
    return [reason.code for reason in judge(measured, rule).reasons]


def test_compare__four_users__is_students_interval():
    """Differences 1, 2, 3, 2: mean 2, s^2 = 2/3, t(3, 97.5%) = 3.182446."""
    found = compare("popularity", np.array([1.0, 2.0, 3.0, 4.0]), np.array([0.0, 0.0, 0.0, 2.0]), 0.95)
    half = 3.182446305 * math.sqrt(2 / 3 / 4)
    assert (found.users, found.candidate_mean, found.reference_mean, found.difference) == (4, 2.5, 0.5, 2.0)
    assert found.lower == pytest.approx(2 - half)
    assert found.upper == pytest.approx(2 + half)


@pytest.mark.parametrize("candidate", [[], [1.0], [1.0, math.nan], [1.0, math.inf]])
def test_compare__too_few_or_broken_figures__has_no_interval(candidate: list[float]):
    found = compare("popularity", np.array(candidate), np.zeros(len(candidate)), 0.95)
    assert (found.difference, found.lower, found.upper) == (None, None, None)


def test_compare__different_users__is_refused():
    with pytest.raises(GateMalformed):
        compare("popularity", np.zeros(3), np.zeros(4), 0.95)


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


@pytest.mark.parametrize(
    "rule",
    [{"margin": -0.1}, {"margin": math.nan}, {"champion_margin": -1.0}, {"confidence": 0.4}, {"confidence": 1.0}],
)
def test_rule__that_makes_no_sense__is_refused(rule: dict[str, float]):
    with pytest.raises(GateMalformed):
        GateRule(**rule)


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
