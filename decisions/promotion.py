"""Promotion, pure: from a verdict and the gate of the winning version to a proposal, or to why there is none."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from decisions.domain import PolicyKind
from experiments.vocabulary import VerdictState
from foundation.errors import DomainError


class ProposalState(StrEnum):
    """Where a promotion proposal stands."""

    OPEN = "OPEN"
    PROMOTED = "PROMOTED"
    REJECTED = "REJECTED"
    STALE = "STALE"
    """The control of its test is no longer the champion."""
    ROLLED_BACK = "ROLLED_BACK"


class ProposalStep(StrEnum):
    """What a person or a rule may do with a proposal."""

    APPROVE = "approve"
    REJECT = "reject"
    EXPIRE = "expire"
    ROLL_BACK = "roll_back"


STEPS: Final[dict[tuple[ProposalState, ProposalStep], ProposalState]] = {
    (ProposalState.OPEN, ProposalStep.APPROVE): ProposalState.PROMOTED,
    (ProposalState.OPEN, ProposalStep.REJECT): ProposalState.REJECTED,
    (ProposalState.OPEN, ProposalStep.EXPIRE): ProposalState.STALE,
    (ProposalState.PROMOTED, ProposalStep.ROLL_BACK): ProposalState.ROLLED_BACK,
}
"""The database holds the same table in a trigger; a test walks every pair of states and compares."""


class StepIllegal(DomainError):
    """The proposal's state does not allow this step."""

    code = "PROPOSAL_STEP_ILLEGAL"
    hint = "Look at the proposal again: somebody may have decided it meanwhile."


def after(state: ProposalState, step: ProposalStep) -> ProposalState:
    """Return the state that a step leads to. Raises StepIllegal."""
    try:
        return STEPS[state, step]
    except KeyError:
        raise StepIllegal(f"A proposal that is {state} cannot {step.replace('_', ' ')}.") from None


class HoldReason(StrEnum):
    """Why a verdict leads to no proposal."""

    VERDICT_NOT_SHIP = "VERDICT_NOT_SHIP"
    WINNER_WITHOUT_MODEL = "WINNER_WITHOUT_MODEL"
    GATE_NOT_PASSED = "GATE_NOT_PASSED"
    CONTROL_NOT_CHAMPION = "CONTROL_NOT_CHAMPION"
    WINNER_IS_CHAMPION = "WINNER_IS_CHAMPION"


@dataclass(frozen=True, slots=True)
class Arm:
    """What a variant did in the test: its policy, and the version it pinned or its recipe made last."""

    policy: PolicyKind
    version: int | None


@dataclass(frozen=True, slots=True)
class Promote:
    """Make this version the champion in place of the control's, which may be the baseline (None)."""

    winner: str
    challenger: int
    control: int | None


@dataclass(frozen=True, slots=True)
class Hold:
    """Do nothing, for this reason."""

    reason: HoldReason


_PROMOTABLE: Final = (PolicyKind.MODEL_RANKED, PolicyKind.RECIPE)


def weigh(
    *,
    state: VerdictState,
    winner: str | None,
    arms: Mapping[str, Arm],
    control: str,
    gate_passed: Mapping[int, bool],
    champion: int | None,
) -> Promote | Hold:
    """Return what a verdict and the offline gates allow.

    arms: by variant key. gate_passed: by model version. champion: the version that serves outside experiments now,
    None for the baseline.
    """
    if state is not VerdictState.SHIP or winner is None:
        return Hold(HoldReason.VERDICT_NOT_SHIP)
    won = arms[winner]
    if won.policy not in _PROMOTABLE or won.version is None:
        return Hold(HoldReason.WINNER_WITHOUT_MODEL)
    if not gate_passed.get(won.version, False):
        return Hold(HoldReason.GATE_NOT_PASSED)
    if won.version == champion:
        return Hold(HoldReason.WINNER_IS_CHAMPION)
    if arms[control].version != champion:
        return Hold(HoldReason.CONTROL_NOT_CHAMPION)
    return Promote(winner=winner, challenger=won.version, control=arms[control].version)
