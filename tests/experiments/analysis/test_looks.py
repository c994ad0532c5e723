from dataclasses import replace

import pytest

from experiments.analysis.build import build_scorecard
from experiments.analysis.inputs import History
from experiments.analysis.plan import SequentialMethod
from experiments.analysis.scorecard import Crossing, IntervalStatus, Scorecard, SequentialFigures, UndefinedReason
from experiments.statistics.distributions import normal_isf
from experiments.statistics.group_sequential import lan_demets
from experiments.vocabulary import Direction
from tests.experiments.analysis.builders import (
    conversion,
    decision,
    guardrail,
    inputs,
    money,
    plan,
    rate,
    rates,
    revenue,
)

HORIZON = plan(horizon_days=28)


def look(made, control, treatment, days, past=()) -> Scorecard:
    return build_scorecard(made, inputs(rates(control, treatment), days=days, history=History.of(past)))


def figures(card: Scorecard) -> SequentialFigures:
    found = card.comparisons[0].sequential
    assert found is not None
    return found


def test_group_sequential__looks_by_calendar__use_the_spending_bounds_at_the_information_seen():
    cards: list[Scorecard] = []
    for week in (1, 2, 3, 4):
        n = 5000 * week
        cards.append(look(HORIZON, (n, n // 10), (n, n // 10 + 5 * week), 7.0 * week, cards))
    seen = [figures(card) for card in cards]
    assert [found.spent_fraction for found in seen] == [0.25, 0.5, 0.75, 1.0]
    expected = lan_demets(
        tuple(found.information for found in seen if found.information is not None),
        0.045,
        fractions=(0.25, 0.5, 0.75, 1.0),
    )
    assert [found.bound for found in seen] == pytest.approx(list(expected))
    assert [card.look for card in cards] == [1, 2, 3, 4]
    assert all(found.alpha == pytest.approx(0.045) for found in seen)


def test_group_sequential__planned_information__is_the_clock():
    metric = decision(conversion(), planned_information=4.0 * 2000 / (2 * 0.1 * 0.9) / 2)
    found = figures(look(plan(metric, horizon_days=28), (1000, 100), (1000, 100), 20.0))
    assert found.information == pytest.approx(1000 / (2 * 0.1 * 0.9))
    assert found.spent_fraction == found.information_fraction == pytest.approx(0.25)


def test_group_sequential__last_planned_day__spends_everything_whatever_the_information():
    metric = decision(conversion(), planned_information=1e9)
    found = figures(look(plan(metric, horizon_days=28), (1000, 100), (1000, 160), 28.0))
    assert found.spent_fraction == 1.0
    assert found.bound == pytest.approx(normal_isf(0.0225))
    assert found.crossed is Crossing.BETTER


def test_group_sequential__after_the_horizon__only_the_reserved_alpha_is_left():
    last = look(HORIZON, (4000, 400), (4000, 440), 28.0)
    later = figures(look(HORIZON, (6000, 600), (6000, 700), 35.0, [last]))
    assert later.method == "GROUP_SEQUENTIAL_AFTER_HORIZON"
    assert later.alpha == pytest.approx(0.005)
    assert later.bound is not None
    assert later.bound > 3.0
    assert later.p_value is not None


def test_group_sequential__nothing_reserved__claims_nothing_after_the_horizon():
    made = replace(HORIZON, reserved_alpha=0.0)
    last = look(made, (4000, 400), (4000, 440), 28.0)
    later = figures(look(made, (6000, 600), (6000, 900), 35.0, [last]))
    assert (later.bound, later.reason, later.crossed) == (None, UndefinedReason.NO_ALPHA_LEFT, Crossing.NONE)
    assert later.absolute.status is IntervalStatus.UNDEFINED


def test_group_sequential__crossed_at_an_earlier_look__stays_crossed_on_its_side():
    first = look(HORIZON, (9000, 900), (9000, 1200), 14.0)
    assert figures(first).crossed is Crossing.BETTER
    weaker = figures(look(HORIZON, (9500, 950), (9500, 990), 15.0, [first]))
    turned = figures(look(HORIZON, (9500, 990), (9500, 950), 15.0, [first]))
    assert weaker.crossed is Crossing.BETTER
    assert turned.crossed is Crossing.NONE


def test_group_sequential__first_minutes__have_no_bound_yet():
    found = figures(look(HORIZON, (100, 10), (100, 60), 0.02))
    assert (found.bound, found.reason) == (None, UndefinedReason.NO_ALPHA_LEFT)


def test_confidence_sequence__few_conversions__has_not_started():
    found = figures(look(plan(), (1000, 60), (1000, 130), 3.0))
    assert (found.bound, found.reason, found.p_value) == (None, UndefinedReason.TOO_FEW_CONVERSIONS, None)


def test_confidence_sequence__treatment_without_any_conversion__starts_all_the_same():
    # a broken checkout must not keep the alarm from starting
    found = look(plan(), (3000, 300), (3000, 0), 3.0).comparisons[0]
    assert found.harm is not None
    assert (found.harm.started, found.harm.crossed) == (True, True)


def test_confidence_sequence__bound_and_p_value__agree():
    for treatment in (1100, 1150, 1180, 1200, 1250):
        found = figures(look(plan(), (10_000, 1000), (10_000, treatment), 9.0))
        assert found.p_value is not None
        assert (found.crossed is Crossing.BETTER) is (found.p_value <= 0.05)
        assert found.absolute.lower is not None
        assert (found.absolute.lower > 0.0) is (found.crossed is Crossing.BETTER)


def test_confidence_sequence__planned_information__is_tightest_there():
    early, late = (
        figures(look(plan(decision(conversion(), planned_information=at)), (10_000, 1000), (10_000, 1000), 9.0)).bound
        for at in (10_000 / 0.18, 1e9)
    )
    assert early is not None
    assert late is not None
    assert early < late


def test_guardrail__repeated_looks__reach_a_bound_above_the_single_look():
    made = plan(decision(conversion()), guardrail(revenue()), horizon_days=28)
    sums = rates((5000, 500), (5000, 520)) | {("revenue", v): money(5000, 500, 30.0) for v in ("control", "treatment")}
    found = build_scorecard(made, inputs(sums, days=14.0)).comparison("revenue", "treatment").non_inferiority
    assert found is not None
    assert found.bound is not None
    assert found.bound > normal_isf(0.05)
    assert found.alpha == pytest.approx(0.045)


def test_harm__level__is_shared_over_watched_metrics_and_arms():
    made = plan(decision(conversion()), guardrail(revenue()), treatments=("a", "b"))
    sums = rates((500, 50), (500, 52), (500, 51), treatments=("a", "b"))
    sums |= {("revenue", v): money(500, 50, 30.0) for v in ("control", "a", "b")}
    card = build_scorecard(made, inputs(sums))
    assert {found.harm.alpha for found in card.comparisons if found.harm} == {0.025 / 4}


def test_harm__worse_but_within_the_margin__is_tolerated():
    def harm(treatment: int) -> bool:
        made = plan(decision(revenue()), guardrail(conversion(), margin=0.1))
        sums = rates((100_000, 10_000), (100_000, treatment)) | {
            ("revenue", v): money(100_000, 9000, 30.0) for v in ("control", "treatment")
        }
        found = build_scorecard(made, inputs(sums)).comparison("conversion", "treatment").harm
        assert found is not None
        return found.crossed

    assert not harm(9200)
    assert harm(8900)


def test_harm__lower_is_better__alarms_upwards():
    made = plan(decision(conversion()), guardrail(conversion("refund"), margin=0.1, direction=Direction.DECREASE))
    sums = rates((20_000, 2000), (20_000, 2000))
    sums |= {("refund", "control"): rate(20_000, 1000), ("refund", "treatment"): rate(20_000, 1400)}
    found = build_scorecard(made, inputs(sums)).comparison("refund", "treatment").harm
    assert found is not None
    assert found.crossed
    assert found.bound is not None
    assert found.bound > 0.0


def test_fixed_horizon__single_look__uses_plain_multipliers():
    made = plan(method=SequentialMethod.FIXED_HORIZON)
    found = figures(look(made, (1000, 100), (1000, 130), 10.0))
    assert found.bound == pytest.approx(normal_isf(0.025))
    assert (found.spent_fraction, found.p_value) == (None, None)
