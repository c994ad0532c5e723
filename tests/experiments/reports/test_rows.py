"""Rows of the board: undefined and unbounded figures are words, and p-values are named for what they are."""

from dataclasses import replace

import pytest

from experiments.analysis.plan import AnalysisPlan, SequentialMethod
from experiments.analysis.scorecard import (
    Comparison,
    FinalFigures,
    FutilityFigures,
    Interval,
    IntervalStatus,
    SensitivityFigures,
    UndefinedReason,
)
from experiments.reports.figures import shape_of
from experiments.reports.forest import Axis
from experiments.reports.page import Row
from experiments.reports.rows import Subject, row_of
from tests.experiments.reports import material

CONVERSION, REFUNDS, REVENUE = material.comparisons()


def row(comparison: Comparison, *, plan: AnalysisPlan | None = None, relative: bool = True) -> Row:
    """Return the comparison's row on an axis from -30% to +30%, or from -1 to +1."""
    plan = plan or material.plan()
    planned = plan.metric(comparison.metric)
    subject = Subject(planned, plan, shape_of(planned.spec), "USD", relative)
    return row_of(comparison, subject, Axis(0.3 if relative else 1.0), number=1, variant="Free", metric="Metric")


def details(found: Row) -> dict[str, str]:
    """Return the row's details by label."""
    return {str(fact.label): str(fact.value) for fact in found.details}


def test_row__relative__shows_values_raw_sums_and_the_interval_that_may_be_read() -> None:
    found = row(CONVERSION)
    assert (found.control.value, found.control.total, found.control.units) == ("10.00%", "2,000", "20,000")
    assert (found.arm.value, found.arm.total) == ("10.60%", "2,120")
    assert (found.effect, found.interval) == ("+6.0%", "0.0% to +12.0%")
    assert (found.signal, found.glyph) == ("no difference shown", "■")


def test_row__absolute__shows_percentage_points() -> None:
    found = row(CONVERSION, relative=False)
    assert (found.effect, found.interval) == ("+0.60 pp", "0.00 pp to +1.20 pp")


def test_row__money__carries_the_currency() -> None:
    found = row(REVENUE, relative=False)
    assert (found.control.value, found.control.total) == ("5.000 USD", "100,000.00 USD")
    assert (found.effect, found.interval) == ("+0.210 USD", "−0.240 USD to +0.660 USD")


def test_row__cuped__has_a_badge_and_the_figures_without_it() -> None:
    found = row(REVENUE)
    assert found.badges == ("CUPED −32% variance",)
    assert details(found)["Without CUPED"] == "+3.8% (−4.2% to +11.8%)"


def test_row__capped__has_a_badge_and_the_figures_without_the_cap() -> None:
    uncapped = SensitivityFigures(material.estimate(0.3, 0.5), material.estimate(0.06, 0.1), 0.24)
    found = row(replace(REVENUE, uncapped=uncapped))
    assert found.badges == ("CUPED −32% variance", "capped")
    assert details(found)["Without the cap"] == "+6.0% (−4.0% to +16.0%)"


def test_row__filtered__has_the_figures_with_everybody() -> None:
    everybody = SensitivityFigures(material.estimate(0.3, 0.5), material.estimate(0.06, 0.1), 0.24)
    found = row(replace(CONVERSION, unfiltered=everybody))
    assert details(found)["With everybody whom filters leave out"] == "+6.0% (−4.0% to +16.0%)"


@pytest.mark.parametrize("reason", list(UndefinedReason))
def test_row__undefined__is_words_and_no_bar(reason: UndefinedReason) -> None:
    found = row(material.undefined(CONVERSION, reason))
    assert found.effect == "not defined"
    assert str(found.words).startswith("Not defined: ")
    assert (found.bar, found.interval, found.p_value) == (None, "", "")
    assert "0" not in found.effect


def test_row__unbounded__is_words_and_no_bar_beside_the_point() -> None:
    assert CONVERSION.sequential is not None
    endless = Interval(IntervalStatus.UNBOUNDED, None, None, UndefinedReason.CONTROL_TOO_NOISY)
    found = row(replace(CONVERSION, sequential=replace(CONVERSION.sequential, lift=endless)))
    assert found.words == "The interval has no end: control is too noisy."
    assert (found.bar, found.interval, found.effect) == (None, "", "+6.00%")


def test_row__interval_before_any_alpha_is_spent__says_that_there_is_none_yet() -> None:
    assert CONVERSION.sequential is not None
    nothing = Interval(IntervalStatus.UNDEFINED, reason=UndefinedReason.NO_ALPHA_LEFT)
    found = row(replace(CONVERSION, sequential=replace(CONVERSION.sequential, lift=nothing)))
    assert str(found.words).startswith("No interval yet: ")
    assert found.bar is None


def test_row__infinite_total__is_not_defined() -> None:
    arm = replace(REVENUE.control, numerator=None, value=None)
    found = row(replace(REVENUE, control=arm))
    assert (found.control.value, found.control.total) == ("not defined", "not defined")


def test_guardrail__margin__lies_on_the_bad_side() -> None:
    found = row(REFUNDS)
    assert found.bar is not None
    assert found.bar.margin == f"{(0.05 + 0.3) / 0.6 * 200:.2f}"
    assert "margin +5.00%" in str(found.picture)
    higher_is_better = replace(REFUNDS.non_inferiority, margin=0.1) if REFUNDS.non_inferiority else None
    bar = row(replace(CONVERSION, non_inferiority=higher_is_better)).bar
    assert bar is not None
    assert bar.margin == f"{(-0.1 + 0.3) / 0.6 * 200:.2f}"


def once(comparison: Comparison, *, adjusted: float | None) -> Comparison:
    """Return the comparison as a plan that looks once gives it."""
    assert comparison.sequential is not None
    seen = replace(comparison.sequential, method=SequentialMethod.FIXED_HORIZON, alpha=0.025)
    return replace(comparison, sequential=seen, p_adjusted=adjusted)


def valid(comparison: Comparison, *, adjusted: float | None) -> Comparison:
    """Return the comparison as a confidence sequence gives it."""
    assert comparison.sequential is not None
    seen = replace(comparison.sequential, method=SequentialMethod.CONFIDENCE_SEQUENCE, p_value=0.04)
    return replace(comparison, sequential=seen, p_adjusted=adjusted)


@pytest.mark.parametrize(
    ("comparison", "shown"),
    [
        (CONVERSION, ("0.0030", "at this look only")),
        (once(CONVERSION, adjusted=0.003), ("0.0030", "one look")),
        (once(CONVERSION, adjusted=0.006), ("0.0060", "adjusted (Holm)")),
        (valid(CONVERSION, adjusted=0.04), ("0.040", "always valid")),
        (valid(CONVERSION, adjusted=0.08), ("0.080", "always valid, adjusted (Holm)")),
    ],
)
def test_p_value__is_named_for_what_it_is(comparison: Comparison, shown: tuple[str, str]) -> None:
    found = row(comparison)
    assert (found.p_value, found.p_name) == shown


def test_interval__one_look_of_several_tests__is_ordinary_with_the_corrected_one_in_the_details() -> None:
    found = row(once(CONVERSION, adjusted=0.006))
    assert found.interval == "+2.0% to +10.0%"
    assert details(found)["Interval"] == "95% interval, valid for one look"
    assert details(found)["Interval corrected for several tests (97.5%)"] == "0.0% to +12.0%"


def test_interval__after_the_horizon__says_so() -> None:
    assert CONVERSION.sequential is not None
    later = replace(CONVERSION.sequential, method="GROUP_SEQUENTIAL_AFTER_HORIZON", alpha=0.005)
    assert details(row(replace(CONVERSION, sequential=later)))["Interval"] == (
        "99.5% interval, valid after the planned horizon"
    )


def test_row__stopped_early__shows_the_corrected_effect_below_the_interval() -> None:
    final = FinalFigures(
        0.012, 0.0051, material.bounded(0.0009, 0.0098), 0.051, material.bounded(0.009, 0.098), look=9, alpha=0.045
    )
    found = row(replace(CONVERSION, final=final))
    assert found.after_stop == ("corrected for stopping:", "+5.10% (+0.90% to +9.80%)")
    assert details(found)["Corrected for stopping at look 9"] == "95.5% interval, p 0.012"
    assert row(replace(CONVERSION, final=final), relative=False).after_stop == (
        "corrected for stopping:",
        "+0.510 pp (+0.090 pp to +0.980 pp)",
    )
    assert row(replace(CONVERSION, final=replace(final, look=1))).after_stop == ()
    assert row(CONVERSION).after_stop == ()


def test_row__futility__is_among_the_details() -> None:
    found = row(replace(CONVERSION, futility=FutilityFigures(-0.2, 0.4, 0.043, True)))
    assert details(found)["Chance to show the planned effect by the end, if it is true"] == "4%"


def test_row__guardrail__draws_the_interval_of_its_test() -> None:
    assert REFUNDS.non_inferiority is not None
    test = replace(
        REFUNDS.non_inferiority, lift=material.bounded(-0.08, 0.049), absolute=material.bounded(-0.0032, 0.00196)
    )
    found = row(replace(REFUNDS, non_inferiority=test))
    assert (found.interval, found.signal) == ("−8.00% to +4.90%", "within the margin")
    assert details(found)["Interval"] == "each end holds at 95%, like the test against the margin"
    assert row(REFUNDS).interval != found.interval
