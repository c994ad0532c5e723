import re
from decimal import Decimal

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from experiments.recorded.amounts import LARGEST_COUNT, NUMBER, money, register, unit_of, value_sql, whole
from experiments.recorded.manifest_parts import ValueKind
from foundation.money import BIGINT_MAX, BIGINT_MIN, AmountInvalid, to_micros

CORNERS = (
    *("0", "-0", "1", "+3", ".5", "5.", "1.5", "0.0000005", "-0.0000015", "0.0000025", "29.989999999999998"),
    *("1e-5", "2.5E3", "1e18", "1e999999", "9" * 30, "999999999999.999999", "1111111111111.25"),
    *("9223372036854.775807", "9223372036854.775808", "-9223372036854.775808", "1000000000", "1000000001"),
    *("3.0", "3.000001", "1.0", "0.00", "true", "FALSE", "2"),
    *("abc", "1,5", "1_000", "0x10", "٣", "inf", "nan", "-", ".", "e5", "1e", "--1", "9" * 101),
)


def read(kind: ValueKind, text: str, unit: float = 1.0) -> int | None:
    with duckdb.connect() as database:
        register(database, money_unit=unit)
        query = f"SELECT {value_sql(kind, 't', money_unit=unit)} FROM (SELECT ?::VARCHAR AS t)"
        row = database.execute(query, [text]).fetchone()
    assert row is not None
    return row[0]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("19.99", 19_990_000),
        ("0.0000005", 0),
        ("0.0000015", 2),
        ("29.989999999999998", 29_990_000),
        ("-3", -3_000_000),
        ("1e-5", 10),
        ("9223372036854.775807", BIGINT_MAX),
        ("-9223372036854.775808", BIGINT_MIN),
        ("9223372036854.775808", None),
        ("1,5", None),
        ("1_000", None),
        ("nan", None),
    ],
)
def test_value_sql__money__is_exact_micro_units_half_to_even(text: str, expected: int | None):
    assert read(ValueKind.MONEY, text) == expected


@pytest.mark.parametrize(
    ("text", "unit", "expected"),
    [
        ("1999", 0.01, 19_990_000),
        ("1999.5", 0.01, 19_995_000),
        ("33.73", 1000.0, 33_730_000_000),
        ("0.00005", 0.01, 0),
        ("0.00015", 0.01, 2),
        ("10000000000", 1000.0, None),
        ("7", 3.5, 24_500_000),
        ("5", 1e-7, 0),
    ],
)
def test_value_sql__money_in_other_units__is_exact(text: str, unit: float, expected: int | None):
    assert read(ValueKind.MONEY, text, unit) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0", 0),
        ("12", 12),
        ("12.0", 12),
        ("2.5e3", 2500),
        ("-4", -4),
        (str(LARGEST_COUNT), LARGEST_COUNT),
        (str(LARGEST_COUNT + 1), None),
        ("12.5", None),
        ("x", None),
    ],
)
def test_value_sql__count__is_a_whole_number(text: str, expected: int | None):
    assert read(ValueKind.COUNT, text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [("0", 0), ("1", 1), ("1.0", 1), ("0.00", 0), ("True", 1), ("false", 0), ("2", None), ("yes", None), ("1.5", None)],
)
def test_value_sql__binary__is_0_or_1(text: str, expected: int | None):
    assert read(ValueKind.BINARY, text) == expected


@pytest.mark.parametrize("unit", [1.0, 0.01, 1000.0, 1e-7, 3.5])
@pytest.mark.parametrize("text", CORNERS)
def test_value_sql__both_ways_of_reading__agree_on_every_corner(text: str, unit: float):
    is_number = re.fullmatch(NUMBER, text) is not None
    assert read(ValueKind.MONEY, text, unit) == (money(text, unit_of(unit)) if is_number else None)
    assert read(ValueKind.COUNT, text) == (whole(text, limit=LARGEST_COUNT) if is_number else None)


@settings(max_examples=60, deadline=None)
@given(st.decimals(min_value=-(10**14), max_value=10**14, places=8, allow_nan=False))
def test_value_sql__any_decimal__equals_foundations_money(amount: Decimal):
    text = format(amount, "f")
    try:
        expected = to_micros(text)
    except AmountInvalid:
        expected = None
    assert read(ValueKind.MONEY, text) == expected
