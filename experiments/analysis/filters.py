"""Filters: which units are left out of an analysis because nobody shopped there: robots, brushing, our own staff.

A filter looks only at what was known before a unit met its variant, and never at the variant, so that leaving units
out cannot favour an arm. The result with everybody stands beside (the sensitivity row).
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

LONGEST_HOURS: Final = 24 * 365
"""How far before its exposure a unit's events may be counted; hardly any event is accepted that is older."""


class FilterKind(StrEnum):
    """What a filter is meant to leave out."""

    BOT = "BOT"
    BRUSHING = "BRUSHING"
    INTERNAL = "INTERNAL"


class FilterRule(StrEnum):
    """How a filter knows a unit.

    ATTRIBUTE: an attribute at the first exposure has one of the values. EVENT_RATE: more than `limit` of the events
    in the `hours` before the first exposure. UNIT_LIST: the unit is on a list that was received before it was exposed.
    """

    ATTRIBUTE = "ATTRIBUTE"
    EVENT_RATE = "EVENT_RATE"
    UNIT_LIST = "UNIT_LIST"


@dataclass(frozen=True, slots=True)
class UnitFilter:
    """One version of a filter, frozen with the plan.

    attribute, values: of ATTRIBUTE. events, hours, limit: of EVENT_RATE. UNIT_LIST needs neither: its list has the
    filter's key.
    """

    key: str
    version: int
    kind: FilterKind
    rule: FilterRule
    attribute: str | None = None
    values: tuple[str, ...] = ()
    events: tuple[str, ...] = ()
    hours: int | None = None
    limit: int | None = None

    def __post_init__(self) -> None:
        if not self.key:
            raise ValueError("key: must not be empty")
        if self.version < 1:
            raise ValueError(f"version: must be 1 or more, not {self.version}")
        match self.rule:
            case FilterRule.ATTRIBUTE if not self.attribute or not self.values:
                raise ValueError("attribute: an ATTRIBUTE filter names an attribute and one or more values")
            case FilterRule.EVENT_RATE if not self.events or not self.hours or self.limit is None:
                raise ValueError("events: an EVENT_RATE filter names events, hours and a limit")
        if self.hours is not None and not 1 <= self.hours <= LONGEST_HOURS:
            raise ValueError(f"hours: must be from 1 to {LONGEST_HOURS}, not {self.hours}")
        if self.limit is not None and self.limit < 0:
            raise ValueError(f"limit: must be 0 or more, not {self.limit}")
