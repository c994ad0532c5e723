from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foundation.money import BIGINT_MAX, BIGINT_MIN, AmountInvalid, format_micros, to_micros


@pytest.mark.parametrize(
    ("value", "micros"),
    [
        ("0", 0),
        ("12.34", 12_340_000),
        (-3, -3_000_000),
        (0.1, 100_000),
        (19.99, 19_990_000),
        (1e-7, 0),
        ("0.0000005", 0),
        ("0.0000015", 2),
        ("-0.0000025", -2),
        (Decimal("0.00000250000000000000000000000000000000000000001"), 3),
        ("1e3", 1_000_000_000),
        (".5", 500_000),
        ("9223372036854.775807", BIGINT_MAX),
        ("-9223372036854.775808", BIGINT_MIN),
        (Decimal("1e-99999999"), 0),
    ],
)
def test_to_micros__exact_decimal__rounds_half_to_even(value: str | float | Decimal, micros: int) -> None:
    assert to_micros(value) == micros


@pytest.mark.parametrize(
    "value",
    [
        "9223372036854.775808",
        "1e400",
        10**30,
        1e300,
        Decimal("1e999999"),
        float("nan"),
        float("inf"),
        Decimal("-Infinity"),
        "NaN",
        "",
        " 1",
        "1_000",
        "１２",
        "0x10",
        "1,5",
        "9" * 101,
        True,
    ],
)
def test_to_micros__not_a_finite_amount_in_range__is_refused(value: str | float | Decimal) -> None:
    with pytest.raises(AmountInvalid):
        to_micros(value)


@given(st.integers(min_value=BIGINT_MIN, max_value=BIGINT_MAX))
def test_format_micros__any_amount__reads_back_exactly(micros: int) -> None:
    assert to_micros(format_micros(micros)) == micros


@pytest.mark.parametrize(
    ("micros", "places", "text"),
    [
        (0, 2, "0.00"),
        (-1_500_000, 2, "-1.50"),
        (1, 2, "0.000001"),
        (3_000_000, 0, "3"),
        (-500_000, 0, "-0.5"),
    ],
)
def test_format_micros__chosen_places__pads_and_never_rounds(micros: int, places: int, text: str) -> None:
    assert format_micros(micros, places=places) == text
