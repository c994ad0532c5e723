"""A second opinion in words: what a usual tool may have said, and what the plan says."""

from collections.abc import Iterator

from experiments.analysis.scorecard import Comparison, Crossing, Estimator, FigureStatus, Outcome
from experiments.analysis.wording import UNDEFINED
from experiments.statistics.results import Interval
from experiments.trial.last_test import LastTest
from experiments.trial.opinion import CONVERSION, Opinion, Usual
from experiments.vocabulary import MetricRole, VerdictState

_SURE = 0.05
_NAMES = {CONVERSION: "conversion", "revenue": "revenue per user"}
_ESTIMATORS = {
    Estimator.SCORE: "score test",
    Estimator.BOSCHLOO: "Boschloo's exact test, because there are few conversions",
    Estimator.FISHER: "Fisher's exact test, because there are few conversions",
    Estimator.WELCH: "Welch's t",
    Estimator.WELCH_NULL_RESTRICTED: "Welch's t with the more careful error for uneven or few buyers",
}


def opinion_lines(opinion: Opinion, peeking: float | None) -> Iterator[str]:
    """Yield the lines of a second opinion; `peeking` is the share of false alarms of daily looks, if known."""
    yield f"YOUR LAST TEST: {opinion.test.file}"
    yield from _arms(opinion.test)
    yield from _sample_ratio(opinion)
    for found in opinion.comparisons():
        yield from _comparison(opinion, found)
    if opinion.together is not None:
        yield (
            f"  All variants together: conversion {'differs' if opinion.together.p_value < _SURE else 'may be equal'}"
            f" (p = {_p(opinion.together.p_value)})."
        )
    if peeking is not None:
        yield (
            "  If somebody looked every evening and stopped at the first p < .05: on your own data that calls"
            f" {peeking:.0%} of tests without any effect."
        )
    yield from _verdict(opinion)


def _arms(test: LastTest) -> Iterator[str]:
    told = ", ".join(
        f"{arm.name} {arm.units:,}" + (" (taken for the control)" if arm is test.arms[0] else "") for arm in test.arms
    )
    yield f"  Units: {told}."
    if test.crossed:
        yield f"  {test.crossed:,} units were in several variants; they are left out."
    for reason, number in test.left_out.items():
        yield f"  Left out: {number:,} rows, {reason}."


def _sample_ratio(opinion: Opinion) -> Iterator[str]:
    found = opinion.scorecard.check("SAMPLE_RATIO")
    p = found.figures.get("p")
    if found.outcome is Outcome.NOT_APPLICABLE or not isinstance(p, float):
        return
    if found.outcome is Outcome.FAILED:
        yield f"  Sample ratio: the variants do NOT have the units their split gives them (p = {_p(p)}). Find out why"
        yield "  first: no figure below can be trusted. If the split was not even, say so: --split control=90,new=10."
    else:
        yield f"  Sample ratio: as planned (p = {_p(p)})."


def _comparison(opinion: Opinion, found: Comparison) -> Iterator[str]:
    name = _NAMES.get(found.metric, found.metric)
    usual = next((u for u in opinion.usual if (u.metric, u.variant) == (found.metric, found.variant)), None)
    yield f"  {found.variant}, {name}:"
    if usual is not None:
        yield f"    Your tool may have said {_percent(usual.lift)}, p = {_p(usual.p_value)}."
    if found.status is FigureStatus.UNDEFINED or found.p_value is None:
        why = UNDEFINED.get(str(found.reason), "it cannot be estimated")
        yield f"    We say nothing, because {why}."
        return
    how = "" if found.estimator is None else f" ({_ESTIMATORS.get(found.estimator, str(found.estimator))})"
    between = _interval(found.lift.interval)
    yield f"    We say {_percent(found.lift.value)}, between {between}, p = {_p(found.p_value)}{how}."
    yield f"    {_judgement(found, usual)}"


def _judgement(found: Comparison, usual: Usual | None) -> str:
    crossed = Crossing.NONE if found.sequential is None else found.sequential.crossed
    alone = found.p_value is not None and found.p_value < _SURE
    clear = crossed is not Crossing.NONE if found.role is MetricRole.DECISION else alone
    said = usual is not None and usual.p_value < _SURE
    if clear and said:
        return "Both agree that there is a difference."
    if clear:
        return "There is a difference, though your tool may have missed it."
    if said:
        return "That is not enough: chance alone gives as much too often."
    return "Neither shows a difference. That is no proof that there is none: the interval says what is still possible."


def _verdict(opinion: Opinion) -> Iterator[str]:
    state, winner = opinion.verdict.state, opinion.verdict.winner
    if state is VerdictState.SHIP:
        yield f"  Verdict: ship {winner}."
    elif state is VerdictState.INVALID:
        yield "  Verdict: invalid. Repair the sample ratio and test again."
    elif state is VerdictState.STOP_FOR_HARM:
        yield f"  Verdict: do not ship {', '.join(opinion.verdict.harmful)}: worse than the control."
    else:
        yield "  Verdict: inconclusive. Nothing here justifies a change."


def _percent(share: float | None) -> str:
    return "no lift (the control is 0)" if share is None else f"{share:+.1%}"


def _interval(interval: Interval) -> str:
    if interval.lower is None and interval.upper is None:
        return "no bounds at all (the control is too noisy)"
    lower = "no lower end" if interval.lower is None else f"{interval.lower:+.1%}"
    upper = "no upper end" if interval.upper is None else f"{interval.upper:+.1%}"
    return f"{lower} and {upper}"


def _p(value: float) -> str:
    return "below .0001" if value < 0.0001 else f"{value:.4f}".lstrip("0") if value < 1.0 else "1"
