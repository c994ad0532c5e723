"""Which level every claim is tested at, and that corrected p-values say the same as the crossings."""

import numpy as np
import pytest

from experiments.analysis.build import build_scorecard
from experiments.analysis.plan import AnalysisPlan, Family, Gatekeeping, Multiplicity, Requirement, SequentialMethod
from experiments.analysis.scorecard import Crossing
from experiments.vocabulary import MetricRole
from tests.experiments.analysis.builders import (
    conversion,
    decision,
    finished,
    guardrail,
    inputs,
    money,
    plan,
    rate,
    rates,
    revenue,
    secondary,
)
from tests.experiments.analysis.crowds import run, statistics

TWO = ("a", "b")
NONE = Crossing.NONE


def made(*, treatments=TWO, **more) -> AnalysisPlan:
    metrics = (decision(conversion()), secondary(revenue("s1")), secondary(revenue("s2")))
    return plan(*metrics, treatments=treatments, method=SequentialMethod.FIXED_HORIZON, **more)


def decided(rules: AnalysisPlan, **z: float):
    """Return the decisions on statistics by `metric_variant`; those not named are 0."""
    table = np.array([[[z.get(f"{m.spec.key}_{v}", 0.0) for v in rules.treatments] for m in rules.metrics]])
    return run(rules, table, (1.0,))


def test_graph__nothing_rejected__shows_the_level_a_secondary_would_have_first():
    found = decided(made())
    assert found["conversion", "a"].alpha == pytest.approx(0.025)
    assert found["s1", "a"].alpha == pytest.approx(0.025 * 0.5 / 2)
    assert {each.crossed for each in found.values()} == {NONE}


def test_graph__one_treatment_passes__halves_its_level_between_its_secondaries_and_the_other():
    found = decided(made(), conversion_a=5.0)
    assert found["s1", "a"].alpha == pytest.approx(0.00625)
    assert found["conversion", "b"].alpha == pytest.approx(0.025 + 0.0125)
    assert found["s1", "b"].alpha == pytest.approx(0.00625)


def test_graph__secondaries_all_claimed__hand_the_rest_to_the_open_treatment():
    found = decided(made(), conversion_a=5.0, s1_a=5.0, s2_a=5.0)
    assert found["conversion", "b"].alpha == pytest.approx(0.05, rel=1e-4)


def test_graph__single_treatment__hands_everything_to_its_secondaries():
    found = decided(made(treatments=("a",)), conversion_a=5.0, s1_a=2.5)
    assert (found["conversion", "a"].alpha, found["s1", "a"].alpha) == pytest.approx((0.05, 0.025))
    assert found["s2", "a"].alpha == pytest.approx(0.05, rel=1e-4)


def test_graph__secondary_of_another_treatment__is_not_opened():
    found = decided(made(), conversion_a=5.0, s1_b=9.0)
    assert found["s1", "b"].crossed is NONE
    assert found["s1", "b"].p_adjusted == 1.0


def test_graph__decision_metric_got_worse__opens_nothing():
    found = decided(made(), conversion_a=-5.0, s1_a=9.0)
    assert (found["conversion", "a"].crossed, found["s1", "a"].crossed) == (Crossing.WORSE, NONE)


@pytest.mark.parametrize(
    "rules",
    [
        made(),
        made(treatments=("a", "b", "c")),
        made(secondary_share=1.0),
        made(secondary_share=0.0),
        made(multiplicity=Multiplicity.NONE),
        plan(decision(conversion()), decision(conversion("m2")), secondary(revenue("s1")), treatments=TWO),
        finished(decision(conversion()), decision(conversion("m2")), secondary(revenue("s1")), treatments=TWO),
        plan(
            decision(conversion()),
            decision(conversion("m2")),
            secondary(revenue("s1")),
            treatments=TWO,
            family=Family.ARMS,
        ),
    ],
)
def test_graph__random_statistics__corrected_p_values_say_what_the_crossings_say(rules):
    rng = np.random.default_rng(51)
    effects = {(metric.spec.key, variant): 2.5 for metric in rules.metrics for variant in rules.treatments}
    for _ in range(150):
        for each in run(rules, statistics(rng, rules, effects, (1.0,)), (1.0,)).values():
            assert each.p_adjusted is not None
            assert (each.crossed is not NONE) is (each.p_adjusted <= rules.alpha)


def test_all_required__one_of_two_metrics_fails__neither_opens_secondaries_nor_frees_the_level():
    rules = finished(decision(conversion()), decision(conversion("m2")), secondary(revenue("s1")), treatments=TWO)
    assert rules.requirement is Requirement.ALL
    found = decided(rules, conversion_a=5.0, m2_a=1.0, s1_a=9.0)
    assert found["conversion", "a"].crossed is Crossing.BETTER
    assert found["s1", "a"].crossed is NONE
    assert found["conversion", "b"].alpha == pytest.approx(0.025)
    passed = decided(rules, conversion_a=5.0, m2_a=3.0, s1_a=9.0)
    assert passed["s1", "a"].crossed is Crossing.BETTER
    assert passed["conversion", "b"].alpha > 0.025


def test_dunnett__passed__hands_on_less_than_a_bonferroni_level():
    found = decided(made(multiplicity=Multiplicity.DUNNETT), conversion_a=5.0, s1_a=2.6)
    assert found["conversion", "a"].alpha == pytest.approx(0.02696, abs=1e-4)
    # .05 less what one true null alone may err with, shared by two secondaries
    assert found["s1", "a"].alpha == pytest.approx((0.05 - 0.02696) / 2.0, abs=1e-4)
    assert found["s1", "a"].crossed is Crossing.BETTER
    assert found["s1", "b"].crossed is NONE


def test_dunnett__level_handed_on__corrected_p_values_are_read_beside_the_whole_alpha():
    rules = made(multiplicity=Multiplicity.DUNNETT)
    for z in (2.4, 2.6, 3.0):
        found = decided(rules, conversion_a=5.0, s1_a=z, s2_a=1.0)["s1", "a"]
        assert found.p_adjusted is not None
        assert (found.crossed is not NONE) is (found.p_adjusted <= rules.alpha)


def test_gate__older_plans__test_secondaries_at_a_whole_alpha():
    found = decided(made(gatekeeping=Gatekeeping.GATE), conversion_a=5.0)
    assert found["s1", "a"].alpha == pytest.approx(0.05 / 4)


@pytest.mark.parametrize("days", [14.0, 28.0])
@pytest.mark.parametrize("treatment", range(2950, 3051, 5))
def test_guardrail__interval_that_is_drawn__stays_in_the_margin_exactly_when_the_test_passes(days, treatment):
    rules = plan(decision(revenue()), guardrail(conversion(), margin=0.05), horizon_days=28)
    sums = {("revenue", v): money(40_000, 1000, 30.0) for v in ("control", "treatment")}
    sums |= rates((30_000, 3000), (30_000, treatment))
    found = build_scorecard(rules, inputs(sums, days=days)).comparison("conversion", "treatment")
    test = found.non_inferiority
    assert found.role is MetricRole.GUARDRAIL
    assert test is not None
    assert test.lift is not None
    assert test.absolute is not None
    assert test.lift.lower is not None
    assert test.absolute.lower is not None
    assert found.control.adjusted is not None
    assert test.passed is (test.lift.lower > -0.05)
    assert test.passed is (test.absolute.lower > -0.05 * found.control.adjusted)


def test_guardrail__plan_of_the_first_schema__has_no_interval_of_its_own():
    rules = finished(decision(revenue()), guardrail(conversion()), schema=1)
    sums = {("revenue", v): money(1000, 100, 30.0) for v in ("control", "treatment")}
    sums |= {("conversion", v): rate(1000, 100) for v in ("control", "treatment")}
    test = build_scorecard(rules, inputs(sums)).comparison("conversion", "treatment").non_inferiority
    assert test is not None
    assert (test.lift, test.absolute) == (None, None)
