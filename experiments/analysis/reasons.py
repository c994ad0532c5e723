"""What a verdict says: its state, the variant to ship, and reasons from a fixed list with the values they need."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Self

from experiments.analysis.codec import canonical_json, from_dict, to_dict
from experiments.vocabulary import VerdictState

SCHEMA = 1

Parameter = float | int | str | None


class ReasonCode(StrEnum):
    """Every reason a verdict can give."""

    CHECK_BLOCKS = "CHECK_BLOCKS"
    CHECK_WARNS = "CHECK_WARNS"
    CHECK_INTERPRET = "CHECK_INTERPRET"
    HARM = "HARM"
    HARM_IN_INVALID = "HARM_IN_INVALID"
    SUPERIOR = "SUPERIOR"
    NON_INFERIOR_WITH_SAVING = "NON_INFERIOR_WITH_SAVING"
    NOT_SUPERIOR_YET = "NOT_SUPERIOR_YET"
    NOT_SUPERIOR = "NOT_SUPERIOR"
    INFERIOR = "INFERIOR"
    FUTILE = "FUTILE"
    NOT_NON_INFERIOR = "NOT_NON_INFERIOR"
    GUARDRAIL_HOLDS = "GUARDRAIL_HOLDS"
    GUARDRAIL_NOT_SHOWN = "GUARDRAIL_NOT_SHOWN"
    TOO_EARLY = "TOO_EARLY"
    TOO_FEW_UNITS = "TOO_FEW_UNITS"
    UNDEFINED = "UNDEFINED"
    LARGEST_LOWER_BOUND = "LARGEST_LOWER_BOUND"
    ARMS_NOT_SEPARATED = "ARMS_NOT_SEPARATED"
    ARMS_SEPARATED = "ARMS_SEPARATED"
    ARMS_REVERSED = "ARMS_REVERSED"
    ALSO_PASSES = "ALSO_PASSES"


@dataclass(frozen=True, slots=True)
class ReasonItem:
    """A reason: its code and the values its sentence needs."""

    code: ReasonCode
    params: dict[str, Parameter]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the evidence allows, the variant to ship if any, and why, the deciding reason first."""

    state: VerdictState
    winner: str | None
    reasons: tuple[ReasonItem, ...]
    harmful: tuple[str, ...] = ()
    schema: int = SCHEMA

    def to_dict(self) -> dict[str, Any]:
        """Return the verdict as plain values."""
        return to_dict(self)

    def to_json(self) -> bytes:
        """Return the canonical JSON."""
        return canonical_json(self)

    @classmethod
    def from_dict(cls, data: object) -> Self:
        """Return the verdict that the dictionary holds. Raises RecordInvalid."""
        return from_dict(cls, data, readable_schemas=(SCHEMA,))
