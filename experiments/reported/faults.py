"""Why a row of a report cannot count, or a planned cell is not in it."""

from enum import StrEnum
from typing import Final


class ReportFault(StrEnum):
    """Every reason for which a row or a cell is quarantined."""

    MALFORMED_LINE = "MALFORMED_LINE"
    UNKNOWN_UNIT = "UNKNOWN_UNIT"
    UNREADABLE_PERIOD = "UNREADABLE_PERIOD"
    UNKNOWN_PERIOD = "UNKNOWN_PERIOD"
    WRONG_VARIANT = "WRONG_VARIANT"
    DUPLICATE_CELL = "DUPLICATE_CELL"
    MISSING_VALUE = "MISSING_VALUE"
    NOT_A_NUMBER = "NOT_A_NUMBER"
    NOT_BINARY = "NOT_BINARY"
    NOT_WHOLE = "NOT_WHOLE"
    NEGATIVE_COUNT = "NEGATIVE_COUNT"
    MONEY_OVERFLOW = "MONEY_OVERFLOW"
    MISSING_CELL = "MISSING_CELL"


MEANINGS: Final[dict[ReportFault, str]] = {
    ReportFault.MALFORMED_LINE: "the line does not have the columns of the header",
    ReportFault.UNKNOWN_UNIT: "the schedule that was handed out does not have this unit",
    ReportFault.UNREADABLE_PERIOD: "the period is neither a number nor a date that can be read",
    ReportFault.UNKNOWN_PERIOD: "the schedule that was handed out does not have this period",
    ReportFault.WRONG_VARIANT: "the schedule gives the unit another variant in this period",
    ReportFault.DUPLICATE_CELL: "several rows are about the same unit and period, and nobody knows which one is right",
    ReportFault.MISSING_VALUE: "the value is empty",
    ReportFault.NOT_A_NUMBER: "the value is not a plain decimal number",
    ReportFault.NOT_BINARY: "the value is neither 0 nor 1",
    ReportFault.NOT_WHOLE: "the value is not a whole number of at most 1 000 000 000",
    ReportFault.NEGATIVE_COUNT: "a count is below zero",
    ReportFault.MONEY_OVERFLOW: "the amount is beyond 9 223 372 036 854",
    ReportFault.MISSING_CELL: "the report has no row about this unit and period",
}
