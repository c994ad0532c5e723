"""Money and values as whole micro units (1e-6), which fit a BIGINT and add up exactly."""

import re
from decimal import ROUND_HALF_EVEN, Context, Decimal

from foundation.errors import DomainError

MICROS = 1_000_000
BIGINT_MIN = -(2**63)
BIGINT_MAX = 2**63 - 1

_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,6})?", re.ASCII)
_LONGEST_NUMBER = 100
_ONE_MICRO = Decimal("0.000001")
_CONTEXT = Context(prec=40, rounding=ROUND_HALF_EVEN)
_LARGEST_EXPONENT = 14


class AmountInvalid(DomainError):
    """The amount is not a finite number, or does not fit a BIGINT of micro units."""

    code = "AMOUNT_INVALID"
    hint = "Send a finite decimal number between -9223372036854.775808 and 9223372036854.775807."


def to_micros(value: str | float | Decimal) -> int:
    """Return the amount in micro units, rounded half to even from its exact decimal form.

    A float counts as the shortest decimal that reads back as it: what its JSON said.

    Raises:
        AmountInvalid: not a number, not finite, or out of the range of a BIGINT.
    """
    amount = _decimal(value)
    if not amount.is_finite():
        raise AmountInvalid("The amount is not finite.")
    if amount and amount.adjusted() > _LARGEST_EXPONENT:
        raise AmountInvalid("The amount does not fit a 64-bit number of micro units.")
    micros = int(amount.quantize(_ONE_MICRO, context=_CONTEXT).scaleb(6, context=_CONTEXT))
    if not BIGINT_MIN <= micros <= BIGINT_MAX:
        raise AmountInvalid("The amount does not fit a 64-bit number of micro units.")
    return micros


def format_micros(micros: int, *, places: int = 2) -> str:
    """Return the exact decimal text of an amount, with at least `places` (0 to 6) decimals."""
    sign = "-" if micros < 0 else ""
    whole, fraction = divmod(abs(micros), MICROS)
    digits = f"{fraction:06d}".rstrip("0").ljust(places, "0")
    return f"{sign}{whole}.{digits}" if digits else f"{sign}{whole}"


def _decimal(value: str | float | Decimal) -> Decimal:
    if isinstance(value, Decimal):
        return value
    if isinstance(value, bool):
        raise AmountInvalid("A truth value is not an amount.")
    if isinstance(value, int):
        if not BIGINT_MIN <= value <= BIGINT_MAX:
            raise AmountInvalid("The amount does not fit a 64-bit number of micro units.")
        return Decimal(value)
    if isinstance(value, float):
        return Decimal(repr(value))
    if isinstance(value, str) and len(value) <= _LONGEST_NUMBER and _NUMBER.fullmatch(value):
        return Decimal(value)
    raise AmountInvalid("The amount is not a plain decimal number.")
