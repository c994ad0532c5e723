"""The pure rule of promotion: what a verdict and a gate allow."""

import pytest

from decisions.domain import PolicyKind
from decisions.promotion import (
    STEPS,
    Arm,
    Hold,
    HoldReason,
    Promote,
    ProposalState,
    ProposalStep,
    StepIllegal,
    after,
    weigh,
)
from experiments.vocabulary import VerdictState

BASELINE = Arm(PolicyKind.BASELINE, None)


def weighed(**changes):
    values = {
        "state": VerdictState.SHIP,
        "winner": "treatment",
        "arms": {"control": BASELINE, "treatment": Arm(PolicyKind.MODEL_RANKED, 7)},
        "control": "control",
        "gate_passed": {7: True},
        "champion": None,
    }
    return weigh(**{**values, **changes})


def test_weigh__winner_over_what_serves__is_promoted():
    assert weighed() == Promote(winner="treatment", challenger=7, control=None)
    arms = {"control": Arm(PolicyKind.MODEL_RANKED, 3), "treatment": Arm(PolicyKind.MODEL_RANKED, 7)}
    assert weighed(arms=arms, gate_passed={3: True, 7: True}, champion=3) == Promote("treatment", 7, 3)


@pytest.mark.parametrize("state", [state for state in VerdictState if state is not VerdictState.SHIP])
def test_weigh__any_other_verdict__holds(state):
    assert weighed(state=state) == Hold(HoldReason.VERDICT_NOT_SHIP)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"winner": None}, HoldReason.VERDICT_NOT_SHIP),
        ({"gate_passed": {7: False}}, HoldReason.GATE_NOT_PASSED),
        ({"gate_passed": {}}, HoldReason.GATE_NOT_PASSED),
        ({"champion": 3}, HoldReason.CONTROL_NOT_CHAMPION),
        ({"champion": 7}, HoldReason.WINNER_IS_CHAMPION),
        ({"arms": {"control": BASELINE, "treatment": Arm(PolicyKind.FIXED, None)}}, HoldReason.WINNER_WITHOUT_MODEL),
    ],
)
def test_weigh__anything_missing__holds_with_its_reason(changes, reason):
    assert weighed(**changes) == Hold(reason)


def test_after__every_pair__is_that_of_the_table():
    for state in ProposalState:
        for step in ProposalStep:
            if (state, step) in STEPS:
                assert after(state, step) is STEPS[state, step]
            else:
                with pytest.raises(StepIllegal):
                    after(state, step)
