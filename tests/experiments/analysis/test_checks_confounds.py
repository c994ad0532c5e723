"""What variants differ in besides the treatment stands with the scorecard and its verdict."""

import pytest

from experiments.analysis.build import build_scorecard
from experiments.analysis.inputs import Confound, Health
from experiments.analysis.reasons import ReasonCode
from experiments.analysis.scorecard import Outcome, Scorecard
from experiments.analysis.verdict import judge
from experiments.vocabulary import CheckLevel, VerdictState
from tests.experiments.analysis.builders import inputs, plan, rates

CODES = ("FRESHNESS_CONFOUND", "ARMS_LEARN_FROM_EACH_OTHER", "STOCK_NOT_VALUED")


def card(*confounds: Confound) -> Scorecard:
    figures = rates((10_000, 1000), (10_000, 1400))
    return build_scorecard(plan(), inputs(figures, health=Health(confounds=confounds)))


@pytest.mark.parametrize("code", CODES)
def test_confound__of_two_variants__warns_with_the_verdict_and_changes_no_decision(code: str):
    found = card(Confound(code, "control", "treatment"), Confound(code, "control", "other"))
    check = found.check(code)
    assert (check.outcome, check.level) == (Outcome.FAILED, CheckLevel.WARN)
    assert check.figures == {"variant": "control", "other": "treatment", "changes": 2}
    verdict, without = judge(plan(), found), judge(plan(), card())
    assert [r.params["check"] for r in verdict.reasons if r.code is ReasonCode.CHECK_WARNS].count(code) == 1
    assert (verdict.state, verdict.winner) == (without.state, without.winner)


def test_confound__stock_often_not_valued__blocks():
    found = card(Confound("STOCK_OFTEN_NOT_VALUED", "control", "treatment"))
    check = found.check("STOCK_OFTEN_NOT_VALUED")
    assert (check.outcome, check.level) == (Outcome.FAILED, CheckLevel.BLOCK)
    assert judge(plan(), found).state is VerdictState.INVALID
    assert judge(plan(), card()).state is not VerdictState.INVALID


@pytest.mark.parametrize("code", CODES)
def test_confound__nothing_known__does_not_apply(code: str):
    other = next(each for each in CODES if each != code)
    assert card(Confound(other, "control", "treatment")).check(code).outcome is Outcome.NOT_APPLICABLE
