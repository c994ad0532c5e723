"""A finished test from rows or totals, and the second opinion on it."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from experiments.analysis.scorecard import Estimator
from experiments.recorded.workspace import opened_workspace
from experiments.trial.last_test import LastTest, TestUnclear, read_test
from experiments.trial.names import ColumnsUnclear
from experiments.trial.opinion import second_opinion
from experiments.trial.opinion_sentences import opinion_lines
from experiments.vocabulary import VerdictState
from tests.experiments.trial.material import write_lines

Reader = Callable[..., LastTest]


@pytest.fixture
def read(tmp_path: Path) -> Reader:
    def run(*lines: str) -> LastTest:
        with opened_workspace(tmp_path / "work") as workspace:
            return read_test(write_lines(tmp_path / "test.csv", *lines), workspace)

    return run


def test_read_test__totals__are_the_arms_with_the_control_first(read: Reader):
    test = read("variant,users,conversions,revenue,sd", "new,1000,60,5000,40.5", "control,990,50,4500,38")
    assert [(arm.name, arm.units, arm.converted) for arm in test.arms] == [("control", 990, 50), ("new", 1000, 60)]
    revenue = test.arms[1].revenue
    assert revenue is not None
    assert (revenue.n, revenue.sums) == (1000, (5_000_000_000,))
    assert not test.by_unit


def test_read_test__rows__are_users_once_each_and_crossovers_left_out(read: Reader):
    test = read(
        "分组,用户ID,是否转化,金额",
        "对照组,a,0,",
        "实验组,b,1,10.5",
        "实验组,b,1,4.5",
        "实验组,c,否,0",
        "对照组,c,0,0",
        "实验组,d,maybe,1",
        ",e,1,1",
    )
    assert [(arm.name, arm.units, arm.converted) for arm in test.arms] == [("对照组", 1, 0), ("实验组", 1, 1)]
    assert (test.rows, test.crossed) == (7, 1)
    assert test.left_out == {"converted is neither yes nor no": 1, "no variant": 1}
    revenue = test.arms[1].revenue
    assert revenue is not None
    assert revenue.sums == (15_000_000,)


def test_read_test__number_of_orders__is_a_conversion_from_one_on(read: Reader):
    test = read("variant,user,orders", "a,1,0", "a,2,3", "a,3,1.0", "b,4,12", "b,5,", "b,6,-1", "b,7,nan")
    assert [(arm.name, arm.units, arm.converted) for arm in test.arms] == [("a", 3, 2), ("b", 2, 1)]
    assert test.left_out == {"converted is neither yes nor no": 2}


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        (("variant,users,conversions", "a,10,1"), "there is one variant only"),
        (("variant,users,conversions", "a,10,1", "b,10,11"), "conversions of variant 'b' are no whole number between"),
        (("variant,users,conversions", "a,0,0", "b,10,1"), "users of variant 'a' are no whole number above 0"),
        (("variant,users,conversions", "a,10,1", "a,10,1"), "a variant has several rows"),
        (("variant,users,revenue", "a,10,1", "b,10,1"), "totals need conversions, or revenue with the standard"),
        (("variant,user_id", "a,1", "b,2"), "no column says what came out"),
        (("variant,converted", *(f"v{n},1" for n in range(30))), "has 30 values, too many for variants"),
    ],
)
def test_read_test__arms_that_cannot_be_compared__are_refused(read: Reader, lines, told):
    with pytest.raises(TestUnclear, match=told):
        read(*lines)


def test_read_test__no_variant__says_how_to_name_it(read: Reader):
    with pytest.raises(ColumnsUnclear, match="no column holds the variant"):
        read("user,converted", "a,1")


def test_second_opinion__clear_win__agrees_and_ships(read: Reader):
    opinion = second_opinion(read("variant,users,conversions", "control,20000,1000", "new,20000,1200"))
    assert (opinion.verdict.state, opinion.verdict.winner) == (VerdictState.SHIP, "new")
    told = "\n".join(opinion_lines(opinion, 0.25))
    assert "Your tool may have said +20.0%" in told
    assert "We say +20.0%" in told
    assert "Both agree that there is a difference." in told
    assert "calls 25% of tests without any effect" in told
    assert "Verdict: ship new." in told


def test_second_opinion__uneven_units__is_invalid_unless_the_split_was_planned(read: Reader):
    test = read("variant,users,conversions", "control,9000,450", "new,1000,60")
    opinion = second_opinion(test)
    assert opinion.verdict.state is VerdictState.INVALID
    assert "do NOT have the units" in "\n".join(opinion_lines(opinion, None))
    planned = second_opinion(test, shares={"control": 90.0, "new": 10.0})
    assert planned.verdict.state is VerdictState.INCONCLUSIVE


def test_second_opinion__few_conversions__uses_an_exact_test_where_a_tool_would_claim(read: Reader):
    opinion = second_opinion(read("variant,users,conversions", "control,200,6", "new,200,1"))
    (found,) = opinion.comparisons()
    assert found.estimator is Estimator.BOSCHLOO
    assert found.p_value is not None
    assert found.p_value > opinion.usual[0].p_value


def test_second_opinion__revenue_in_skewed_data__is_no_loser_where_the_delta_lift_says_so(read: Reader):
    rng = np.random.default_rng(2)
    claimed = disagreed = 0
    for _ in range(30):
        rows = [f"{arm},{np.where(rng.random() < 0.03, rng.lognormal(3.5, 1.2), 0.0):.2f}" for arm in "ab" * 400]
        opinion = second_opinion(read("variant,revenue", *rows))
        (found,) = opinion.comparisons()
        said = bool(opinion.usual) and opinion.usual[0].p_value < 0.05
        claimed += said
        disagreed += said and (found.p_value or 1.0) >= 0.05
    assert claimed >= 2
    assert disagreed >= claimed / 2


def test_second_opinion__three_variants__says_whether_any_differs(read: Reader):
    opinion = second_opinion(read("variant,users,conversions", "a,5000,250", "b,5000,320", "c,5000,260"))
    assert opinion.together is not None
    assert opinion.together.p_value < 0.05
    assert "All variants together: conversion differs" in "\n".join(opinion_lines(opinion, None))


def test_second_opinion__second_metric_with_a_p_value_below_the_floats__is_a_difference(read: Reader):
    lines = ("control,100000,5000,100000,1", "new,100000,5300,200000,1")
    told = "\n".join(opinion_lines(second_opinion(read("variant,users,conversions,revenue,sd", *lines)), None))
    assert told.count("Both agree that there is a difference.") == 2


def test_second_opinion__nobody_converted__says_nothing_and_why(read: Reader):
    opinion = second_opinion(read("variant,users,conversions", "a,100,0", "b,100,0"))
    told = "\n".join(opinion_lines(opinion, None))
    assert "We say nothing, because the values do not vary." in told
    assert "Verdict: inconclusive." in told
