"""Why a row cannot count, and what to do about it."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class RowFault(StrEnum):
    """Every reason for which a row is quarantined."""

    MALFORMED_LINE = "MALFORMED_LINE"
    MISSING_EXPERIMENT = "MISSING_EXPERIMENT"
    MISSING_VARIANT = "MISSING_VARIANT"
    UNKNOWN_VARIANT = "UNKNOWN_VARIANT"
    MISSING_UNIT = "MISSING_UNIT"
    UNREADABLE_ID = "UNREADABLE_ID"
    MISSING_SHOWN = "MISSING_SHOWN"
    UNKNOWN_SHOWN = "UNKNOWN_SHOWN"
    UNREADABLE_TIME = "UNREADABLE_TIME"
    MISSING_CLUSTER = "MISSING_CLUSTER"
    MISSING_VALUE = "MISSING_VALUE"
    NOT_BINARY = "NOT_BINARY"
    NOT_A_NUMBER = "NOT_A_NUMBER"
    NOT_WHOLE = "NOT_WHOLE"
    NEGATIVE_COUNT = "NEGATIVE_COUNT"
    MONEY_OVERFLOW = "MONEY_OVERFLOW"
    INCONSISTENT_FIGURES = "INCONSISTENT_FIGURES"


@dataclass(frozen=True, slots=True)
class Told:
    """What a fault means, and its usual remedy."""

    meaning: str
    fix: str


_DECLARE_NULL = "Correct the export, or list the text under null_tokens if it means that nothing is known."

TOLD: Final[dict[RowFault, Told]] = {
    RowFault.MALFORMED_LINE: Told(
        "the line does not have the columns of the header, or other characters than csv.encoding says",
        "Quote values that hold the delimiter or line breaks; write csv.encoding: latin-1 if the file is not UTF-8.",
    ),
    RowFault.MISSING_EXPERIMENT: Told("the experiment is empty", "Correct the export."),
    RowFault.MISSING_VARIANT: Told("the variant is empty", "Correct the export: every row needs its assignment."),
    RowFault.UNKNOWN_VARIANT: Told(
        "the variant is none of the manifest's", "Add the value to a variant's recorded values, or add the variant."
    ),
    RowFault.MISSING_UNIT: Told(
        "the unit is empty", "Correct the export; leave columns.unit out if every row is a unit of its own."
    ),
    RowFault.UNREADABLE_ID: Told(
        "the text contains a NUL character or is longer than 2000 bytes", "Correct the export."
    ),
    RowFault.MISSING_SHOWN: Told("the shown variant is empty", "Leave out rows of units that were shown nothing."),
    RowFault.UNKNOWN_SHOWN: Told(
        "the shown variant is none of the manifest's", "Add the value to a variant's shown values."
    ),
    RowFault.UNREADABLE_TIME: Told(
        "the time is empty or cannot be read", 'Write its form as columns.time_format, such as "%d/%m/%Y %H:%M".'
    ),
    RowFault.MISSING_CLUSTER: Told("the cluster is empty", "Correct the export."),
    RowFault.MISSING_VALUE: Told(
        "the value is empty", "Write missing: zero for the outcome if empty means that nothing happened."
    ),
    RowFault.NOT_BINARY: Told("the value is neither 0 nor 1", _DECLARE_NULL),
    RowFault.NOT_A_NUMBER: Told("the value is not a number", _DECLARE_NULL),
    RowFault.NOT_WHOLE: Told(
        "the value is not a whole number of at most 1 000 000 000", "Use kind: money for decimals and large values."
    ),
    RowFault.NEGATIVE_COUNT: Told("a count is below zero", "Use kind: money for what may be negative."),
    RowFault.MONEY_OVERFLOW: Told(
        "the amount is beyond 9 223 372 036 854", "Check money_unit; write 1000 only if amounts are in thousands."
    ),
    RowFault.INCONSISTENT_FIGURES: Told(
        "the figures of the row contradict each other", "Check which columns hold units, sums, means and variances."
    ),
}
