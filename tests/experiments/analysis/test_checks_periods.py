"""Checks of experiments by period: the randomisation test beside the other, and what carries over."""

from dataclasses import replace

import numpy as np
import pytest

from experiments.analysis.build import build_scorecard
from experiments.analysis.inputs import AnalysisInputs, CellValues, ClusterSums
from experiments.analysis.plan import AnalysisPlan, PlannedPeriods
from experiments.analysis.scorecard import CheckResult, Outcome
from experiments.statistics.carry_over import CarryOver, carry_over
from experiments.vocabulary import CheckLevel, PeriodDesign
from tests.experiments.analysis.builders import MICROS, decision, inputs, money, plan, revenue

UNITS, PERIODS = 16, 12
PLAN = plan(decision(revenue()), periods=PlannedPeriods(1_440, PeriodDesign.BALANCED, block=2))


def given(seed: int, *, effect: float, carried: float = 0.0, spread: float = 1.0) -> AnalysisInputs:
    """Return inputs of a balanced schedule with an effect, and what it leaves behind in the next period."""
    rng = np.random.default_rng(seed)
    first = rng.integers(0, 2, (UNITS, PERIODS // 2))
    treated = np.stack([first, 1 - first], axis=2).reshape(UNITS, PERIODS).astype(bool)
    before = np.concatenate([np.zeros((UNITS, 1), dtype=bool), treated[:, :-1]], axis=1)
    y = 50.0 + rng.normal(0.0, 5.0, (UNITS, 1)) + rng.normal(0.0, spread, (UNITS, PERIODS))
    amounts = np.rint(MICROS * (y + effect * treated + carried * before)).astype(int)
    unit, period = np.indices((UNITS, PERIODS))
    arms = {"control": ~treated, "treatment": treated}
    sums = tuple(
        ClusterSums(
            "revenue", key, tuple(mine.sum(axis=1).tolist()), {"y": tuple((amounts * mine).sum(axis=1).tolist())}
        )
        for key, mine in arms.items()
    )
    values = CellValues(
        "revenue",
        tuple(unit.ravel().tolist()),
        tuple(period.ravel().tolist()),
        tuple("treatment" if arm else "control" for arm in treated.ravel()),
        {"y": tuple(amounts.ravel().tolist())},
    )
    figures = {("revenue", key): money(96, 96, 50.0) for key in arms}
    return replace(inputs(figures), clusters=sums, cell_values=(values,))


def result(code: str, found: AnalysisInputs, made: AnalysisPlan = PLAN) -> CheckResult:
    return build_scorecard(made, found).check(code)


def test_randomisation__both_tests_agree__passes_with_both_p_values():
    found = result("RANDOMISATION_TEST", given(1, effect=3.0))
    assert (found.outcome, found.level) == (Outcome.PASSED, CheckLevel.INTERPRET)
    assert found.figures["p_redrawn"] == 0.001
    assert found.figures["p_clusters"] < 0.001
    assert (found.figures["draws"], found.figures["metric"], found.figures["variant"]) == (999, "revenue", "treatment")


def test_randomisation__one_says_so_and_the_other_not__is_read_with_care():
    inside = replace(given(1, effect=3.0), cell_values=given(1, effect=0.0).cell_values)
    found = result("RANDOMISATION_TEST", inside)
    assert (found.outcome, found.level) == (Outcome.FAILED, CheckLevel.INTERPRET)
    assert found.figures["p_clusters"] < 0.001
    assert found.figures["p_redrawn"] > 0.05


def test_randomisation__same_plan_and_inputs__give_the_same_bytes():
    found = given(3, effect=0.5)
    assert build_scorecard(PLAN, found).to_json() == build_scorecard(PLAN, found).to_json()


def test_carries_over__something_is_left__warns_with_its_size():
    found = result("CARRY_OVER_SEEN", given(4, effect=4.0, carried=2.0))
    assert (found.outcome, found.level) == (Outcome.FAILED, CheckLevel.WARN)
    assert found.figures["p"] < 0.01
    assert found.figures["carried"] == pytest.approx(2.0 / 50.0, rel=0.4)
    assert found.figures["carried_of_effect"] > 0.3


def test_carries_over__nothing_is_left__passes_with_the_figures_of_the_estimator():
    inside = given(5, effect=4.0)
    found = result("CARRY_OVER_SEEN", inside)
    values = inside.cell_values[0]
    units = np.array(values.units)
    arms = np.array([variant == "treatment" for variant in values.variants])
    direct = carry_over(units, np.array(values.periods), arms, np.array(values.sums["y"]) / MICROS, units)
    assert isinstance(direct, CarryOver)
    assert found.outcome is Outcome.PASSED
    assert found.figures["p"] == pytest.approx(direct.p_value)


@pytest.mark.parametrize("code", ["RANDOMISATION_TEST", "CARRY_OVER_SEEN"])
def test_checks_of_periods__no_cells__do_not_apply(code):
    assert result(code, replace(given(6, effect=1.0), cell_values=())).outcome is Outcome.NOT_APPLICABLE
    once = plan(decision(revenue()))
    assert result(code, given(6, effect=1.0), once).outcome is Outcome.NOT_APPLICABLE
