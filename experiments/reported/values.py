"""Values of a report as whole numbers, exactly; none passes through a float."""

import re
from decimal import Decimal
from typing import Final

from experiments.analysis.metrics import What
from experiments.reported.faults import ReportFault
from foundation.errors import DomainError
from foundation.money import to_micros

LARGEST_COUNT: Final = 1_000_000_000
_NUMBER = re.compile(r"[+-]?([0-9]{1,18}(\.[0-9]{0,18})?|\.[0-9]{1,18})")
_BINARY: Final = {"0": 0, "1": 1, "true": 1, "false": 0}


def read_value(text: str, what: What, *, missing_is_zero: bool) -> int | ReportFault:
    """Return a value in the integer scale of its metric (money in millionths), or why it is none."""
    text = text.strip()
    if not text:
        return 0 if missing_is_zero else ReportFault.MISSING_VALUE
    if what is What.ANY:
        return _BINARY.get(text.lower(), ReportFault.NOT_BINARY)
    if not _NUMBER.fullmatch(text):
        return ReportFault.NOT_A_NUMBER
    return _money(text) if what is What.SUM_VALUE else _count(text)


def _money(text: str) -> int | ReportFault:
    try:
        return to_micros(text)
    except DomainError:
        return ReportFault.MONEY_OVERFLOW


def _count(text: str) -> int | ReportFault:
    number = Decimal(text)
    if number != number.to_integral_value() or abs(number) > LARGEST_COUNT:
        return ReportFault.NOT_WHOLE
    return ReportFault.NEGATIVE_COUNT if number < 0 else int(number)
