"""The truth table of the verdict."""

import pytest

from experiments.analysis.build import build_scorecard
from experiments.analysis.inputs import Health, History
from experiments.analysis.plan import Objective, Requirement
from experiments.analysis.scorecard import Exclusions
from experiments.analysis.verdict import ReasonCode, Verdict, hopeless, judge
from experiments.analysis.wording import REASONS, sentence
from experiments.vocabulary import Direction, Source, VerdictState
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

BETTER, SAME, WORSE = (20_000, 2400), (20_000, 2010), (20_000, 1600)
CONTROL = (20_000, 2000)
TWO = ("a", "b")


def verdict(made, figures, **given) -> Verdict:
    return judge(made, build_scorecard(made, inputs(figures, **given)))


def codes(found: Verdict) -> list[ReasonCode]:
    return [reason.code for reason in found.reasons]


def guarded(treatment: float, **more):
    made = plan(decision(conversion()), guardrail(revenue(), margin=0.05), horizon_days=14, **more)
    figures = rates(CONTROL, BETTER)
    figures |= {("revenue", "control"): money(20_000, 10_000, 40.0)}
    return made, figures | {("revenue", "treatment"): money(20_000, 10_000, treatment)}


@pytest.mark.parametrize(
    ("treatment", "days", "state"),
    [
        (BETTER, 14.0, VerdictState.SHIP),
        (BETTER, 8.0, VerdictState.SHIP),
        (BETTER, 6.0, VerdictState.CONTINUE),
        (SAME, 8.0, VerdictState.CONTINUE),
        (SAME, 14.0, VerdictState.INCONCLUSIVE),
        (WORSE, 8.0, VerdictState.STOP_FOR_HARM),
        (WORSE, 2.0, VerdictState.STOP_FOR_HARM),
    ],
)
def test_judge__one_metric_with_a_horizon__follows_the_table(treatment, days, state):
    found = verdict(plan(horizon_days=14), rates(CONTROL, treatment), days=days)
    assert found.state is state
    assert found.winner == ("treatment" if state is VerdictState.SHIP else None)


@pytest.mark.parametrize(
    ("treatment", "state"),
    [
        (BETTER, VerdictState.SHIP),
        (SAME, VerdictState.INCONCLUSIVE),
        (WORSE, VerdictState.STOP_FOR_HARM),
    ],
)
def test_judge__recorded_and_over__never_continues(treatment, state):
    assert verdict(finished(), rates(CONTROL, treatment), days=None, source=Source.EXTERNAL).state is state


@pytest.mark.parametrize(("treatment", "state"), [(BETTER, VerdictState.SHIP), (SAME, VerdictState.CONTINUE)])
def test_judge__no_horizon__waits_as_long_as_it_takes(treatment, state):
    assert verdict(plan(), rates(CONTROL, treatment), days=90.0).state is state


def test_judge__guardrail_holds__ships_and_says_so():
    made, figures = guarded(40.1)
    found = verdict(made, figures, days=14.0)
    assert found.state is VerdictState.SHIP
    assert codes(found)[:2] == [ReasonCode.SUPERIOR, ReasonCode.GUARDRAIL_HOLDS]


@pytest.mark.parametrize(("days", "state"), [(8.0, VerdictState.CONTINUE), (14.0, VerdictState.INCONCLUSIVE)])
def test_judge__guardrail_not_shown__does_not_ship(days, state):
    made, figures = guarded(38.2)
    found = verdict(made, figures, days=days)
    assert found.state is state
    assert ReasonCode.GUARDRAIL_NOT_SHOWN in codes(found)


def test_judge__guardrail_harmed__stops_although_the_decision_metric_is_better():
    made, figures = guarded(34.0)
    found = verdict(made, figures, days=8.0)
    assert found.state is VerdictState.STOP_FOR_HARM
    assert (codes(found)[0], found.harmful) == (ReasonCode.HARM, ("treatment",))


def test_judge__guardrail_undefined__does_not_ship_and_says_why():
    made = plan(decision(conversion()), guardrail(conversion("refund"), direction=Direction.DECREASE), horizon_days=14)
    figures = rates(CONTROL, BETTER) | {("refund", v): rate(20_000, 0) for v in ("control", "treatment")}
    found = verdict(made, figures, days=14.0)
    assert found.state is VerdictState.INCONCLUSIVE
    assert found.reasons[1].params == {"metric": "refund", "variant": "treatment", "why": "NO_VARIANCE"}


def test_judge__blocking_check__is_invalid_whatever_the_effect():
    found = verdict(
        plan(horizon_days=14), rates(CONTROL, BETTER), days=14.0, units={"control": 20_000, "treatment": 18_000}
    )
    assert (found.state, found.winner) == (VerdictState.INVALID, None)
    assert found.reasons[0].params == {"check": "SAMPLE_RATIO"}


def test_judge__blocking_check_with_harm__asks_to_pause():
    found = verdict(plan(horizon_days=14), rates(CONTROL, WORSE), units={"control": 20_000, "treatment": 18_000})
    assert found.state is VerdictState.INVALID
    assert codes(found)[1] is ReasonCode.HARM_IN_INVALID
    assert found.harmful == ("treatment",)


def test_judge__warning__ships_with_the_warning():
    health = Health(Exclusions(mismatched_rows=10), rows=40_000)
    found = verdict(finished(), rates(CONTROL, BETTER), health=health, source=Source.EXTERNAL)
    assert found.state is VerdictState.SHIP
    assert found.reasons[-1].params == {"check": "EXPOSURE_MISMATCH"}


def test_judge__few_units__waits():
    found = verdict(plan(horizon_days=14), rates((80, 2), (80, 60)), days=8.0)
    assert found.state is VerdictState.CONTINUE
    assert codes(found)[0] is ReasonCode.TOO_FEW_UNITS


def test_judge__no_data__continues_with_the_reason():
    found = verdict(plan(horizon_days=14), rates((0, 0), (0, 0)), days=8.0)
    assert found.state is VerdictState.CONTINUE
    assert ReasonCode.UNDEFINED in codes(found)


def test_judge__several_pass_and_differ__proposes_the_best_and_says_it_is_better():
    found = verdict(finished(treatments=TWO), rates(CONTROL, BETTER, (20_000, 2900), treatments=TWO))
    assert found.winner == "b"
    assert codes(found)[:4] == [
        ReasonCode.SUPERIOR,
        ReasonCode.LARGEST_LOWER_BOUND,
        ReasonCode.ALSO_PASSES,
        ReasonCode.ARMS_SEPARATED,
    ]
    assert found.reasons[3].params["variant"] == "b"


def test_judge__several_pass_alike__claims_no_difference_between_them():
    found = verdict(finished(treatments=TWO), rates(CONTROL, (20_000, 2420), (20_000, 2400), treatments=TWO))
    assert found.winner == "a"
    item = next(reason for reason in found.reasons if reason.code is ReasonCode.ARMS_NOT_SEPARATED)
    assert (item.params["variant"], item.params["other"]) == ("a", "b")
    assert item.params["difference"] == pytest.approx(0.001)


def test_judge__harmful_arm_beside_a_passing_one__stops_while_running_and_ships_when_over():
    figures = rates(CONTROL, BETTER, WORSE, treatments=TWO)
    running = verdict(plan(horizon_days=14, treatments=TWO), figures, days=14.0)
    over = verdict(finished(treatments=TWO), figures)
    assert (running.state, running.harmful) == (VerdictState.STOP_FOR_HARM, ("b",))
    assert ReasonCode.ALSO_PASSES in codes(running)
    assert (over.state, over.winner, over.harmful) == (VerdictState.SHIP, "a", ("b",))


@pytest.mark.parametrize(
    ("requirement", "state"), [(Requirement.ANY, VerdictState.SHIP), (Requirement.ALL, VerdictState.INCONCLUSIVE)]
)
def test_judge__one_of_two_decision_metrics__is_enough_only_where_the_plan_says_any(requirement, state):
    made = finished(decision(conversion()), decision(revenue()), requirement=requirement)
    figures = rates(CONTROL, BETTER) | {("revenue", v): money(20_000, 2000, 30.0) for v in ("control", "treatment")}
    assert verdict(made, figures).state is state


def test_judge__non_inferiority_with_a_saving__ships_what_is_not_worse():
    made = finished(
        objective=Objective.NON_INFERIORITY_WITH_SAVING, objective_margin=0.1, declared_saving="half the servers"
    )
    found = verdict(made, rates(CONTROL, SAME))
    assert found.state is VerdictState.SHIP
    assert sentence(found.reasons[0]) == (
        "treatment is not worse on conversion by 10.00% or more, and it saves: half the servers."
    )
    assert verdict(made, rates((2000, 200), (2000, 195))).state is VerdictState.INCONCLUSIVE


def test_judge__after_the_horizon__does_not_ship_on_what_the_horizon_would_have_paid_for():
    made = plan(horizon_days=14)
    first = build_scorecard(made, inputs(rates(CONTROL, (20_000, 2100)), days=14.0))
    later = inputs(rates(CONTROL, (20_000, 2130)), days=15.0, history=History.of([first]))
    assert judge(made, build_scorecard(made, later)).state is VerdictState.INCONCLUSIVE


def test_judge__ships_later_on_what_was_paid_for_then__shows_the_interval_that_was_paid_for():
    made = plan(horizon_days=14, reserved_alpha=0.0)
    first = build_scorecard(made, inputs(rates(CONTROL, BETTER), days=14.0))
    later = inputs(rates(CONTROL, (20_000, 2040)), days=15.0, history=History.of([first]))
    found = judge(made, build_scorecard(made, later))
    reason = found.reasons[0]
    assert (found.state, reason.code) == (VerdictState.SHIP, ReasonCode.SUPERIOR)
    lower = reason.params["lower"]
    assert isinstance(lower, float)
    assert lower > 0.0


def test_judge__secondary_metric__decides_nothing():
    made = finished(decision(conversion()), secondary(revenue()))
    figures = rates(CONTROL, SAME)
    figures |= {("revenue", "control"): money(20_000, 2000, 30.0), ("revenue", "treatment"): money(20_000, 2000, 20.0)}
    assert verdict(made, figures).state is VerdictState.INCONCLUSIVE


def test_verdict__through_json__is_the_same():
    found = verdict(finished(treatments=TWO), rates(CONTROL, BETTER, WORSE, treatments=TWO))
    assert Verdict.from_dict(found.to_dict()) == found


def test_reasons__every_code__has_a_sentence():
    assert set(REASONS) == set(ReasonCode)


def test_sentence__conversion__shows_percentage_points():
    found = verdict(finished(), rates((145_274, 17_489), (145_310, 17_264)))
    assert sentence(found.reasons[0]) == (
        "treatment was not shown to be better on conversion: -0.158 pp (-0.394 pp to +0.078 pp)."
    )


def test_sentence__undefined__says_why_in_words():
    found = verdict(plan(horizon_days=14), rates((0, 0), (0, 0)), days=8.0)
    item = next(reason for reason in found.reasons if reason.code is ReasonCode.UNDEFINED)
    assert sentence(item) == "conversion cannot be estimated for treatment: there are no data."


def test_sentence__every_code__renders_with_the_figures_verdicts_give():
    made, figures = guarded(34.0)
    seen: dict[ReasonCode, str] = {}
    for found in (
        verdict(made, figures, days=8.0),
        verdict(made, figures, days=2.0, units={"control": 20_000, "treatment": 18_000}),
        verdict(finished(treatments=TWO), rates(CONTROL, BETTER, WORSE, treatments=TWO)),
        verdict(plan(horizon_days=14), rates((0, 0), (0, 0)), days=2.0),
    ):
        seen |= {reason.code: sentence(reason) for reason in found.reasons}
    assert len(seen) >= 8
    assert all("%(" not in text for text in seen.values())


def test_judge__every_treatment_futile__goes_on_and_says_so_first():
    made = plan(treatments=TWO, horizon_days=28)
    found = verdict(made, rates(CONTROL, (20_000, 1980), (20_000, 1990), treatments=TWO), days=20.0)
    assert found.state is VerdictState.CONTINUE
    assert codes(found)[:2] == [ReasonCode.FUTILE, ReasonCode.FUTILE]
    assert hopeless(made, found)
    assert "chance to show it by the end is" in sentence(found.reasons[0])


def test_judge__one_of_two_treatments_futile__says_so_last():
    made = plan(treatments=TWO, horizon_days=28)
    found = verdict(made, rates(CONTROL, (20_000, 1980), (20_000, 2110), treatments=TWO), days=20.0)
    assert (found.state, codes(found)[0]) == (VerdictState.CONTINUE, ReasonCode.NOT_SUPERIOR_YET)
    assert [r.params["variant"] for r in found.reasons if r.code is ReasonCode.FUTILE] == ["a"]
    assert not hopeless(made, found)


@pytest.mark.parametrize(("requirement", "said"), [(Requirement.ANY, False), (Requirement.ALL, True)])
def test_judge__one_of_two_metrics_futile__counts_where_all_are_required(requirement, said):
    made = plan(decision(conversion()), decision(conversion("m2")), horizon_days=28, requirement=requirement)
    figures = rates(CONTROL, (20_000, 1980)) | rates(CONTROL, (20_000, 2110), metric="m2")
    found = verdict(made, figures, days=20.0)
    assert (ReasonCode.FUTILE in codes(found)) is said


@pytest.mark.parametrize("days", [20.0, 28.0])
def test_judge__futility__never_changes_the_state(days):
    for treatment in ((20_000, 1980), (20_000, 2110), BETTER, WORSE):
        states = {
            verdict(plan(horizon_days=28, futility=asked), rates(CONTROL, treatment), days=days).state
            for asked in (True, False)
        }
        assert len(states) == 1


@pytest.mark.parametrize("horizon", [None, 28])
def test_judge__stronger_variant_tested_more_strictly__is_proposed_all_the_same(horizon):
    # Holm tests the strongest at half the alpha of the last one, whose own interval is shorter
    made = finished(treatments=TWO) if horizon is None else plan(treatments=TWO, horizon_days=horizon)
    for figures, winner in (((2215, 2205), "a"), ((2205, 2215), "b")):
        treated = [(20_000, count) for count in figures]
        found = verdict(made, rates(CONTROL, *treated, treatments=TWO), days=28.0)
        assert (found.state, found.winner) == (VerdictState.SHIP, winner)
