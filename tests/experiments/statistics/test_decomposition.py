import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments.statistics.decomposition import SalesTotals, decompose
from experiments.statistics.figures import FigureInvalid
from experiments.statistics.results import Undefined, UndefinedReason


def test_decompose__half_more_buyers_of_half_the_value__is_computed_by_hand():
    found = decompose(SalesTotals(100, 10, 400.0), SalesTotals(100, 15, 300.0))
    assert found.revenue == pytest.approx(-0.25)
    assert found.conversion == pytest.approx(0.5)
    assert found.order_value == pytest.approx(-0.5)
    assert found.log_conversion == pytest.approx(math.log(1.5))


SALES = st.builds(SalesTotals, st.integers(1, 10**9), st.integers(1, 10**9), st.floats(1e-6, 1e15))


@given(SALES, SALES)
def test_decompose__any_sales__log_lifts_add_up(control, treatment):
    found = decompose(control, treatment)
    assert found.log_conversion + found.log_order_value == pytest.approx(
        math.log(treatment.revenue / treatment.units) - math.log(control.revenue / control.units), abs=1e-9
    )


@pytest.mark.parametrize(
    ("control", "treatment", "reason"),
    [
        (SalesTotals(0, 0, 0.0), SalesTotals(9, 1, 1.0), UndefinedReason.NO_DATA),
        (SalesTotals(9, 1, 1.0), SalesTotals(0, 0, 0.0), UndefinedReason.NO_DATA),
        (SalesTotals(9, 0, 0.0), SalesTotals(9, 1, 1.0), UndefinedReason.ZERO_CONTROL),
        (SalesTotals(9, 1, 0.0), SalesTotals(9, 1, 1.0), UndefinedReason.ZERO_CONTROL),
        (SalesTotals(9, 1, -5.0), SalesTotals(9, 1, 1.0), UndefinedReason.NEGATIVE_CONTROL),
        (SalesTotals(9, 1, 1.0), SalesTotals(9, 0, 0.0), UndefinedReason.ZERO_DENOMINATOR),
        (SalesTotals(9, 1, 1e-308), SalesTotals(9, 1, 1e308), UndefinedReason.OVERFLOW),
    ],
)
def test_decompose__nothing_sold__is_undefined(control, treatment, reason):
    assert decompose(control, treatment) == Undefined(reason)


def test_decompose__more_refunded_than_sold__has_lifts_but_no_logs():
    found = decompose(SalesTotals(10, 5, 50.0), SalesTotals(10, 5, -10.0))
    assert found.revenue == pytest.approx(-1.2)
    assert found.log_conversion == 0.0
    assert found.log_order_value == Undefined(UndefinedReason.ZERO_DENOMINATOR)


@pytest.mark.parametrize(("units", "orders", "revenue"), [(-1, 0, 0.0), (1, -1, 0.0), (1, 1, math.nan)])
def test_sales__counts_that_cannot_be__are_refused(units, orders, revenue):
    with pytest.raises(FigureInvalid):
        SalesTotals(units, orders, revenue)
