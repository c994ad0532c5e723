"""What a comparison is said to show: the truth table of role, boundary, margin and harm."""

from dataclasses import replace

import pytest

from experiments.analysis.plan import SequentialMethod
from experiments.analysis.scorecard import Comparison, Crossing, UndefinedReason
from experiments.reports import signals
from experiments.reports.wording import Words
from experiments.vocabulary import MetricRole
from tests.experiments.reports import material

CONVERSION, REFUNDS, REVENUE = material.comparisons()


def crossing(comparison: Comparison, crossed: Crossing) -> Comparison:
    """Return the comparison with another crossing."""
    assert comparison.sequential is not None
    return replace(comparison, sequential=replace(comparison.sequential, crossed=crossed))


@pytest.mark.parametrize("role", [MetricRole.DECISION, MetricRole.SECONDARY])
@pytest.mark.parametrize(
    ("crossed", "signal"),
    [(Crossing.BETTER, signals.BETTER), (Crossing.WORSE, signals.WORSE), (Crossing.NONE, signals.NOTHING)],
)
def test_signal__decision_or_secondary__is_the_crossing(role: MetricRole, crossed: Crossing, signal: Words) -> None:
    assert signals.signal_of(replace(crossing(CONVERSION, crossed), role=role)) is signal


@pytest.mark.parametrize("crossed", list(Crossing))
@pytest.mark.parametrize(("passed", "signal"), [(True, signals.HOLDS), (False, signals.NOT_HELD)])
def test_signal__guardrail__is_its_margin_whatever_the_crossing(crossed: Crossing, passed: bool, signal: Words) -> None:
    assert REFUNDS.non_inferiority is not None
    found = replace(crossing(REFUNDS, crossed), non_inferiority=replace(REFUNDS.non_inferiority, passed=passed))
    assert signals.signal_of(found) is signal


def test_signal__guardrail_without_a_test__is_not_held() -> None:
    assert signals.signal_of(replace(REFUNDS, non_inferiority=None)) is signals.NOT_HELD


def test_signal__diagnostic__claims_nothing() -> None:
    found = replace(crossing(CONVERSION, Crossing.BETTER), role=MetricRole.DIAGNOSTIC)
    assert signals.signal_of(found) is signals.INFORMATION


@pytest.mark.parametrize("comparison", [CONVERSION, REFUNDS])
def test_signal__harm__comes_before_everything(comparison: Comparison) -> None:
    assert REFUNDS.harm is not None
    assert signals.signal_of(replace(comparison, harm=replace(REFUNDS.harm, crossed=True))) is signals.HARM


def test_signal__undefined__is_neither_good_nor_bad() -> None:
    found = material.undefined(CONVERSION, UndefinedReason.ZERO_CONTROL)
    assert signals.signal_of(found) is signals.UNDEFINED


def test_signals__differ_in_word_and_glyph_or_tone__never_in_colour_alone() -> None:
    told = [signals.BETTER, signals.WORSE, signals.NOTHING, signals.HOLDS, signals.NOT_HELD, signals.HARM]
    assert len({str(words.label) for words in told}) == len(told)
    assert signals.BETTER.glyph != signals.WORSE.glyph != signals.NOTHING.glyph


@pytest.mark.parametrize("relative", [True, False])
def test_interval__several_looks__is_the_one_valid_at_every_look(relative: bool) -> None:
    seen = CONVERSION.sequential
    assert seen is not None
    assert signals.interval_of(CONVERSION, relative=relative) == (seen.lift if relative else seen.absolute)


@pytest.mark.parametrize("relative", [True, False])
def test_interval__one_look__is_the_ordinary_one(relative: bool) -> None:
    assert CONVERSION.sequential is not None
    once = replace(CONVERSION, sequential=replace(CONVERSION.sequential, method=SequentialMethod.FIXED_HORIZON))
    ordinary = CONVERSION.lift.interval if relative else CONVERSION.absolute.interval
    assert signals.interval_of(once, relative=relative) == ordinary
