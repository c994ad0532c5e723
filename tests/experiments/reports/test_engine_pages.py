"""Pages of scorecards as the engine itself makes them, at every end it can come to."""

import re
from dataclasses import fields, is_dataclass, replace
from functools import cache

import pytest

from experiments.analysis.build import build_scorecard
from experiments.analysis.inputs import AnalysisInputs, Health
from experiments.analysis.plan import AnalysisPlan
from experiments.analysis.scorecard import Exclusions
from experiments.analysis.verdict import judge
from experiments.queries.readouts import Evidence, MetricLine, VariantLine
from experiments.reports.page import Page
from experiments.reports.presenter import page_of
from experiments.vocabulary import Source, Status, VerdictState
from tests.experiments.analysis import builders
from tests.experiments.reports import material
from tests.experiments.reports.test_presenter import ADDRESSES

FORBIDDEN = re.compile(r"\bnan\b|\binf\b|\bNone\b|\(unknown\)|%\(|\b[A-Z]+_[A-Z_]+\b")

TWO_METRICS = builders.plan(
    builders.decision(builders.conversion()), builders.guardrail(builders.revenue()), horizon_days=28
)
RECORDED = builders.finished(treatments=("mens", "womens"))


def rates(*counts: tuple[int, int]) -> AnalysisInputs:
    """Return inputs of a conversion at these counts and a revenue of ten dollars per buyer."""
    figures = builders.rates(*counts)
    for name, (units, buyers) in zip(("control", "treatment"), counts, strict=True):
        figures["revenue", name] = builders.money(units, buyers, 10.0)
    return builders.inputs(figures, days=28.0)


CASES: dict[str, tuple[AnalysisPlan, AnalysisInputs, VerdictState]] = {
    "ship": (TWO_METRICS, rates((20_000, 2_000), (20_000, 2_400)), VerdictState.SHIP),
    "harm": (TWO_METRICS, rates((20_000, 2_400), (20_000, 1_800)), VerdictState.STOP_FOR_HARM),
    "flat": (TWO_METRICS, rates((20_000, 2_000), (20_000, 2_010)), VerdictState.INCONCLUSIVE),
    "broken split": (TWO_METRICS, rates((20_000, 2_000), (18_500, 2_000)), VerdictState.INVALID),
    "early": (
        TWO_METRICS,
        replace(rates((200, 20), (200, 30)), window_end=builders.START.replace(day=7)),
        VerdictState.CONTINUE,
    ),
    "nobody converts": (TWO_METRICS, rates((20_000, 0), (20_000, 0)), VerdictState.INCONCLUSIVE),
    "control at zero": (TWO_METRICS, rates((500, 0), (500, 9)), VerdictState.INCONCLUSIVE),
    "one unit": (TWO_METRICS, rates((1, 0), (1, 1)), VerdictState.INCONCLUSIVE),
    "no horizon": (
        builders.plan(builders.decision(builders.conversion())),
        builders.inputs(builders.rates((20_000, 2_000), (20_000, 2_100))),
        VerdictState.CONTINUE,
    ),
    "recorded, three arms, no times": (
        RECORDED,
        builders.inputs(
            builders.rates((21_306, 2_262), (21_307, 3_894), (21_387, 3_238), treatments=("mens", "womens")),
            days=None,
            source=Source.EXTERNAL,
            health=Health(exclusions=Exclusions(mismatched_rows=3_893, duplicates=1), rows=294_478),
        ),
        VerdictState.SHIP,
    ),
}


@cache
def evidence(name: str) -> Evidence:
    """Return the look of a case."""
    plan, inputs, _state = CASES[name]
    card = build_scorecard(plan, inputs)
    return material.evidence(card, judge(plan, card))


def page(name: str, *, relative: bool) -> Page:
    """Return the page of a case."""
    plan, inputs, _state = CASES[name]
    readout = replace(
        material.readout(evidence(name)),
        plan=plan,
        source=inputs.source,
        status=Status.RUNNING if inputs.source is Source.OWN else Status.STOPPED,
        metrics=tuple(MetricLine(metric.spec.key, 1, metric.spec.key.title(), "") for metric in plan.metrics),
        variants=tuple(VariantLine(arm.key, arm.key.title(), arm.control) for arm in plan.variants),
    )
    return page_of(readout, relative=relative, addresses=ADDRESSES, now=material.NOW)


def texts(value: object) -> list[str]:
    """Return every text of a page that a person reads."""
    if is_dataclass(value):
        return [text for field in fields(value) for text in texts(getattr(value, field.name))]
    if isinstance(value, list | tuple):
        return [text for item in value for text in texts(item)]
    return [str(value)] if value is not None and not isinstance(value, bool | int) else []


@pytest.mark.parametrize("relative", [True, False])
@pytest.mark.parametrize("name", list(CASES))
def test_page__of_the_engines_own_scorecard__speaks_words_and_numbers_only(name: str, relative: bool) -> None:
    found = page(name, relative=relative)
    for text in texts(found):
        assert not FORBIDDEN.search(text), text


@pytest.mark.parametrize("name", list(CASES))
def test_page__verdict__is_the_one_the_engine_came_to(name: str) -> None:
    assert evidence(name).verdict.state is CASES[name][2]


@pytest.mark.parametrize("name", ["nobody converts", "control at zero", "one unit"])
def test_page__lift_that_does_not_exist__is_words_and_never_zero(name: str) -> None:
    board = page(name, relative=True).board
    assert board is not None
    row = board.groups[0].metrics[0].rows[0]
    assert row.words
    assert (row.bar, row.effect) == (None, "not defined")


def test_page__recorded_with_three_arms__names_both_arms_and_the_winner() -> None:
    found = page("recorded, three arms, no times", relative=False)
    assert str(found.strip.label) == "Ship “Mens”"
    assert found.board is not None
    rows = found.board.groups[0].metrics[0].rows
    assert [(row.variant, row.effect, str(row.p_name)) for row in rows] == [
        ("Mens", "+7.66 pp", "adjusted (Holm)"),
        ("Womens", "+4.52 pp", "one look"),
    ]
    assert rows[0].interval == "+7.00 pp to +8.32 pp"
