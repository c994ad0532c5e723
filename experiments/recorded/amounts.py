"""Recorded values as whole numbers, exactly: which texts are numbers, and the SQL that reads them.

Plain decimals are read by DuckDB's decimals, everything rarer (exponents, more than six decimals, a money unit that
does not divide evenly) by the one definition in `foundation.money`. No value passes through a float.
"""

from decimal import Context, Decimal, DecimalException
from typing import Final

import duckdb
from duckdb.func import SPECIAL

from experiments.recorded.manifest_parts import ValueKind
from foundation.money import BIGINT_MAX, MICROS, AmountInvalid, to_micros

NUMBER: Final = r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]{1,6})?"
"""What is a number at all."""
_PLAIN_DECIMAL: Final = r"[+-]?[0-9]{1,12}(\.[0-9]{1,6})?"
_PLAIN_WHOLE: Final = r"[+-]?[0-9]{1,9}(\.0{1,6})?"
LARGEST_COUNT: Final = 1_000_000_000
"""Bound of a unit's count: its square has to fit 64 bits."""
_EXACT: Final = Context(prec=250)


def money(text: str, unit: Decimal) -> int | None:
    """Return the micro units of an amount recorded in this unit of the currency; None when they do not fit."""
    try:
        return to_micros(text if unit == 1 else _EXACT.multiply(Decimal(text), unit))
    except (AmountInvalid, DecimalException):
        return None


def whole(text: str, *, limit: int = BIGINT_MAX) -> int | None:
    """Return the whole number that the text means exactly; None when it is none or its size is above the limit."""
    try:
        value = Decimal(text)
    except DecimalException:
        return None
    if not value.is_finite() or value.adjusted() > 18 or value != value.to_integral_value():
        return None
    return int(value) if abs(value) <= limit else None


def unit_of(money_unit: float) -> Decimal:
    """Return the money unit as the manifest wrote it."""
    return Decimal(repr(money_unit))


def register(database: duckdb.DuckDBPyConnection, *, money_unit: float) -> None:
    """Give the database the functions that `value_sql` calls for rare spellings."""
    unit = unit_of(money_unit)

    def exact_money(text: str | None) -> int | None:
        return None if text is None else money(text, unit)

    def exact_whole(text: str | None) -> int | None:
        return None if text is None else whole(text, limit=LARGEST_COUNT)

    for function in (exact_money, exact_whole):
        database.create_function(function.__name__, function, ["VARCHAR"], "BIGINT", null_handling=SPECIAL)


def value_sql(kind: ValueKind, text: str, *, money_unit: float) -> str:
    """Return the SQL of a value as BIGINT, NULL where the text means none.

    text: SQL of a trimmed text. binary: 0 or 1; count: itself; money: micro units of the currency.
    """
    match kind:
        case ValueKind.BINARY:
            return (
                f"CASE WHEN {text} IN ('1', 'true', 'True', 'TRUE') THEN 1"
                f" WHEN {text} IN ('0', 'false', 'False', 'FALSE') THEN 0"
                f" WHEN regexp_full_match({text}, '[01]\\.0+') THEN CAST(left({text}, 1) AS BIGINT) END"
            )
        case ValueKind.COUNT:
            return (
                f"CASE WHEN regexp_full_match({text}, '{_PLAIN_WHOLE}')"
                f" THEN CAST(CAST({text} AS DECIMAL(24,6)) AS BIGINT)"
                f" WHEN {is_number_sql(text)} THEN exact_whole({text}) END"
            )
        case ValueKind.MONEY:
            micros = unit_of(money_unit) * MICROS
            exact = f"WHEN {is_number_sql(text)} THEN exact_money({text}) END"
            if micros != int(micros) or int(micros) > MICROS * MICROS:
                return f"CASE {exact}"
            scaled = f"CAST(CAST({text} AS DECIMAL(28,6)) * 1000000 AS HUGEINT) * {int(micros)}"
            plain = f"regexp_full_match({text}, '{_PLAIN_DECIMAL}')"
            if int(micros) != MICROS:
                plain += f" AND {scaled} % 1000000 = 0 AND abs({scaled} // 1000000) <= {BIGINT_MAX}"
            return f"CASE WHEN {plain} THEN CAST({scaled} // 1000000 AS BIGINT) {exact}"


def is_number_sql(text: str) -> str:
    """Return the SQL of whether a text is a number."""
    return f"regexp_full_match({text}, '{NUMBER}')"
