import numpy as np
import pytest

from experiments.analysis.build import build_scorecard
from experiments.analysis.inputs import BrowserReturns, Health
from experiments.analysis.scorecard import CheckResult, Outcome
from experiments.vocabulary import CheckLevel
from tests.experiments.analysis.builders import inputs, plan, rates

BASE = rates((10_000, 1000), (10_000, 1010))


def result(*returns: tuple[str, int, int]) -> CheckResult:
    health = Health(returns=tuple(BrowserReturns(*found) for found in returns))
    return build_scorecard(plan(), inputs(BASE, health=health)).check("VISITOR_IDS")


def test_visitor_ids__browser_whose_visitors_hardly_come_back__is_named() -> None:
    found = result(("chrome", 6_000, 900), ("edge", 1_000, 140), ("safari", 4_000, 120))

    assert (found.outcome, found.level) == (Outcome.FAILED, CheckLevel.INTERPRET)
    assert (found.figures["browser"], found.figures["units"], found.figures["share"]) == ("safari", 4_000, 0.03)
    assert found.figures["share_of_others"] == pytest.approx(1_040 / 7_000)


def test_visitor_ids__no_visitor_of_a_browser_comes_back__is_found() -> None:
    assert result(("chrome", 2_000, 300), ("safari", 500, 0)).outcome is Outcome.FAILED


@pytest.mark.parametrize("returned", [300, 400, 600, 900])
def test_visitor_ids__browser_at_half_the_share_or_above__passes(returned: int) -> None:
    assert result(("chrome", 4_000, 600), ("safari", 4_000, returned)).outcome is Outcome.PASSED


@pytest.mark.parametrize(
    "returns",
    [
        (),
        (("chrome", 4_000, 600),),
        (("chrome", 4_000, 600), ("safari", 100, 0)),
        (("chrome", 100, 15), ("safari", 4_000, 0)),
        (("chrome", 4_000, 0), ("safari", 4_000, 0)),
        (("chrome", 4_000, 600), ("safari", 0, 0)),
    ],
)
def test_visitor_ids__too_little_to_compare__does_not_apply(returns: tuple[tuple[str, int, int], ...]) -> None:
    assert result(*returns).outcome is Outcome.NOT_APPLICABLE


def test_visitor_ids__browsers_exactly_at_the_limit__are_called_out_at_most_as_often_as_promised() -> None:
    random = np.random.default_rng(5)
    runs, failed = 1_500, 0
    for chrome, safari in zip(random.binomial(3_000, 0.2, runs), random.binomial(300, 0.1, runs), strict=True):
        failed += result(("chrome", 3_000, int(chrome)), ("safari", 300, int(safari))).outcome is Outcome.FAILED

    assert failed <= 0.001 * runs + 3 * (0.001 * runs) ** 0.5
