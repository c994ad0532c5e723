import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from experiments.analysis.summaries import compare, conversions
from experiments.statistics.calculator import lift_for, power_for, units_for
from experiments.statistics.designs import Baseline, Design, Looks, Traffic, Watching, conversion
from experiments.vocabulary import MetricKind

USUAL = Looks(Watching.GROUP_SEQUENTIAL, 14, reserved=0.1)


def said(*arguments: str) -> str:
    out = StringIO()
    call_command("power", *arguments, stdout=out)
    return out.getvalue()


def figures(*arguments: str) -> dict:
    return json.loads(said(*arguments, "--json"))


def test_power__effect_alone__answers_with_the_units_of_the_default_plan():
    found, expected = (
        figures("--rate", "0.04", "--effect", "0.05"),
        units_for(Design(conversion(0.04), looks=USUAL), 0.05),
    )
    assert found["schema"] == 1
    assert (found["asked"], found["units"], found["control"]) == ("UNITS", expected.units, expected.control)


def test_power__fixed_horizon__is_the_textbook_formula():
    found = figures("--rate", "0.1", "--effect", "0.2", "--method", "fixed")
    # pooled under the null: (1.95996 sqrt(2 .11 .89) + .84162 sqrt(.1 .9 + .12 .88))^2 / .02^2
    assert (found["control"], found["units"]) == (3_841, 7_682)


def test_power__units_alone__answers_with_the_smallest_lift():
    found = figures("--kind", "mean", "--mean", "2.5", "--sd", "30", "--r2", "0.3", "--units", "100000")
    expected = lift_for(Design(Baseline(2.5, 30.0, r2=0.3), looks=USUAL), 100_000.0)
    assert (found["asked"], found["lift"]) == ("LIFT", expected.lift)


def test_power__effect_and_days__answers_with_the_power():
    arguments = ("--rate", "0.04", "--effect", "0.1", "--days", "28", "--per-day", "4000", "--treatments", "2")
    design = Design(conversion(0.04), treatments=2, looks=USUAL, traffic=Traffic(4_000.0))
    found = figures(*arguments)
    assert (found["asked"], found["power"]) == ("POWER", power_for(design, 0.1, 84_000.0).power)
    assert [week["reason"] for week in found["by_week"]][:2] == ["WINDOW_OPEN", None]


def test_power__guardrails_clusters_and_triggering__reach_the_design():
    found = figures(
        *("--kind", "ratio", "--mean", "0.3", "--sd", "0.4", "--absolute-effect", "0.006", "--triggered", "0.5"),
        *("--cluster-size", "4", "--icc", "0.1", "--guardrail", "name=errors,rate=0.01,margin=0.2,lower-is-better"),
        *("--guardrail", "name=revenue,mean=2,sd=20,margin=.1,alpha=.1,r2=.2"),
    )
    assert found["lift"] == pytest.approx(0.02)
    assert found["units"] == pytest.approx(2 * found["analysed"], abs=1)
    assert found["design_effect"] == pytest.approx(1.3)
    assert [each["name"] for each in found["guardrails"]] == ["errors", "revenue"]
    assert found["ship_power"] == pytest.approx(0.8, abs=1e-5)


def test_power__ratio_from_its_parts__is_linearised():
    parts = ("--numerator", "10", "--denominator", "5", "--numerator-sd", "3", "--denominator-sd", "1")
    found = figures("--kind", "ratio", *parts, "--correlation", "0", "--effect", "0.05", "--method", "fixed")
    plain = figures("--kind", "ratio", "--mean", "2", "--sd", str(13**0.5 / 5), "--effect", "0.05", "--method", "fixed")
    assert found["units"] == plain["units"]


def test_power__for_people__says_effect_units_duration_and_looks():
    text = said("--rate", "0.04", "--effect", "-0.05", "--per-day", "20000", "--guardrail", "name=g,rate=.5,margin=.05")
    for part in (
        "-5% (4% to 3.8%)",
        "guardrail g",
        "in control",
        "whole weeks",
        "14, group sequential",
        "Smallest lift",
    ):
        assert part in text
    assert "nan" not in text.lower()


@pytest.mark.parametrize("method", ["fixed", "confidence-sequence"])
def test_power__every_method__is_named(method):
    text = said("--rate", "0.04", "--effect", "0.05", "--method", method)
    assert ("one, at the end" in text) is (method == "fixed")
    assert ("confidence sequence" in text) is (method != "fixed")


def test_power__compare_conversions__gives_the_figures_of_the_analysis():
    found = figures("--compare", "--control", "10000", "400", "--treatment", "10000", "460", "--treatment", "9000", "0")
    expected = compare(
        MetricKind.CONVERSION, conversions(10_000, 400), [conversions(10_000, 460), conversions(9_000, 0)]
    )
    assert [each["p_adjusted"] for each in found["comparisons"]] == [each.p_adjusted for each in expected]
    assert found["comparisons"][0]["estimator"] == "SCORE"
    assert found["comparisons"][1]["lift"] == -1.0


def test_power__compare_for_people__says_difference_lift_and_p():
    text = said(
        "--compare", "--kind", "mean", "--control", "5000", "-1.5", "20", "--treatment", "5000", "2", "20", "150"
    )
    for part in ("difference  3.5", "lift        does not exist", "control is below 0", "p  ", "Welch's t"):
        assert part in text
    several = said("--compare", "--control", "100", "9", "--treatment", "100", "12", "--treatment", "0", "0")
    assert "Holm" in several
    assert "cannot be compared: an arm has no units" in several


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("--effect", "0.05"), "--rate"),
        (("--rate", "0.04"), "--effect"),
        (("--rate", "4", "--effect", "0.05"), "CALCULATION_INVALID\n--rate: "),
        (("--rate", "nan", "--effect", "0.05"), "rate"),
        (("--rate", "0.04", "--effect", "0"), "--effect: "),
        (("--rate", "0.04", "--effect", "0.05", "--absolute-effect", "0.01"), "--absolute-effect"),
        (("--rate", "0.04", "--units", "100", "--days", "5"), "--days"),
        (("--rate", "0.04", "--days", "5"), "--per-day"),
        (("--rate", "0.04", "--days", "5", "--per-day", "100"), "window of 7 days"),
        (("--rate", "0.04", "--effect", "0.05", "--method", "fixed", "--looks", "3"), "looks"),
        (("--rate", "0.04", "--effect", "0.05", "--icc", "0.1"), "--cluster-size"),
        (("--kind", "mean", "--mean", "2", "--effect", "0.05"), "--sd"),
        (("--kind", "ratio", "--numerator", "2", "--effect", "0.05"), "--denominator"),
        (("--rate", "0.04", "--effect", "0.05", "--guardrail", "rate=0.1"), "margin"),
        (
            ("--rate", "0.04", "--effect", "0.05", "--guardrail", "rate=0.1,mean=2,sd=1,margin=.1"),
            "--guardrail 1: needs either rate",
        ),
        (("--rate", "0.04", "--effect", "0.05", "--guardrail", "rate=x,margin=.1"), "is not a number"),
        (("--rate", "0.04", "--effect", "0.05", "--guardrail", "rate=.1,margin=.1,color=2"), "'color'"),
        (("--rate", "0.04", "--effect", "0.05", "--guardrail", "rate=.1,margin=.1,lower-is-better=1"), "no value"),
        (("--rate", "0.04", "--effect", "0.05", "--guardrail", "rate=.1,margin=2"), "--guardrail 1, margin: "),
        (("--compare",), "--control"),
        (("--compare", "--control", "10", "1"), "--treatment"),
        (("--compare", "--control", "10", "1", "--treatment", "10"), "--treatment: needs units, conversions"),
        (("--compare", "--control", "10", "11", "--treatment", "10", "1"), "--control, conversions: "),
        (("--compare", "--control", "10.5", "1", "--treatment", "10", "1"), "--control, units: must be a whole number"),
        (("--compare", "--kind", "mean", "--control", "10", "x", "1", "--treatment", "10", "1", "1"), "not a number"),
        (
            ("--compare", "--kind", "ratio", "--control", "10", "1", "--treatment", "10", "1"),
            "--treatment: needs units, numerator",
        ),
        (("--compare", "--control", "10", "1", "--treatment", "10", "1", "--split", "1"), "--split"),
        (("--compare", "--control", "10", "1", "--treatment", "10", "1", "--split", "1", "0"), "--split"),
        (("--compare", "--control", "10", "1", "--treatment", "10", "1", "--alpha", "2"), "--alpha"),
    ],
)
def test_power__unclear_or_impossible_options__say_what_to_do_and_print_nothing(arguments, named):
    out = StringIO()
    with pytest.raises(CommandError) as caught:
        call_command("power", *arguments, stdout=out)
    assert named in str(caught.value)
    assert "\n  fix: " in str(caught.value)
    assert out.getvalue() == ""
